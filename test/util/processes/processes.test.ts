// Who belongs to a job, and that nobody else is ended.
import { type ChildProcess, spawn } from 'node:child_process';
import { afterEach, expect, test } from 'vitest';
import { askToEnd, bootId, endJobs, isWrapper, startTimeOf } from '../../../src/lib/util/processes/processes.ts';
import { isRunning, nonce, until } from '../../contracts/backend.ts';

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

function begin(job: string | undefined, ...words: string[]): number {
  const env = { ...process.env, ...(job === undefined ? {} : { DFLOW_JOB: job }) };
  const child = spawn(words[0] ?? '', words.slice(1), { detached: true, stdio: 'ignore', env });
  started.push(child);
  return child.pid ?? 0;
}

const ended = (pid: number) => until(`the end of ${pid}`, async () => !isRunning(pid) || undefined);
const ready = (pid: number, word: string) =>
  until(
    'its start',
    async () => isWrapper({ pid, startTime: startTimeOf(pid) ?? '', boot: bootId() }, word) || undefined,
  );

test('all that bears the mark ends, in whatever session; a longer key and a stranger stay', async () => {
  const key = `${nonce()}.1`;
  const mine = begin(key, 'sh', '-c', 'setsid sleep 600 & setsid sleep 600');
  const other = begin(`${key}0`, 'sleep', '600');
  const stranger = begin(undefined, 'sleep', '600');
  await ready(mine, key);
  await ready(other, `${key}0`);
  endJobs(new Set([key]));
  await ended(mine);
  expect([other, stranger].map(isRunning)).toEqual([true, true]);
});

test('what has lost its environment is found by its session, where a mark proves whose that is', async () => {
  const key = `${nonce()}.1`;
  const leader = begin(key, 'sh', '-c', `env -i sleep 600 & echo; sleep 600`);
  await ready(leader, key);
  const bare = await until('the child', async () => {
    const { execFileSync } = await import('node:child_process');
    const lines = execFileSync('ps', ['-o', 'pid=,args=', '-s', String(leader)], { encoding: 'utf8' }).split('\n');
    const pids = lines.filter((line) => line.includes('sleep 600')).map((line) => Number.parseInt(line, 10));
    return pids.length >= 2 ? pids : undefined;
  });
  endJobs(new Set([key]));
  for (const pid of bare) await ended(pid);
});

test('a number that now belongs to another process is not asked to end', async () => {
  const key = `${nonce()}.1`;
  const stranger = begin(undefined, 'sleep', '600');
  await until('its start', async () => startTimeOf(stranger));
  const who = { pid: stranger, startTime: startTimeOf(stranger) ?? '', boot: bootId() };
  expect(askToEnd(who, key, true)).toBe(false);
  expect(askToEnd({ ...who, startTime: '1' }, key, true)).toBe(false);
  expect(isRunning(stranger)).toBe(true);
});

test('a wrapper is known by the job file that it was started with', async () => {
  const key = `${nonce()}.1`;
  const pid = begin(undefined, 'sh', '-c', 'sleep 600; :', `/spool/run/${key}`);
  await ready(pid, key);
  const who = { pid, startTime: startTimeOf(pid) ?? '', boot: bootId() };
  expect(isWrapper({ ...who, boot: 'other' }, key)).toBe(false);
  expect(askToEnd(who, key, true)).toBe(true);
  await ended(pid);
});

// `monitor poll --spool` and `monitor apply --spool` killed at random moments while jobs run: every answer is applied in
// the end, no job is lost or run twice, and a file that was damaged is set aside. Takes long: many processes.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { BIN, dflow, environment, folder, lines, must, removeFolders } from '../support/cli.ts';

afterAll(removeFolders);

const RUNS = 12;
const KILLS = 8;

/** Runs with their jobs at the local batch system, where each notes that it ran. */
function experiment(): string {
  const place = folder();
  for (const name of ['raw', 'store', 'modules']) mkdirSync(join(place, name));
  writeFileSync(
    join(place, 'dflow.yaml'),
    `buffer: {path: ./raw, pattern: 'run{run}_{subrun}.dat', closed: marker}
storage: {disk: ./store}
runs: {quiet: 0s}
farms: {local: {slots: 2}}
`,
  );
  const run = `echo "$DFLOW_JOB" >> '${place}/marks'; sleep 0.3; wc -c "$@" > "$OUT_n"`;
  const modules = { modules: { Count: { run, outputs: { n: 'n.txt' } } }, runTypes: { any: ['Count'] } };
  writeFileSync(join(place, 'modules/1.0.yaml'), JSON.stringify(modules));
  for (let number = 1; number <= RUNS; number++) {
    writeFileSync(join(place, 'raw', `run${number}_0.dat`), `run ${number}`);
    writeFileSync(join(place, 'raw', `run${number}_0.dat_closed`), '');
  }
  must(place, ['store', 'setup']);
  for (const step of ['register --no-wait', 'transfer', 'register --no-wait', 'enqueue', 'submit'])
    must(place, step.split(' '));
  return place;
}

const start = (place: string, words: readonly string[]): ChildProcess =>
  spawn(process.execPath, [BIN, ...words], { cwd: place, env: environment({}, place), stdio: 'ignore' });

const jobs = (place: string): { state: string; attempt?: number }[] =>
  lines(must(place, ['list', 'jobs', '-s', 'all', '--json']));
const marks = (place: string): string[] => readFileSync(join(place, 'marks'), 'utf8').trim().split('\n');
const spool = (place: string): string[] => readdirSync(join(place, 'spool')).filter((name) => !name.includes('.lock'));

const POLL = ['monitor', 'poll', '--spool', 'spool'];
const APPLY = ['monitor', 'apply', '--spool', 'spool'];

/** Both halves, one after the other, until every job is done. */
async function drain(place: string): Promise<void> {
  while (jobs(place).some(({ state }) => state !== 'completed')) {
    must(place, POLL);
    must(place, APPLY);
    await wait(100);
  }
}

test('killed at random moments: every answer is applied, and nothing runs twice', async () => {
  const place = experiment();
  expect(jobs(place)).toHaveLength(RUNS);
  const began = Date.now();
  must(place, POLL);
  const whole = Date.now() - began;
  for (let kill = 0; kill < KILLS; kill++) {
    // Now and then one of the two comes to its end.
    const both = [POLL, APPLY].map((words) => {
      const child = start(place, words);
      return { child, ended: once(child, 'exit') };
    });
    for (const { child, ended } of both) {
      await Promise.race([ended, wait(whole * (0.2 + 1.1 * Math.random()))]);
      child.kill('SIGKILL');
      await ended;
    }
    expect(spool(place).filter((name) => name.endsWith('.damaged'))).toEqual([]);
  }
  await drain(place);
  expect(spool(place).filter((name) => !name.endsWith('.new'))).toEqual([]);
  expect(marks(place)).toHaveLength(RUNS);
  expect(new Set(marks(place)).size).toBe(RUNS);
  expect(dflow(place, ['verify']).code).toBe(0);
});

test('an answer that was cut is set aside and said; the next one is applied', async () => {
  const place = experiment();
  while (!existsSync(join(place, 'marks')) || marks(place).length < RUNS) await wait(100);
  must(place, POLL);
  truncateSync(join(place, 'spool', 'local.poll'), 150);
  const ran = dflow(place, APPLY);
  expect([ran.code, ran.out]).toEqual([1, expect.stringContaining('local.damaged')]);
  expect(`${ran.out}${ran.err}`).toContain('dflow monitor poll --site local --spool');
  expect(spool(place)).toEqual(['local.damaged']);
  await drain(place);
  expect(spool(place)).toEqual(['local.damaged']);
  expect(new Set(marks(place)).size).toBe(RUNS);
});

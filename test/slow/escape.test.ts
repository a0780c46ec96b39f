// What a payload starts in a session of its own ends with its job; set-up and command are in no process list.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { privateMode } from '../../src/lib/backends/shared/folder/files.ts';
import { isRunning, until, untilState } from '../contracts/backend.ts';
import {
  backend,
  build,
  events,
  go,
  removeBuilt,
  setUp,
  supervisorPid,
  tasks,
  tearDown,
  world,
} from '../support/local.ts';

beforeAll(build);
afterAll(removeBuilt);
beforeEach(setUp);
afterEach(tearDown);

/** A payload with a part in a session of its own, which writes its number down. */
const ESCAPE = 'setsid sh -c \'echo $$ > "$EVENTS.pid"; exec sleep 300\' &';

async function escaped(): Promise<number> {
  return until('the part that escapes', async () => {
    const path = `${events}.pid`;
    return (existsSync(path) && Number(readFileSync(path, 'utf8'))) || undefined;
  });
}

const gone = (pid: number) => until('its end', async () => !isRunning(pid) || undefined);

test.each([
  [
    'the wrapper is killed',
    async (key: string) => {
      const [, pid] = readFileSync(join(world.spool, 'started', key), 'utf8').split(' ');
      process.kill(Number(pid), 'SIGKILL');
    },
  ],
  ['it is canceled', (key: string) => backend.cancel([key])],
  [
    'wrapper and supervisor are killed',
    async (key: string) => {
      const [, pid] = readFileSync(join(world.spool, 'started', key), 'utf8').split(' ');
      for (const one of [supervisorPid(), Number(pid)]) process.kill(one, 'SIGKILL');
      await until('the supervisor', async () => !isRunning(supervisorPid()) || undefined);
      await backend.ensure();
    },
  ],
])('when %s', async (_how, end) => {
  const [key] = await go(tasks(1, `${ESCAPE} sleep 300`));
  const pid = await escaped();
  await end(key!);
  await untilState(backend, [key!], 'ended');
  await gone(pid);
});

test.each(['true', 'exit 3'])('when the payload ends by itself (%s)', async (ending) => {
  const [key] = await go(tasks(1, `${ESCAPE} until [ -s "$EVENTS.pid" ]; do sleep 0.05; done; ${ending}`));
  const pid = await escaped();
  await untilState(backend, [key!], 'ended');
  await gone(pid);
});

test('set-up, command and environment are in no process list, and only their user can read them', async () => {
  const secret = { setup: 'export A=hidden1', env: { EVENTS: events, B: 'hidden2' } };
  const [key] = await go(tasks(1, `${ESCAPE} sleep 300 # hidden3`, secret));
  await escaped();
  expect(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })).not.toMatch(/hidden[123]/);
  expect(statSync(join(world.spool, 'run', key!)).mode & 0o777).toBe(0o600);
  for (const path of [world.spool, join(world.spool, 'run')]) expect(statSync(path).mode & 0o777).toBe(0o700);
  await backend.cancel([key!]);
  await untilState(backend, [key!], 'ended');
});

test('with umask 000 everybody may look: there jobs run as another user', () => {
  const before = process.umask(0);
  try {
    expect([privateMode(0o700), privateMode(0o600)]).toEqual([0o777, 0o666]);
    process.umask(0o002);
    expect([privateMode(0o700), privateMode(0o600)]).toEqual([0o700, 0o600]);
  } finally {
    process.umask(before);
  }
});

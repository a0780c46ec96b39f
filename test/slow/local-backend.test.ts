// The local backend: the contract, slots, order, cancels, wake-ups. Starts are counted by what jobs write.
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { open } from '../../src/lib/backends/local/local.ts';
import { backendContract, nonce, until, untilState } from '../contracts/backend.ts';
import {
  backend,
  build,
  farm,
  go,
  makeWorld,
  mostAtOnce,
  record,
  removeBuilt,
  setUp,
  started,
  starts,
  tasks,
  tearDown,
  world,
} from '../support/local.ts';
import { buildModule } from '../support/supervisor.ts';

beforeAll(build);
afterAll(removeBuilt);

backendContract('local', () => makeWorld(2));

describe('local', () => {
  beforeEach(setUp);
  afterEach(tearDown);

  test('500 jobs with 4 slots: each starts once, in the order of their release, never more than 4 at a time', async () => {
    const keys = await go(tasks(500, ':'), await world.reopen(4));
    await untilState(backend, keys, 'ended');
    expect(starts().length).toBe(500);
    expect(new Set(starts())).toEqual(new Set(keys));
    expect(mostAtOnce()).toBeLessThanOrEqual(4);
    // With four at a time, a job can overtake only its neighbours.
    const order = new Map(keys.map((key, index) => [key, index]));
    const shifts = starts().map((key, index) => Math.abs(order.get(key)! - index));
    expect(Math.max(...shifts)).toBeLessThan(50);
    expect(readdirSync(join(world.spool, 'started')).length).toBe(500);
    const records = await backend.records(1_000);
    expect(records.filter(({ phase }) => phase === 'done').length).toBe(500);
    await backend.acknowledge(records);
    expect(await backend.records(1_000)).toEqual([]);
  });

  test('with one slot the first released is the first run', async () => {
    const one = await world.reopen(1);
    const list = tasks(6, ':');
    await one.submit('x', list);
    const order = [3, 1, 5, 0, 4, 2].map((index) => list[index]!.key);
    await one.release(order.slice(0, 3));
    await one.release(order.slice(3));
    await untilState(one, order, 'ended');
    expect(starts()).toEqual(order);
  });

  test('cancelling reaches pending jobs, and a payload that does not listen', async () => {
    const one = await world.reopen(1);
    const keys = await go(tasks(3, "trap '' TERM; while :; do sleep 0.2; done"), one);
    await started(1);
    const status = await backend.status(keys);
    expect(keys.map((key) => status.get(key)?.state)).toEqual(['running', 'pending', 'pending']);
    await backend.cancel(keys.slice(1));
    await untilState(backend, keys.slice(1), 'ended');
    await backend.cancel(keys);
    await untilState(backend, keys, 'ended');
    const after = await backend.status(keys);
    expect(keys.map((key) => after.get(key)?.raw)).toEqual(['canceled', 'canceled', 'canceled']);
    expect(starts()).toEqual([keys[0]]);
    expect(await record(keys[0]!)).toMatchObject({ phase: 'killed' });
  });

  test('cancel while the same keys are being released: nothing is left pending, a job ran or never will', async () => {
    const list = tasks(40, ':');
    const keys = list.map((task) => task.key);
    await backend.submit('x', list);
    const other = await world.reopen();
    await Promise.all([backend.release(keys), other.cancel(keys), backend.release(keys), other.cancel(keys)]);
    await untilState(backend, keys, 'ended');
    const ran = starts();
    expect(new Set(ran).size).toBe(ran.length);
    const status = await backend.status(keys);
    for (const key of keys) expect(ran.includes(key) || status.get(key)?.raw === 'canceled').toBe(true);
  });

  test('a change of slots is picked up by the running supervisor', async () => {
    const keys = await go(tasks(3, 'sleep 300'), await world.reopen(1));
    await started(1);
    const status = await backend.status(keys);
    expect([...status.values()].filter(({ state }) => state === 'pending').length).toBe(2);
    await world.reopen(3);
    await started(3);
    expect(mostAtOnce()).toBe(3);
  });

  test('four processes submit at once, while the supervisor keeps ending for want of work: no wake-up is lost', async () => {
    const built = await buildModule('src/lib/backends/local/local.ts');
    try {
      const code = `
        const { open } = await import(${JSON.stringify(built.path)});
        const [farm, folder, claims] = JSON.parse(process.argv[1]);
        const backend = await open(farm, { folder, uuid: 'u', nonce: () => 'n' + Math.random().toString(36).slice(2) });
        for (const list of claims) {
          await backend.submit('x', list);
          await backend.release(list.map((task) => task.key));
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 900));
        }`;
      const claims = Array.from({ length: 4 }, () => Array.from({ length: 5 }, () => tasks(3, ':')));
      await Promise.all(
        claims.map((mine) => {
          const argument = JSON.stringify([farm(3), world.spool, mine]);
          const child = spawn(process.execPath, ['--input-type=module', '-e', code, argument], { stdio: 'inherit' });
          return new Promise<void>((done, fail) => {
            child.on('exit', (status) => (status === 0 ? done() : fail(new Error(`exit ${status}`))));
          });
        }),
      );
      const keys = claims.flat(2).map((task) => task.key);
      // No `ensure` from here on: whoever released last must have seen to it.
      await untilState(backend, keys, 'ended');
      expect(starts().sort()).toEqual([...keys].sort());
      expect(mostAtOnce()).toBeLessThanOrEqual(3);
    } finally {
      built.remove();
    }
  });

  test('marks, records and logs that are old enough are removed, unread records are not', async () => {
    const spool = (...parts: string[]) => join(world.spool, ...parts);
    const old = new Date(Date.now() - 31 * 86_400_000);
    for (const name of ['old.0', 'unread.0', 'new.0']) {
      writeFileSync(spool('started', name), 'started 1 1 - x\n');
      if (name !== 'new.0') utimesSync(spool('started', name), old, old);
    }
    writeFileSync(spool('result/new/unread.0'), '');
    mkdirSync(spool('logs/old'));
    writeFileSync(spool('logs/old/0.log'), 'x');
    utimesSync(spool('logs/old'), old, old);
    await go(tasks(1, ':'));
    await until('the sweep', async () => existsSync(spool('swept')) || undefined);
    expect(readdirSync(spool('started'))).toEqual(expect.arrayContaining(['unread.0', 'new.0']));
    expect(existsSync(spool('started/old.0'))).toBe(false);
    expect(existsSync(spool('logs/old'))).toBe(false);
    rmSync(spool('result/new/unread.0'));
  });

  test('the end of a 2 GB log is read without the rest', async () => {
    const key = `${nonce()}.7`;
    const [claim] = key.split('.');
    mkdirSync(join(world.spool, 'logs', claim!), { recursive: true });
    const path = join(world.spool, 'logs', claim!, '7.log');
    writeFileSync(path, '');
    truncateSync(path, 2 ** 31);
    appendFileSync(path, 'one\nzwölf\n');
    const before = process.memoryUsage().arrayBuffers;
    expect((await backend.logs([key], 6)).get(key)).toBe('ölf\n'.padStart(5, 'w').slice(-5));
    expect((await backend.logs([key], 4)).get(key)).toBe('lf\n');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
  });

  test('wrong options and a missing supervisor are said clearly', async () => {
    const context = { folder: world.spool, uuid: 'u', nonce };
    await expect(open(farm(1, { scrath: '/x' }), context)).rejects.toMatchObject({
      exit: 2,
      message: expect.stringContaining('did you mean scratch?'),
    });
    await expect(open(farm(1, { scratch: 'x' }), context)).rejects.toThrow(/not an absolute path/);
    await expect(open(farm(0), context)).rejects.toThrow(/slots/);
    const broken = await open(farm(1, { supervisor: '/no/supervisor.js' }), context);
    const list = tasks(1, ':');
    await broken.submit('x', list);
    await expect(broken.release([list[0]!.key])).rejects.toMatchObject({ exit: 5, hint: 'npm run build' });
    writeFileSync(join(world.folder, 'bad.mjs'), 'throw new Error("it broke");');
    const failing = await open(farm(1, { supervisor: join(world.folder, 'bad.mjs') }), context);
    await expect(failing.ensure()).rejects.toThrow(/does not start: .*/);
    // Repaired, the job that was released meanwhile runs.
    await world.backend.ensure();
    await untilState(backend, [list[0]!.key], 'ended');
    expect(starts().length).toBe(1);
  });
});

// The HTCondor backend on real HTCondor: the contract with a shared folder and with HTCondor's own file transfer, and
// every way in which HTCondor itself or an operator ends a job. Starts are counted by what the payloads wrote.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Status } from '../../src/lib/backend.ts';
import { UnreachableError } from '../../src/lib/util/errors.ts';
import { backendContract, handsOn, isRunning, nonce, until, untilState } from '../contracts/backend.ts';
import { type CondorWorld, condor, daemon, makeWorld, starts, untilUp } from './condor-world.ts';
import { leftovers } from './leftovers.ts';

backendContract('htcondor with a shared folder', () => makeWorld());
backendContract('htcondor with file transfer', () => makeWorld({ transfer: true }));
leftovers('htcondor', () => makeWorld());

/** With a shared folder, and without. */
const BOTH = [{ transfer: false }, { transfer: true }];

describe('htcondor', () => {
  let world: CondorWorld;
  afterEach(() => world.close());

  const { tasks, submitted, go, ended } = handsOn(() => world);
  const statusOf = async (key: string): Promise<Status | undefined> => (await world.backend.status([key])).get(key);

  /** A job that writes its process down and sleeps: its key, its id, and the file. */
  async function sleeper(): Promise<{ key: string; id: string; mark: string }> {
    const mark = join(world.folder, nonce());
    const [key] = await go(tasks(1, `echo $$ >> '${mark}'; sleep 300`));
    await until('the payload', async () => existsSync(mark) || undefined);
    await untilState(world.backend, [key!], 'running');
    return { key: key!, id: (await statusOf(key!))!.backendId!, mark };
  }

  const startsOf = (mark: string): number => readFileSync(mark, 'utf8').trim().split('\n').length;

  /** Runs something else from end to end: there was time and a free slot for whatever else could start. */
  async function meanwhile(): Promise<void> {
    const keys = await go(tasks(1, ':'));
    await untilState(world.backend, keys, 'ended');
  }

  test('100 tasks with and without a memory request: two submissions, each task starts once under its own key', async () => {
    world = await makeWorld();
    const list = tasks(100, ':', (index) => (index % 2 ? { memory: 10 + index } : {}));
    const keys = list.map(({ key }) => key);
    const ids = await world.backend.submit(keys[0]!.split('.')[0]!, list);
    expect(new Set([...ids.values()].map((id) => String(id).split('.')[0])).size).toBe(2);
    expect(new Set(ids.values()).size).toBe(100);
    expect((await world.backend.alive()).sort()).toEqual([...keys].sort());
    expect((await statusOf(keys[7]!))!.backendId).toBe(ids.get(keys[7]!));
    // A command that knows no ids: the crash of the one above lost them.
    const other = await world.reopen();
    const [some, rest] = [keys.filter((_, at) => at % 5 === 0), keys.filter((_, at) => at % 5 !== 0)];
    await other.cancel(some);
    await other.release(keys);
    await untilState(world.backend, keys, 'ended');
    expect(starts(world.shared).sort()).toEqual([...rest].sort());
    const records = await world.backend.records(1_000);
    expect(new Set(records.map(({ key, phase }) => `${key} ${phase}`))).toEqual(
      new Set(rest.map((key) => `${key} done`)),
    );
    await world.backend.acknowledge(records);
    expect(await world.backend.records(1_000)).toEqual([]);
    expect(existsSync(join(world.shared, 'jobs', keys[0]!.split('.')[0]!))).toBe(false);
  });

  test('what HTCondor refuses at once is refused, and nothing of it is there', async () => {
    world = await makeWorld({ extra: ['rank = (('] });
    const list = tasks(2, ':');
    const answers = await world.backend.submit(list[0]!.key.split('.')[0]!, list);
    expect([...answers.values()]).toEqual(Array(2).fill({ refused: expect.stringContaining('Parse error') }));
    expect(await world.backend.alive()).toEqual([]);
  });

  test('a job whose files cannot travel is refused alone; the others of its claim are there', async () => {
    world = await makeWorld({ transfer: true });
    const list = tasks(3, ':', (at) => (at === 1 ? { files: ['/somewhere/a,b.txt'] } : {}));
    const answers = [...(await world.backend.submit(list[0]!.key.split('.')[0]!, list)).values()];
    expect(answers[1]).toEqual({
      refused: expect.stringContaining('a,b.txt has a name that HTCondor cannot transfer'),
    });
    expect((await world.backend.alive()).sort()).toEqual([list[0]!.key, list[2]!.key].sort());
  });

  test('more memory than asked for: held with our own subcode, and the killed record waits for that word', async () => {
    world = await makeWorld();
    const eat = 'x=$(head -c 150000000 /dev/zero | tr "\\0" x); sleep 60';
    const [key] = await go(tasks(1, eat, () => ({ memory: 50 })));
    expect((await ended(key!)).raw).toMatch(/^HOLD 3\/101 memory: \d+ MiB used of 50$/);
    expect((await world.backend.records(10))[0]).toMatchObject({ key, phase: 'killed', signal: 15 });
  });

  test('more than any machine of the pool has: it waits, with the reason', async () => {
    world = await makeWorld();
    const [key] = await go(tasks(1, ':', () => ({ memory: 9_000_000 })));
    const [small] = await go(tasks(1, 'sleep 5'));
    expect(await statusOf(key!)).toMatchObject({
      state: 'pending',
      raw: 'no machine of the pool has 9000000 MiB and 1 CPU',
    });
    expect((await statusOf(small!))?.raw).toBeUndefined();
    await world.backend.cancel([key!, small!]);
  });

  test('longer than the farm allows a module without a limit', async () => {
    world = await makeWorld({ time: '2s' });
    const [key] = await go(tasks(1, 'sleep 60'));
    expect((await ended(key!)).raw).toBe('HOLD 3/102 time: longer than 2 s');
  });

  test.each(BOTH)('evicted by condor_vacate_job (%j): it never starts again', async (options) => {
    world = await makeWorld(options);
    const { key, id, mark } = await sleeper();
    condor('condor_vacate_job', id);
    expect((await ended(key)).raw).toContain('REMOVED evicted');
    await meanwhile();
    expect(startsOf(mark)).toBe(1);
    expect(isRunning(Number(readFileSync(mark, 'utf8')))).toBe(false);
  });

  test.each(
    BOTH,
  )('condor_hold and condor_release of a running job (%j): it ended, and never starts again', async (options) => {
    world = await makeWorld(options);
    const { key, id, mark } = await sleeper();
    condor('condor_hold', id);
    expect((await ended(key)).raw).toMatch(/^HOLD 1\/0 via condor_hold/);
    condor('condor_release', id);
    await meanwhile();
    await until('its removal', async () => (condor('condor_q', id, '-af', 'ClusterId') === '' ? true : undefined));
    expect((await ended(key)).raw).toMatch(/^HOLD 1\/0 via condor_hold/);
    expect(startsOf(mark)).toBe(1);
  });

  test('condor_hold of a job that has not started: it waits for its operator, with the word for it', async () => {
    world = await makeWorld({ requirements: 'false' });
    const [key] = await go(tasks(1, ':'));
    condor('condor_hold', (await statusOf(key!))!.backendId!);
    expect(await statusOf(key!)).toMatchObject({ state: 'pending', raw: expect.stringMatching(/^HOLD 1\/0/) });
    // Not ours to release.
    await world.backend.release([key!]);
    expect((await statusOf(key!))!.raw).toMatch(/^HOLD 1\/0/);
    await world.backend.cancel([key!]);
    expect((await ended(key!)).raw).toBe('canceled');
  });

  test('condor_rm by an operator, held and running: both end so, the running one with a record', async () => {
    world = await makeWorld();
    const { key, id } = await sleeper();
    const [held] = await submitted(tasks(1, ':'));
    condor('condor_rm', id, (await statusOf(held!))!.backendId!);
    expect((await ended(key)).raw).toMatch(/^REMOVED via condor_rm \(by user/);
    expect((await ended(held!)).raw).toMatch(/^REMOVED via condor_rm \(by user/);
    expect((await world.backend.records(10)).map((record) => `${record.key} ${record.phase}`)).toEqual([
      `${key} killed`,
    ]);
  });

  test.each(
    BOTH,
  )('the wrapper killed (%j): no record, and HTCondor says which signal, or what did not come', async (options) => {
    world = await makeWorld(options);
    const [key] = await go(tasks(1, 'kill -KILL $PPID; sleep 1'));
    expect((await ended(key!)).raw).toMatch(options.transfer ? /^HOLD 12\// : /^COMPLETED signal 9$/);
    expect(await world.backend.records(10)).toEqual([]);
  });

  test("the node's starter killed under a running job: ended, and it never starts again", async () => {
    world = await makeWorld();
    const { key, mark } = await sleeper();
    const parent = (pid: number): number =>
      Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8' }));
    const wrapper = parent(Number(readFileSync(mark, 'utf8')));
    process.kill(parent(wrapper), 'SIGKILL');
    expect((await ended(key, 120)).raw).toMatch(/^(REMOVED evicted|HOLD \d+|COMPLETED)/);
    await meanwhile();
    expect(startsOf(mark)).toBe(1);
  });

  test('executable missing, log not writable: ended with HTCondor’s words, and nothing started', async () => {
    world = await makeWorld();
    const [first, second] = [await submitted(tasks(1, ':')), await submitted(tasks(1, ':'))];
    rmSync(join(world.shared, 'logs', second[0]!.split('.')[0]!), { recursive: true });
    await world.backend.release(second);
    expect((await ended(second[0]!)).raw).toMatch(/^HOLD 7\/2 .*as standard output/);
    const wrapper = readdirSync(world.shared).find((name) => name.startsWith('wrapper-'))!;
    rmSync(join(world.shared, wrapper));
    await world.backend.release(first);
    expect((await ended(first[0]!)).raw).toMatch(/^HOLD 6\/2 .*Failed to execute/);
    expect(starts(world.shared)).toEqual([]);
  });

  test('history that cannot be read: unknown, not absent', async () => {
    world = await makeWorld();
    const bin = join(world.folder, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'condor_history'), '#!/bin/sh\nexit 1\n');
    chmodSync(join(bin, 'condor_history'), 0o755);
    const path = process.env.PATH;
    process.env.PATH = `${bin}:${path}`;
    try {
      expect(await world.backend.status([`${nonce()}.0`])).toEqual(new Map());
    } finally {
      process.env.PATH = path;
    }
  });

  test('schedd killed: every call is unreachable, although condor_rm says the same as for no match', async () => {
    world = await makeWorld();
    const { key, mark } = await sleeper();
    const held = await submitted(tasks(1, ':'));
    const more = tasks(1, ':');
    process.kill(daemon('condor_schedd'), 'SIGKILL');
    const other = await world.reopen();
    for (const call of [
      () => other.identity(),
      () => other.status([key]),
      () => other.alive(),
      () => other.release(held),
      () => other.cancel([key]),
      () => other.submit(more[0]!.key.split('.')[0]!, more),
    ])
      await expect(call()).rejects.toThrow(UnreachableError);
    untilUp();
    // The new schedd has found the running job again.
    await untilState(other, [key], 'running');
    expect((await other.status(held)).get(held[0]!)?.state).toBe('held');
    expect(startsOf(mark)).toBe(1);
  });
});

// The local backend: the contract, and what must hold whoever dies when. Starts are counted by what jobs write.
import { execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Backend, Task } from '../src/lib/backend.ts';
import { open } from '../src/lib/backends/local.ts';
import type { FarmSettings } from '../src/lib/domain/settings.ts';
import { tryLock } from '../src/lib/util/lock.ts';
import type { ResultRecord } from '../src/lib/wrapper/record.ts';
import type { JobSpec } from '../src/lib/wrapper/spec.ts';
import {
  type BackendWorld,
  backendContract,
  isRunning,
  nonce,
  simpleSpec,
  until,
  untilState,
} from './contracts/backend.ts';
import { type Built, buildModule, buildSupervisor } from './support/supervisor.ts';

let supervisor: Built;
beforeAll(async () => {
  supervisor = await buildSupervisor();
});
afterAll(() => supervisor.remove());

function farm(slots: number, options: Record<string, unknown> = {}): FarmSettings {
  return {
    name: 'here',
    backend: 'local',
    slots,
    pending: 0,
    output: ['disk'],
    reads: ['disk'],
    setup: {},
    env: {},
    options: { supervisor: supervisor.path, ...options },
  };
}

interface LocalWorld extends BackendWorld {
  readonly spool: string;
  reopen(slots?: number): Promise<Backend>;
}

async function makeWorld(slots: number): Promise<LocalWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'dflow local-'));
  const spool = join(folder, 'spool');
  const reopen = (now = slots) => open(farm(now), { folder: spool, uuid: 'u', nonce });
  const backend = await reopen();
  return { backend, reopen, folder, spool, close: () => closeWorld(backend, folder, spool) };
}

async function closeWorld(backend: Backend, folder: string, spool: string): Promise<void> {
  await backend.cancel([
    ...readdirSync(join(spool, 'run')),
    ...readdirSync(join(spool, 'ready')).map((n) => n.slice(25)),
  ]);
  await until('the end of the supervisor', async () => {
    const lock = tryLock(join(spool, 'lock'));
    lock?.release();
    return lock && readdirSync(join(spool, 'run')).length === 0 ? true : undefined;
  });
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

backendContract('local', () => makeWorld(2));

describe('local', () => {
  let world: LocalWorld;
  let backend: Backend;
  let events: string;
  beforeEach(async () => {
    world = await makeWorld(3);
    backend = world.backend;
    events = join(world.folder, 'events');
    writeFileSync(events, '');
  });
  afterEach(() => world.close());

  /** Tasks of a fresh claim that write `s` and `e` lines to the events file around `command`. */
  function tasks(count: number, command: string, more: Partial<JobSpec> = {}): Task[] {
    const claim = nonce();
    return Array.from({ length: count }, (_, index) => {
      const key = `${claim}.${index}`;
      const text = `echo "s ${key}" >> "$EVENTS"; ${command}; echo "e ${key}" >> "$EVENTS"`;
      return { key, spec: simpleSpec(key, text, world.folder, { outputs: [], env: { EVENTS: events }, ...more }) };
    });
  }

  async function go(list: readonly Task[], through: Backend = backend): Promise<string[]> {
    const keys = list.map((task) => task.key);
    await through.submit(keys[0]!.split('.')[0]!, list);
    await through.release(keys);
    return keys;
  }

  const lines = () => readFileSync(events, 'utf8').split('\n').slice(0, -1);
  const starts = () =>
    lines()
      .filter((line) => line.startsWith('s '))
      .map((line) => line.slice(2));
  const supervisorPid = () => Number(readFileSync(join(world.spool, 'supervisor.pid'), 'utf8'));

  function mostAtOnce(): number {
    let now = 0;
    let most = 0;
    for (const line of lines()) {
      now += line.startsWith('s ') ? 1 : -1;
      most = Math.max(most, now);
    }
    return most;
  }

  async function record(key: string): Promise<ResultRecord> {
    return until(`the record of ${key}`, async () => (await backend.records(1_000)).find((one) => one.key === key));
  }

  async function started(count: number): Promise<void> {
    await until(`${count} starts`, async () => starts().length >= count || undefined);
  }

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

  test('kill -9 of the supervisor at any moment: every job starts once, ends well, and slots are kept', async () => {
    const keys = await go(tasks(24, 'sleep 0.15'));
    for (let round = 0; round < 6; round++) {
      await started(round * 3 + 1);
      process.kill(supervisorPid(), 'SIGKILL');
      await until('its end', async () => !isRunning(supervisorPid()) || undefined);
      await backend.ensure();
    }
    await untilState(backend, keys, 'ended');
    expect(starts().sort()).toEqual([...keys].sort());
    expect(mostAtOnce()).toBeLessThanOrEqual(3);
    const records = await backend.records(100);
    expect(records.map(({ key, phase }) => `${key} ${phase}`).sort()).toEqual(keys.map((key) => `${key} done`).sort());
  });

  test('jobs go on and end without a supervisor; the next one finds them ended', async () => {
    const keys = await go(tasks(3, 'sleep 0.3'));
    await started(3);
    process.kill(supervisorPid(), 'SIGKILL');
    await until('all ends', async () => lines().length === 6 || undefined);
    await untilRecords(3);
    expect((await backend.status(keys)).get(keys[0]!)?.state).toBe('running');
    await backend.ensure();
    await untilState(backend, keys, 'ended');
    expect(starts().length).toBe(3);
  });

  async function untilRecords(count: number): Promise<void> {
    await until(`${count} records`, async () => (await backend.records(100)).length === count || undefined);
  }

  test('kill -9 of a wrapper: its payload ends too, its scratch folder goes, and the record says how it ended', async () => {
    const [key] = await go(tasks(1, 'echo $$ > "$EVENTS.pid"; echo working; sleep 300', { limit: 1_000 }));
    const payload = await until('the payload', async () => {
      const path = `${events}.pid`;
      return (existsSync(path) && Number(readFileSync(path, 'utf8'))) || undefined;
    });
    const [, wrapper] = readFileSync(join(world.spool, 'started', key!), 'utf8').split(' ');
    process.kill(Number(wrapper), 'SIGKILL');
    await untilState(backend, [key!], 'ended');
    expect(await record(key!)).toMatchObject({ phase: 'killed', exit: 137, signal: 9, tail: 'working' });
    await until('the end of the payload', async () => !isRunning(payload) || undefined);
    expect(readdirSync(join(world.spool, 'scratch'))).toEqual([]);
  });

  test('kill -9 of a wrapper and of the supervisor: the next one writes the record', async () => {
    const [key] = await go(tasks(1, 'sleep 300'));
    await started(1);
    process.kill(supervisorPid(), 'SIGKILL');
    const [, wrapper] = readFileSync(join(world.spool, 'started', key!), 'utf8').split(' ');
    process.kill(Number(wrapper), 'SIGKILL');
    await until('its end', async () => !isRunning(Number(wrapper)) || undefined);
    await backend.ensure();
    await untilState(backend, [key!], 'ended');
    expect(await record(key!)).toMatchObject({ phase: 'lost' });
    expect(starts().length).toBe(1);
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
    const built = await buildModule('src/lib/backends/local.ts');
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

  describe('what a crash leaves in the spool', () => {
    /** Puts a key into run/ as a dead supervisor leaves it, with this text as its start mark. */
    function leave(mark?: string): string {
      const [task] = tasks(1, ':');
      const key = task!.key;
      writeFileSync(join(world.spool, 'run', key), 'complete=no\n');
      if (mark !== undefined) writeFileSync(join(world.spool, 'started', key), mark);
      return key;
    }

    test('the machine restarted: running jobs are lost, never run again', async () => {
      const key = leave('started 1 5 00000000-0000-0000-0000-000000000000 abc\n');
      await backend.ensure();
      await untilState(backend, [key], 'ended');
      expect(await record(key)).toMatchObject({ phase: 'lost', execution: 'abc' });
    });

    test('the pid belongs to another process now', async () => {
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      const key = leave(`started ${process.pid} 1 ${boot} abc\n`);
      await backend.ensure();
      await untilState(backend, [key], 'ended');
      expect(await record(key)).toMatchObject({ phase: 'lost' });
    });

    test('the wrapper died while it wrote its mark', async () => {
      const key = leave('');
      await backend.ensure();
      await untilState(backend, [key], 'ended');
      expect(await record(key)).toMatchObject({ phase: 'lost', reason: 'the wrapper died while it started' });
    });

    test('the supervisor died between taking a job and starting it: it is started', async () => {
      const [task] = tasks(1, ':');
      await backend.submit('x', [task!]);
      execFileSync('mv', [join(world.spool, 'hold', task!.key), join(world.spool, 'run', task!.key)]);
      await backend.ensure();
      await untilState(backend, [task!.key], 'ended');
      expect(starts()).toEqual([task!.key]);
      expect(await record(task!.key)).toMatchObject({ phase: 'done' });
    });

    test('a job file that a power cut emptied', async () => {
      const key = leave();
      writeFileSync(join(world.spool, 'run', key), '');
      await backend.ensure();
      await untilState(backend, [key], 'ended');
      expect(await record(key)).toMatchObject({ phase: 'lost' });
    });

    test('a truncated record counts as lost and can be acknowledged', async () => {
      const [key] = await go(tasks(1, ':'));
      await untilState(backend, [key!], 'ended');
      const path = join(world.spool, 'result/new', key!);
      truncateSync(path, 40);
      const found = await record(key!);
      expect(found).toMatchObject({ key, phase: 'lost', outputs: [] });
      expect(found.reason).toContain('damaged result record');
      await backend.acknowledge([found]);
      expect(await backend.records(10)).toEqual([]);
    });
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

  test.runIf(process.getuid?.() === 0)('a full spool: the job stays running until its end can be written', async () => {
    const disk = join(world.folder, 'disk');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]);
    try {
      const filler = join(disk, 'filler');
      const small = await open(farm(1, { scratch: join(world.folder) }), {
        folder: join(disk, 'spool'),
        uuid: 'u',
        nonce,
      });
      const list = tasks(1, `head -c 2000000 /dev/zero > "$FILLER"`, { env: { EVENTS: events, FILLER: filler } });
      const keys = await go(list, small);
      await until('the full disk', async () => lines().length === 2 || undefined);
      const wrapper = Number(readFileSync(join(disk, 'spool/started', keys[0]!), 'utf8').split(' ')[1]);
      await until('the end of the wrapper', async () => !isRunning(wrapper) || undefined);
      expect((await small.status(keys)).get(keys[0]!)?.state).toBe('running');
      expect(await small.records(10)).toEqual([]);
      rmSync(filler);
      await untilState(small, keys, 'ended');
      expect((await small.records(10))[0]).toMatchObject({ key: keys[0], phase: 'lost' });
      await until('the end of the supervisor', async () => {
        const lock = tryLock(join(disk, 'spool/lock'));
        lock?.release();
        return lock && true;
      });
    } finally {
      execFileSync('umount', ['-l', disk]);
    }
  });

  test('wrong options and a missing supervisor are said clearly', async () => {
    const context = { folder: world.spool, uuid: 'u', nonce };
    await expect(open(farm(1, { scrath: '/x' }), context)).rejects.toMatchObject({
      exit: 2,
      hint: 'did you mean scratch?',
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

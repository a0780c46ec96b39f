// The local backend when its processes are killed, its spool is damaged or its disk is full.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { open } from '../../src/lib/backends/local/local.ts';
import { tryLock } from '../../src/lib/util/processes/lock.ts';
import { isRunning, nonce, until, untilState } from '../contracts/backend.ts';
import {
  backend,
  build,
  events,
  farm,
  go,
  lines,
  mostAtOnce,
  record,
  removeBuilt,
  setUp,
  started,
  starts,
  supervisorPid,
  tasks,
  tearDown,
  untilRecords,
  world,
} from '../support/local.ts';

beforeAll(build);
afterAll(removeBuilt);

describe('local', () => {
  beforeEach(setUp);
  afterEach(tearDown);

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
});

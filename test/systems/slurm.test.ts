// The Slurm backend on real Slurm, with slurmdbd and without: the contract, sizes that need several arrays, and every way
// in which Slurm itself ends a job.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { backendContract, handsOn, until, untilState } from '../contracts/backend.ts';
import { leftovers } from './leftovers.ts';
import { type ClusterName, confOf, makeWorld, type SlurmWorld, slurm, starts, up, use } from './slurm-world.ts';

backendContract('slurm with slurmdbd', () => makeWorld('test'));
backendContract('slurm without accounting', () => makeWorld('nodbd'));
leftovers('slurm', () => makeWorld('test'));

describe('slurm', () => {
  let world: SlurmWorld;
  afterEach(() => world.close());

  const { tasks, submitted, go, ended } = handsOn(() => world);

  test.each<ClusterName>([
    'test',
    'nodbd',
  ])('%s: 250 tasks of two sizes become few arrays, each task starts once under its own key', async (cluster) => {
    world = await makeWorld(cluster);
    const list = tasks(250, ':', (index) => ({ memory: index % 2 ? 10 : 20 }));
    const keys = list.map(({ key }) => key);
    const ids = await world.backend.submit(keys[0]!.split('.')[0]!, list);
    // Arrays of at most 101 tasks numbers at `nodbd`: three ranges, two sizes.
    expect(new Set([...ids.values()].map((id) => String(id).split('_')[0])).size).toBe(cluster === 'nodbd' ? 6 : 2);
    expect((await world.backend.alive()).sort()).toEqual([...keys].sort());
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
  }, 90_000);

  test('what Slurm refuses at once is refused', async () => {
    world = await makeWorld('test', { extra: ['--constraint=gpu'] });
    const list = tasks(2, ':');
    const answers = await world.backend.submit(list[0]!.key.split('.')[0]!, list);
    expect([...answers.values()]).toEqual(Array(2).fill({ refused: expect.stringContaining('Invalid feature') }));
    expect(await world.backend.alive()).toEqual([]);
  });

  test('too much memory is taken while held; released, Slurm says it can never start, and it is withdrawn', async () => {
    world = await makeWorld('test');
    const keys = await submitted(tasks(2, ':', (index) => (index ? {} : { memory: 99_999_999 })));
    await world.backend.release(keys);
    expect((await ended(keys[0]!)).raw).toContain('refused PENDING BadConstraints');
    await ended(keys[1]!);
    // The same words later, when Slurm only remembers a cancel.
    expect((await ended(keys[0]!)).raw).toContain('refused PENDING BadConstraints');
    expect(starts(world.shared)).toEqual([keys[1]]);
  });

  test('longer than its partition allows is taken all the same; released, it is withdrawn with Slurm’s word', async () => {
    world = await makeWorld('test');
    slurm('scontrol', 'update', 'PartitionName=main', 'MaxTime=1');
    try {
      const [key] = await submitted(tasks(1, ':', () => ({ limit: 300 })));
      await world.backend.release([key!]);
      expect((await ended(key!)).raw).toContain('refused PENDING PartitionTimeLimit');
      expect(starts(world.shared)).toEqual([]);
    } finally {
      slurm('scontrol', 'update', 'PartitionName=main', 'MaxTime=INFINITE');
    }
  });

  test('more memory than asked for: Slurm kills the payload, the record comes with its word', async () => {
    world = await makeWorld('test');
    const eat = 'head -c 400000000 /dev/zero | tail -c 400000000 | wc -c';
    const [key] = await go(tasks(1, `${eat} > /dev/null; exit 137`, () => ({ memory: 50 })));
    const { raw } = await ended(key!);
    const limited = existsSync(confOf('test').replace('slurm.conf', 'cgroup.conf'));
    expect(raw).toMatch(limited ? /^OUT_OF_MEMORY 0:125/ : /^(FAILED|OUT_OF_MEMORY) /);
  });

  test('the wrapper killed: no record, and Slurm says which signal', async () => {
    world = await makeWorld('test');
    const [key] = await go(tasks(1, 'kill -KILL $PPID; sleep 60'));
    expect((await ended(key!)).raw).toBe('FAILED 0:9 JobLaunchFailure');
    expect(await world.backend.records(10)).toEqual([]);
  });

  test('scancel by an operator, held, running: both end as CANCELLED, the running one with a record', async () => {
    world = await makeWorld('test');
    const mark = join(world.folder, 'mark');
    const keys = await submitted(tasks(2, `echo $$ > '${mark}'; sleep 300`));
    await world.backend.release([keys[0]!]);
    await until('the payload', async () => existsSync(mark) || undefined);
    const name = slurm('squeue', '-h', '-o', '%j %i')
      .split('\n')
      .find((line) => line.includes(keys[0]!.split('.')[0]!));
    slurm('scancel', '--name', name!.split(' ')[0]!);
    expect((await ended(keys[0]!)).raw).toMatch(/^CANCELLED/);
    expect((await ended(keys[1]!)).raw).toMatch(/^CANCELLED/);
    const [record] = await until('the record', async () => {
      const records = await world.backend.records(10);
      return records.length > 0 ? records : undefined;
    });
    expect(record).toMatchObject({ key: keys[0], phase: 'killed', signal: 15 });
  });

  test('a node goes down under a running job: NODE_FAIL; scontrol requeue is refused', async () => {
    world = await makeWorld('test');
    const mark = join(world.folder, 'mark');
    const [key] = await go(tasks(1, `echo $$ >> '${mark}'; sleep 300`));
    await until('the payload', async () => existsSync(mark) || undefined);
    const id = (await world.backend.status([key!])).get(key!)!.backendId!;
    expect(() => slurm('scontrol', 'requeue', id)).toThrow('presently disabled');
    const node = slurm('hostname', '-s').trim();
    slurm('scontrol', 'update', `nodename=${node}`, 'state=down', 'reason=test');
    try {
      expect((await ended(key!)).raw).toMatch(/^NODE_FAIL/);
    } finally {
      up('test');
    }
    expect(readFileSync(mark, 'utf8').trim().split('\n').length).toBe(1);
  });

  test('preempted by a better partition', async () => {
    world = await makeWorld('test', { partition: 'scavenge' });
    const mark = join(world.folder, 'mark');
    const cpus = Number(slurm('sinfo', '-h', '-p', 'scavenge', '-o', '%c'));
    const [key] = await go(tasks(1, `echo $$ > '${mark}'; sleep 300`, () => ({ cpus })));
    await until('the payload', async () => existsSync(mark) || undefined);
    execFileSync('sbatch', ['-p', 'main', '-c', String(cpus), '-o', '/dev/null', '--wrap', 'true'], { stdio: 'pipe' });
    expect((await ended(key!, 60)).raw).toMatch(/^PREEMPTED/);
  });

  test("Slurm's time limit: the wrapper is warned and writes a record; one that cannot listen is TIMEOUT", async () => {
    world = await makeWorld('test', { time: '1m' });
    const fifo = join(world.folder, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const stuck = { inputs: [{ source: fifo, name: 'in', copy: true }] };
    const keys = await go(tasks(2, 'sleep 300', (index) => (index ? stuck : {})));
    await ended(keys[0]!, 60);
    const [record] = await world.backend.records(10);
    expect(record).toMatchObject({ key: keys[0], phase: 'killed', signal: 1 });
    expect(record!.reason).toContain("Slurm's time limit");
    expect((await ended(keys[1]!, 150)).raw).toMatch(/^TIMEOUT 0:/);
    expect((await world.backend.logs([keys[1]!], 500)).get(keys[1]!)).toContain('DUE TO TIME LIMIT');
  }, 240_000);

  test('without accounting a job that Slurm has forgotten is known by its mark, its exit by the completion log', async () => {
    world = await makeWorld('nodbd');
    const list = tasks(3, 'kill -KILL $PPID; sleep 60');
    const keys = await submitted(list);
    await world.backend.release([keys[0]!]);
    await ended(keys[0]!);
    const name = keys[0]!.split('.')[0]!;
    await until(
      'that Slurm forgets it',
      async () => {
        const left = slurm('squeue', '-h', '-r', '-t', 'all', '-o', '%j %K').split('\n');
        return left.some((line) => line.includes(name) && line.endsWith(' 0')) ? undefined : true;
      },
      60,
    );
    const status = await world.backend.status(keys);
    expect(status.get(keys[0]!)).toMatchObject({ state: 'ended', raw: 'FAILED 0:9' });
    expect(status.get(keys[1]!)?.state).toBe('held');
  }, 90_000);

  test('a controller that is another one is another cluster', async () => {
    world = await makeWorld('test');
    const identity = await world.backend.identity();
    use('nodbd');
    expect((await (await world.reopen()).identity()).cluster).not.toBe(identity.cluster);
    use('test');
  });

  test('variables that filter what Slurm shows are not believed', async () => {
    world = await makeWorld('test');
    const keys = await submitted(tasks(1, ':'));
    process.env.SQUEUE_PARTITION = 'scavenge';
    process.env.SQUEUE_STATES = 'RUNNING';
    try {
      expect(await world.backend.alive()).toEqual(keys);
    } finally {
      delete process.env.SQUEUE_PARTITION;
      delete process.env.SQUEUE_STATES;
    }
  });

  test('a damaged shared folder is unreachable, not a lost job', async () => {
    world = await makeWorld('test');
    const keys = await submitted(tasks(1, ':'));
    execFileSync('mv', [join(world.shared, 'tmp'), join(world.shared, 'tmp.away')]);
    mkdirSync(join(world.shared, 'x'));
    writeFileSync(join(world.shared, 'tmp'), '');
    await expect(world.backend.submit('y', tasks(1, ':'))).rejects.toThrow('folder shared with the jobs');
    expect((await world.backend.status(keys)).get(keys[0]!)?.state).toBe('held');
  });
});

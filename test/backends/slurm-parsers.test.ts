// What is said to Slurm and what is read from it, on output recorded from Slurm 22.05 (test/recorded/slurm/).
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { namePrefix } from '../../src/lib/backends/shared/prefix.ts';
import {
  arrayParts,
  expand,
  jobName,
  namesOf,
  packIds,
  parseName,
  ranges,
} from '../../src/lib/backends/slurm/arrays.ts';
import {
  batchScript,
  parseLogName,
  sacctArgs,
  sbatchArgs,
  strangeNames,
} from '../../src/lib/backends/slurm/commands.ts';
import { parseOptions } from '../../src/lib/backends/slurm/options.ts';
import {
  parseConfig,
  parseExits,
  parseJobcomp,
  parseSacct,
  parseSbatch,
  parseSqueue,
  refusalOf,
  stateOf,
  withExit,
} from '../../src/lib/backends/slurm/parse.ts';
import { open } from '../../src/lib/backends/slurm/slurm.ts';
import { POLICY } from '../../src/lib/cli/config/defaults.ts';
import { judge } from '../../src/lib/domain/jobs/policy.ts';
import type { FarmSettings } from '../../src/lib/domain/settings.ts';
import { UnreachableError } from '../../src/lib/util/errors.ts';
import { simpleSpec } from '../contracts/backend.ts';

const recorded = (name: string): string =>
  readFileSync(join(import.meta.dirname, '../../test/recorded/slurm', name), 'utf8');
const PREFIX = 'dflow-0a1b2c3d-';

function farm(options: Record<string, unknown> = {}): FarmSettings {
  const lists = { output: [], reads: [], setup: {}, env: {} };
  return { name: 'cedar', backend: 'slurm', slots: 1, pending: 0, ...lists, options };
}

describe('what Slurm prints', () => {
  test('its configuration: who it is, its limits, who remembers ended jobs', () => {
    expect(parseConfig(recorded('config-test.txt'))).toEqual({
      cluster: 'test',
      maxArraySize: 20_001,
      maxJobCount: 50_000,
      accounting: 'slurmdbd',
    });
    expect(parseConfig(recorded('config-nodbd.txt'))).toMatchObject({ maxArraySize: 101, accounting: 'jobcomp' });
    expect(() => parseConfig('slurm_load_ctl_conf error')).toThrow('unexpected');
  });

  test('squeue: lists of tasks, bases, states; nothing of others', () => {
    const { rows, cancelled } = parseSqueue(recorded('squeue.txt'), PREFIX);
    const of = (key: string) => rows.get(key);
    expect(of('ca.0')).toMatchObject({ id: '420_0', state: 'ended', raw: 'COMPLETED' });
    expect(of('ca.1')).toMatchObject({ state: 'ended', raw: 'FAILED NonZeroExitCode' });
    expect(of('ca.3')).toMatchObject({ state: 'running', raw: 'RUNNING' });
    expect(['ca.5', 'ca.6', 'ca.7'].map((key) => of(key)?.state)).toEqual(['held', 'held', 'held']);
    // Cancelled once under another id, and there again: the live one counts. `squeue -r` would not show 98.
    expect(of('cb.98')).toMatchObject({ id: '431_98', state: 'held' });
    expect(of('cb.1')).toBeUndefined();
    expect(of('ca.20008')).toMatchObject({ id: '422_7', state: 'held' });
    expect(of('ce.0')).toMatchObject({ state: 'pending', hopeless: true, raw: 'PENDING BadConstraints' });
    // 0-4 and 5-7 of one, every second of 0-98, two of a later part, one hopeless.
    expect(rows.size).toBe(8 + 50 + 2 + 1);
    expect(cancelled.size).toBe(0);
    expect(parseSqueue('12|N/A|CANCELLED|dflow-0a1b2c3d-cz|JobHeldUser\n', PREFIX).cancelled.get('cz')).toBe(
      'CANCELLED JobHeldUser',
    );
  });

  test.each([
    ['PartitionTimeLimit', 'short', true],
    ['PartitionConfig', 'short', true],
    // Another of its partitions may take it; nodes that are down come back; a partition is opened again.
    ['PartitionTimeLimit', 'short,long', undefined],
    ['PartitionNodeLimit', 'short', undefined],
    ['PartitionDown', 'short', undefined],
    ['PartitionInactive', 'short', undefined],
  ])('pending for %s in %s: without hope %s, and said', (reason, partitions, hopeless) => {
    const { rows } = parseSqueue(`424|0|PENDING|dflow-0a1b2c3d-ce|${reason}|${partitions}\n`, PREFIX);
    const row = { key: 'ce.0', id: '424_0', state: 'pending', raw: `PENDING ${reason}` };
    expect(rows.get('ce.0')).toEqual({ ...row, ...(hopeless && { hopeless }) });
  });

  test('exit codes of squeue are wait statuses', () => {
    const exits = parseExits(recorded('squeue-exits.txt'));
    expect(exits.get('420_1')).toBe('3:0');
    expect(exits.get('420_2')).toBe('0:11');
    expect(exits.get('415_3')).toBe('0:125');
    const row = { key: 'ca.1', id: '420_1', state: 'ended', raw: 'FAILED NonZeroExitCode' } as const;
    expect(withExit(row, exits.get(row.id)).raw).toBe('FAILED 3:0 NonZeroExitCode');
    expect(withExit(row, undefined).raw).toBe(row.raw);
  });

  test('sacct: ended rows only, CANCELLED with its prefix, what it calls pending says nothing', () => {
    const rows = parseSacct(recorded('sacct.txt'), PREFIX);
    expect(rows.get('ca.0')).toMatchObject({ id: '420_0', state: 'ended', raw: 'COMPLETED 0:0' });
    expect(rows.get('ca.1')?.raw).toBe('FAILED 3:0');
    expect(rows.get('ca.2')?.raw).toBe('FAILED 0:11');
    expect(rows.get('ca.3')?.raw).toBe('CANCELLED by 0 0:0');
    expect(rows.has('ce.0')).toBe(false);
    expect([...rows.values()].map(({ raw }) => raw?.split(' ')[0])).toEqual(
      expect.arrayContaining(['OUT_OF_MEMORY', 'NODE_FAIL', 'PREEMPTED', 'TIMEOUT']),
    );
    expect(parseSacct('9_[1-2,4%3]|dflow-0a1b2c3d-cz|CANCELLED by 0|0:0|None\n', PREFIX).size).toBe(3);
    expect(parseSacct(recorded('sacct.txt'), 'dflow-ffffffff-').size).toBe(0);
  });

  test('the completion log knows job numbers, not tasks', () => {
    expect(parseJobcomp(recorded('jobcomp.txt')).get('500037')).toBe('FAILED 0:9');
  });

  test('the job id of sbatch; with -Q there is none', () => {
    expect([parseSbatch('12\n'), parseSbatch('12;cedar\n'), parseSbatch('')]).toEqual(['12', '12', undefined]);
  });

  test('a refusal is certain only in words that are known for it', () => {
    expect(refusalOf(recorded('refused-partitionnope.txt'))).toContain('Invalid partition name specified');
    expect(refusalOf(recorded('refused-constraintgpu.txt'))).toContain('Invalid feature specification');
    expect(refusalOf(recorded('refused-gresgpu.txt'))).toContain('Invalid generic resource');
    expect(refusalOf(recorded('refused-bogus.txt'))).toBe("unrecognized option '--bogus'");
    expect(refusalOf(recorded('unknown-controller.txt'))).toBeUndefined();
    expect(refusalOf('sbatch: error: Batch job submission failed: Socket timed out on send/recv operation')).toBe(
      undefined,
    );
  });

  test('a state that nobody has heard of is not an end', () => {
    expect(stateOf('CANCELLED by 1000', '')).toBe('ended');
    expect(stateOf('PENDING', 'JobHeldUser')).toBe('held');
    expect(stateOf('PENDING', 'JobHeldAdmin')).toBe('pending');
    expect(stateOf('COMPLETING', '')).toBe('running');
    expect(stateOf('TELEPORTED', '')).toBe('running');
  });
});

describe('what is said to Slurm', () => {
  const spec = simpleSpec('c1.0', ':', join(tmpdir(), 'none'), { destinations: [] });
  const task = (index: number, more = {}) => ({ key: `c1.${index}`, spec: { ...spec, key: `c1.${index}`, ...more } });

  test('tasks are grouped by what they ask for, and cut where arrays end', () => {
    const parts = arrayParts('c1', [task(0), task(3, { memory: 9 }), task(1), task(7), task(12)], 5);
    expect(parts.map(({ base, tasks, keys }) => [base, ranges(tasks), keys.join(' ')])).toEqual([
      [0, '0-1', 'c1.0 c1.1'],
      [0, '3', 'c1.3'],
      [5, '2', 'c1.7'],
      [10, '2', 'c1.12'],
    ]);
    expect(namesOf(PREFIX, ['c1.0', 'c1.1', 'c1.12'], 5)).toEqual([`${PREFIX}c1`, `${PREFIX}c1+10`]);
  });

  test('numbers -> ranges -> numbers; names -> parts -> names', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(500)), (numbers) => {
        const sorted = numbers.sort((a, b) => a - b);
        expect(expand(ranges(sorted))).toEqual(sorted);
        const packed = packIds(sorted.map((task) => `7_${task}`)).flat();
        expect(packed.flatMap((text) => expand(/\[(.*)\]/.exec(text)![1]!))).toEqual(sorted);
      }),
    );
    expect(expand('0-98:2').length).toBe(50);
    expect(expand('1-3,7%4')).toEqual([1, 2, 3, 7]);
    expect(expand('N/A')).toEqual([]);
    expect(() => expand('0-99999999999')).toThrow(UnreachableError);
    expect(parseName(PREFIX, jobName(PREFIX, 'c-1', 101))).toEqual({ claim: 'c-1', base: 101 });
    expect(parseName(PREFIX, 'dflow-0a1b2c3e-c1')).toBeUndefined();
    expect(namePrefix('u', 'a')).not.toBe(namePrefix('u', 'b'));
  });

  test('long lists of ids are cut to what a command line holds', () => {
    const ids = Array.from({ length: 20_000 }, (_, at) => `${100_000 + at}_${at}`);
    const lists = packIds(ids);
    expect(lists.length).toBeGreaterThan(1);
    expect(lists.flat().length).toBe(20_000);
    for (const list of lists) expect(list.join(',').length).toBeLessThan(70_000);
  });

  test('sbatch: held, never requeued, resources, a limit beyond the module´s own, folders with signs in them', () => {
    const paths = { wrapper: '/w', folder: '/a b/100%', jobs: '/j', logs: '/a b/100%/logs/c1' };
    const options = parseOptions(
      farm({ partition: 'main', account: 'phys', qos: 'high', extra: ['--constraint=ssd'], margin: '2m' }),
      '/a b/100%',
    );
    const [part] = arrayParts(
      'c1',
      [task(0, { limit: 90, memory: 1.5, cpus: 2 }), task(1, { limit: 90, memory: 1.5, cpus: 2 })],
      101,
    );
    expect(sbatchArgs('n', part!, paths, options)).toEqual([
      '--hold',
      '--parsable',
      '--no-requeue',
      '--constraint=ssd',
      '--open-mode=append',
      '--array=0-1',
      '--job-name=n',
      '--output=/a b/100%%/logs/c1/0+%a.%j.log',
      '--chdir=/a b/100%',
      '--nodes=1',
      '--ntasks=1',
      '--cpus-per-task=2',
      '--signal=B:HUP@60',
      '--mem=2M',
      '--time=4',
      '--partition=main',
      '--account=phys',
      '--qos=high',
    ]);
    expect(parseLogName('101+7.4711.log')).toEqual({ index: 108, job: '4711' });
  });

  test('a word of the farm’s that lacks its value takes none that keeps a job from starting twice', () => {
    const paths = { wrapper: '/w', folder: '/f', jobs: '/j', logs: '/l' };
    const [part] = arrayParts('c1', [task(0)], 101);
    const words = sbatchArgs('n', part!, paths, parseOptions(farm({ extra: ['--comment'] }), '/f'));
    // As getopt reads them: the value of --comment is the word behind it.
    const read = words.filter((_, at) => words[at - 1] !== '--comment');
    expect(read).toEqual(expect.arrayContaining(['--hold', '--parsable', '--no-requeue', '--array=0', '--job-name=n']));
    expect(words.filter((word) => !read.includes(word))).toEqual(['--open-mode=append']);
  });

  test('the batch script becomes the wrapper with the key of its task, whatever the folders are called', () => {
    const folder = mkdtempSync(join(tmpdir(), "dflow it's $(x) "));
    try {
      mkdirSync(join(folder, 'jobs'));
      const wrapper = join(folder, 'wrapper.sh');
      writeFileSync(wrapper, 'for word; do echo "$word"; done; echo $$ $PPID\n');
      const paths = { wrapper, folder, jobs: join(folder, 'jobs'), logs: join(folder, 'logs') };
      const [part] = arrayParts('c1', [task(205)], 101);
      const script = batchScript(
        part!,
        paths,
        parseOptions(farm({ scratch: '$MY_SCRATCH/sub folder', beat: '1s' }), '/x'),
      );
      const env = { ...process.env, SLURM_ARRAY_TASK_ID: '3', SLURM_JOB_ID: '77', MY_SCRATCH: '/scratch/x y' };
      const printed = execFileSync('sh', ['-s'], { input: script, env, encoding: 'utf8' }).split('\n');
      expect(printed.slice(0, 5)).toEqual([
        join(folder, 'jobs/c1.205'),
        folder,
        'once',
        join(folder, 'logs/202+3.77.log'),
        '/scratch/x y/sub folder',
      ]);
      // No shell is left between Slurm's signals and the wrapper.
      expect(printed[5]!.split(' ')[1]).toBe(String(process.pid));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('sacct is asked by name and from when they were submitted; many names are not named', () => {
    expect(sacctArgs('0', ['a', 'b'], 90_500)).toEqual(expect.arrayContaining(['now-91seconds', '--name=a,b']));
    expect(sacctArgs('0', Array(300).fill('a'), 1).some((word) => word.startsWith('--name'))).toBe(false);
  });

  test('variables that change what Slurm shows, and credentials, do not reach it', () => {
    const names = [
      'SQUEUE_STATES',
      'SBATCH_WAIT',
      'SLURM_JOB_ID',
      'SLURM_CONF',
      'SLURM_CLUSTERS',
      'PATH',
      'DFLOW_PASSWORD',
    ];
    expect(strangeNames(names)).toEqual(['SQUEUE_STATES', 'SBATCH_WAIT', 'SLURM_JOB_ID', 'DFLOW_PASSWORD']);
  });
});

describe('options', () => {
  test.each<readonly [Record<string, unknown>, string, string | undefined]>([
    [{ partitoin: 'x' }, "no option 'partitoin' in backend slurm; did you mean partition?", undefined],
    [{ extra: '--array=1' }, 'extra: --array=1 is set by dflow', undefined],
    ...['-Q', '-Jreco', '-a1-3', '-o/x', '-Hx', '-kHJx', '--job-nam=x', '--arr=1-3', '--no-req', '-J x', '--', '-'].map(
      (word) => [{ extra: [word] }, `extra: ${word} is set by dflow itself`, undefined] as const,
    ),
    [{ extra: ['--constraint', 'ssd'] }, "extra: 'ssd' is not an option", "extra: ['--constraint=ssd']"],
    [{ extra: ['--exclusive', '-x', 'node1', 'node2'] }, "extra: 'node2' is not an option", undefined],
    [{ extra: ['-C'] }, 'the value of -C is missing', undefined],
    [{ folder: 'here' }, 'not an absolute path', undefined],
    [{ scratch: 'here' }, 'not an absolute path or a variable', 'scratch: $SLURM_TMPDIR'],
    [{ margin: 'soon' }, 'not a duration', 'margin: 10m'],
    [{ partition: ['a'] }, 'not a line of text', undefined],
  ])('%j: %s', async (options, message, hint) => {
    const wrong = open(farm(options), { folder: join(tmpdir(), 'never-made'), uuid: 'u', nonce: () => 'n' });
    await expect(wrong).rejects.toMatchObject({
      message: expect.stringContaining(message),
      where: 'farms.cedar',
      hint,
    });
  });

  test('words that sbatch takes beside ours', () => {
    const extra = ['-C', 'ssd', '-xnode1', '--exclusive', '--mem-per-cpu=2G', '-OC', 'a', '-s'];
    expect(parseOptions(farm({ extra }), '/x').extra).toEqual(extra);
  });

  test('no Slurm on this machine: unreachable, and what to do', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dflow-'));
    const path = process.env.PATH;
    try {
      const backend = await open(farm(), { folder, uuid: 'u', nonce: () => 'n' });
      process.env.PATH = join(folder, 'empty');
      execFileSync('/bin/mkdir', ['-p', join(folder, 'empty')]);
      execFileSync('/bin/ln', ['-s', '/usr/bin/env', join(folder, 'empty/env')]);
      await expect(backend.identity()).rejects.toMatchObject({ exit: 5, hint: expect.stringContaining('PATH') });
    } finally {
      process.env.PATH = path;
      rmSync(folder, { recursive: true });
    }
  });
});

test.each([
  ['OUT_OF_MEMORY 0:125', 'out-of-memory', 'fail'],
  ['TIMEOUT 0:9 TimeLimit', 'time-limit', 'fail'],
  ['NODE_FAIL 0:0 NodeDown', 'node-fail', 'retry'],
  ['PREEMPTED 0:15', 'preempted', 'retry'],
  ['CANCELLED by 1000 0:15', 'canceled-outside', 'hold'],
  ['refused PENDING BadConstraints', 'refused', 'hold'],
  ['refused PENDING PartitionTimeLimit', 'refused', 'hold'],
  ['FAILED 0:9', 'lost', 'retry'],
])('policy on %s without a record: %s, %s', (raw, cause, action) => {
  const text = `ended without a result record (${raw})`;
  const judged = judge(POLICY, { site: 'cedar', phase: 'lost', reason: text, text }, 0, 3);
  expect([judged.failure.cause, judged.verdict.action]).toEqual([cause, action]);
});

test('a payload that prints "timeout" or "cancelled" has its own cause', () => {
  const text = 'exit 3\nCOMPLETED\nRequest timeout 3: cancelled by peer';
  const judged = judge(POLICY, { site: 'cedar', phase: 'payload', exit: 3, reason: 'exit 3', text }, 0, 3);
  expect(judged.failure.cause).toBe('exit-3');
});

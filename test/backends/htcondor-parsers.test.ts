// What is said to HTCondor and what its answers mean, on output that a real HTCondor 23.9 printed.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ofKeys, storeName } from '../../src/lib/backends/htcondor/constraint.ts';
import { parseOptions } from '../../src/lib/backends/htcondor/options.ts';
import {
  lastWords,
  parseHistory,
  parseLimits,
  parseQueue,
  parseSchedd,
  parseSubmit,
  parseUser,
  refusalOf,
} from '../../src/lib/backends/htcondor/parse.ts';
import { namesOnWorker, partsOfClaim, submitDescription } from '../../src/lib/backends/htcondor/submission.ts';
import type { FarmSettings } from '../../src/lib/domain/settings.ts';
import { ConfigError, UnreachableError } from '../../src/lib/util/errors.ts';
import type { JobSpec } from '../../src/lib/wrapper/spec.ts';

const recorded = (name: string) =>
  readFileSync(join(import.meta.dirname, '../../test/recorded/htcondor', name), 'utf8');

function farm(options: Record<string, unknown>): FarmSettings {
  const lists = { output: [], reads: [], setup: {}, env: {} };
  return { name: 'cedar', backend: 'htcondor', slots: 1, pending: 0, ...lists, options };
}

const task = (index: number, more: Partial<JobSpec> = {}) => {
  const key = `c1.${index}`;
  const none = { setup: '', command: ':', inputs: [], files: [], outputs: [], env: {}, destinations: [] };
  return { key, spec: { key, ref: key, limit: 0, cpus: 1, ...none, ...more } };
};

describe('condor_q', () => {
  test('each job by its key, with its state and HTCondor’s word', () => {
    const rows = parseQueue(recorded('queue.json'));
    const found = Object.fromEntries(
      [...rows].map(([key, { state, raw }]) => [key, `${state} ${raw ?? ''}`.slice(0, 48)]),
    );
    expect(found).toEqual({
      'c3.1': 'ended HOLD 1/0 via condor_hold (by user dflowtes',
      'c3.3': expect.stringMatching(/^ended HOLD 3\/101 memory: \d+ MiB used of 64$/),
      'c3.4': 'ended HOLD 3/102 time: longer than 5 s',
      'c3.5': expect.stringMatching(/^ended HOLD 6\/2 Error from slot1_/),
      'c3.6': expect.stringMatching(/^ended HOLD 7\/2 Error from slot1_/),
      'c3.7': 'running ',
      'c3.9': 'running ',
      'c4.0': 'held ',
      'c4.1': 'held ',
      'c4.2': 'ended HOLD 1/0 via condor_hold (by user dflowtes',
    });
    expect(rows.get('c3.7')!.id).toMatch(/^\d+\.7$/);
  });

  test('nothing printed is nothing there; half an answer is none', () => {
    expect(parseQueue('')).toEqual(new Map());
    expect(parseQueue('\n')).toEqual(new Map());
    expect(() => parseQueue('[null]')).toThrow(UnreachableError);
    expect(() => parseQueue(recorded('queue.json').slice(0, 500))).toThrow(UnreachableError);
    expect(() => parseQueue('Error: no such schedd')).toThrow(UnreachableError);
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['idle', { JobStatus: 1 }, 'pending'],
    ['idle after a start', { JobStatus: 1, NumShadowStarts: 1 }, 'running EVICTED'],
    [
      'held by an operator before it started',
      { JobStatus: 5, HoldReasonCode: 1, HoldReason: 'via x' },
      'pending HOLD 1/0 via x',
    ],
    ['being removed', { JobStatus: 3, RemoveReason: 'via condor_rm' }, 'running REMOVED via condor_rm'],
    ['completed, not yet gone', { JobStatus: 4, ExitBySignal: false, ExitCode: 3 }, 'ended COMPLETED exit 3'],
    ['suspended', { JobStatus: 7 }, 'running SUSPENDED'],
    ['transferring its output', { JobStatus: 6 }, 'running'],
    ['a status of a later HTCondor', { JobStatus: 12 }, 'running'],
  ])('%s', (_, ad, expected) => {
    const row = parseQueue(JSON.stringify([{ ClusterId: 1, ProcId: 0, DflowKey: 'c1.0', ...ad }])).get('c1.0')!;
    expect(`${row.state} ${row.raw ?? ''}`.trim()).toBe(expected);
  });

  test('of two jobs with one key, the one that lives', () => {
    const ad = { ClusterId: 1, ProcId: 0, DflowKey: 'c1.0' };
    const two = [
      { ...ad, JobStatus: 2 },
      { ...ad, ClusterId: 2, JobStatus: 4 },
    ];
    expect(parseQueue(JSON.stringify(two)).get('c1.0')!.state).toBe('running');
    expect(parseQueue(JSON.stringify(two.reverse())).get('c1.0')!.state).toBe('running');
  });
});

test('condor_history: why each ended; what it was held for counts more than that it was then removed', () => {
  const rows = parseHistory(recorded('history.json'));
  const found = Object.fromEntries([...rows].map(([key, { state, raw }]) => [key, `${state} ${raw}`.slice(0, 40)]));
  expect(found).toEqual({
    'c3.0': 'ended REMOVED evicted: it had started an',
    'c3.1': 'ended HOLD 1/0 via condor_hold (by user ',
    'c3.2': 'ended REMOVED via condor_rm (by user dfl',
    'c3.3': expect.stringMatching(/^ended HOLD 3\/101 memory/),
    'c3.4': 'ended HOLD 3/102 time: longer than 5 s',
    'c3.5': expect.stringMatching(/^ended HOLD 6\/2 Error from slot1_/),
    'c3.6': expect.stringMatching(/^ended HOLD 7\/2 Error from slot1_/),
    'c3.7': 'ended REMOVED via condor_rm (by user dfl',
    'c3.8': 'ended COMPLETED exit 1',
    'c3.9': 'ended REMOVED via condor_rm (by user dfl',
    'c3.10': 'ended COMPLETED signal 9',
    'c4.0': 'ended REMOVED via condor_rm (by user dfl',
    'c4.1': 'ended REMOVED via condor_rm (by user dfl',
    'c4.2': 'ended HOLD 1/0 via condor_hold (by user ',
  });
  expect(parseHistory(recorded('history-none.json'))).toEqual(new Map());
});

test('ids, who it is, limits', () => {
  expect(parseSubmit(recorded('submit.txt'))).toMatchObject({ first: 0, last: 10 });
  expect(parseSubmit('Submitting job(s)..')).toBeUndefined();
  expect(parseSchedd(recorded('heading.txt'))).toBe('dflowtest@127-0-0-1.localdomain');
  expect(parseUser(recorded('ping.txt'))).toBe('dflowtest@localdomain');
  expect(parseUser('WRITE failed!  Use -verbose for more information.')).toBeUndefined();
  expect(parseLimits(recorded('limits.txt'))).toEqual({ submission: 20_000, owner: 100_000, all: 2_147_483_647 });
  expect(parseLimits('').owner).toBe(Number.POSITIVE_INFINITY);
});

test.each<[string, string | undefined]>([
  [
    '\nERROR: Failed to create proc\nNumber of submitted jobs would exceed MAX_JOBS_PER_OWNER\n',
    'Failed to create proc; Number of',
  ],
  [
    '\nERROR: Failed to commit job submission into the queue.\nERROR: too big: 6000\n',
    'Failed to commit job submission into the queue.; too big',
  ],
  ['ERROR: Invalid accounting_group: a b c\n', 'Invalid accounting_group'],
  ['ERROR: Parse error in expression: \n\tRequirements = ((()\n\t\n', 'Parse error in expression:; Requirements'],
  [
    '\nERROR: Failed to connect to local queue manager\nSECMAN:2011:Connection closed during command authorization.\n',
    undefined,
  ],
  ['\nERROR: Failed to commit job submission into the queue.\n', undefined],
  ['\nERROR: Failed to create proc\n', undefined],
  ['', undefined],
])('refused for certain, or unknown: %j', (stderr, expected) => {
  if (expected === undefined) expect(refusalOf(stderr)).toBeUndefined();
  else expect(refusalOf(stderr)).toContain(expected);
});

test('warnings are not what went wrong', () => {
  expect(lastWords('WARNING: the line x was unused\n-- Failed to fetch ads from: <1>\n')).toBe(
    'Failed to fetch ads from: <1>',
  );
});

describe('constraints', () => {
  test('a claim in ranges; what is no key is left out', () => {
    const keys = ['c1.3', 'c1.0', 'c1.1', 'c1.2', 'c1.7', 'c2.0', 'no key', 'c1") || true || ("'];
    expect(ofKeys('s', keys)).toEqual([
      'DflowStore == "s" && ((DflowClaim == "c1" && DflowIndex >= 0 && DflowIndex <= 3) || ' +
        '(DflowClaim == "c1" && DflowIndex == 7) || (DflowClaim == "c2" && DflowIndex == 0))',
    ]);
    expect(ofKeys('s', ['no key'])).toEqual([]);
  });

  test('many claims go in several, each short enough for a command line', () => {
    const keys = Array.from({ length: 5_000 }, (_, at) => `c${at}abcdefghijklmnopqrst.0`);
    const list = ofKeys('s', keys);
    expect(list.length).toBeGreaterThan(1);
    expect(Math.max(...list.map((text) => text.length))).toBeLessThan(32_000);
    expect(list.join().match(/DflowClaim/g)!.length).toBe(5_000);
  });

  test('stores and farms have names of their own', () => {
    expect(storeName('u', 'cedar')).toMatch(/^[0-9a-f]{8}$/);
    expect(new Set([storeName('u', 'cedar'), storeName('u', 'graham'), storeName('v', 'cedar')]).size).toBe(3);
  });
});

describe('the submit description', () => {
  const paths = { wrapper: '/a b/w.sh', folder: '/a b' };

  test('one submission for those with and one for those without a memory request, cut at the limit', () => {
    const tasks = [0, 1, 2, 3, 4].map((index) => task(index, index % 2 ? { memory: 10 } : {}));
    const parts = partsOfClaim('c1', tasks, 2).map(({ tasks: list, memory }) => [
      memory,
      ...list.map(({ key }) => key),
    ]);
    expect(parts).toEqual([
      [true, 'c1.1', 'c1.3'],
      [false, 'c1.0', 'c1.2'],
      [false, 'c1.4'],
    ]);
  });

  test('held, with its own attributes, limits by item', () => {
    const options = parseOptions(farm({ accounting_group: 'g', margin: '1m', extra: ['rank = Mips'] }), '/a b');
    const tasks = [task(0, { memory: 99.5, cpus: 4, limit: 30 }), task(7, { memory: 1 })];
    const text = submitDescription('0a', { claim: 'c1', tasks, memory: true }, paths, options);
    for (const line of [
      'hold = true',
      'executable = /a b/w.sh',
      'transfer_executable = false',
      `arguments = "'/a b/jobs/c1/c1.$(index)' '/a b' 'once' '/a b/logs/c1/$(index).log'"`,
      'My.DflowStore = "0a"',
      'My.DflowKey = "c1.$(index)"',
      'request_memory = $(memory)',
      'requirements = (NumShadowStarts ?: 0) == 0',
      'accounting_group = g',
      'rank = Mips',
    ])
      expect(text.split('\n')).toContain(line);
    // HTCondor believes the last line about a thing: dflow's.
    expect(text.indexOf('rank = Mips')).toBe(0);
    expect(text).toMatch(/\nqueue index,cpus,memory,time from \(\n0 4 100 90\n7 1 1 0\n\)\n$/);
  });

  test('without a shared folder, files travel', () => {
    const options = parseOptions(farm({ transfer: true, time: '2h', requirements: 'HasFiles' }), '/a b');
    const tasks = [task(0, { files: ['/m x/plot.py', '/lib/y'] })];
    const text = submitDescription('0a', { claim: 'c1', tasks, memory: false }, paths, options);
    expect(text).toContain('transfer_output_remaps = "c1.$(index)=/a b/incoming/c1.$(index)"');
    expect(text).toContain('(NumShadowStarts ?: 0) == 0 && (HasFiles)');
    expect(text).not.toContain('request_memory');
    expect(text).toContain('transfer_input_files = $(files)');
    expect(text).toContain('queue index,cpus,memory,time,files from (');
    expect(text).toMatch(/\n0 1 0 7200 \/a b\/jobs\/c1\/c1\.0,\/m x\/plot\.py,\/lib\/y\n/);
  });

  test.each([
    [['/a/x', '/b/x']],
    [['/a/result']],
    [['/a/x,y']],
  ])('files that cannot travel are refused: %j', (files) => {
    expect(() => namesOnWorker(task(0, { files }).spec)).toThrow(ConfigError);
  });
});

test.each<[Record<string, unknown>, string]>([
  [{ acounting_group: 'x' }, "no option 'acounting_group' in backend htcondor"],
  [{ transfer: 'perhaps' }, 'not true or false'],
  [{ folder: '/a$b' }, 'cannot use a folder'],
  [{ folder: '/a,b' }, 'cannot use a folder'],
  [{ extra: ['Hold = false'] }, 'extra: hold is set by dflow'],
  [{ extra: ['+DflowKey = "x"'] }, 'extra: +dflowkey is set by dflow'],
  [{ extra: ['queue 10'] }, 'not a line of a submit description'],
  [{ margin: 'long' }, 'not a duration'],
])('option %j is refused', (options, words) => {
  expect(() => parseOptions(farm(options), '/a')).toThrow(words);
});

test.each([
  ' requestMEMORY=1',
  'userlog = /x',
  'iwd = /x',
  'My.Iwd = "/x"',
  '+PeriodicRemove = false',
  'my.NumShadowStarts = 0',
  '+JobStatus = 1',
  '+My.DflowKey = "x"',
  'output_destination = https://x/',
  'max_materialize = 1',
  'cron_minute = 1',
  'success_exit_code = 1',
  'index = 0',
])('extra %j is what dflow says itself, by another name', (line) => {
  expect(() => parseOptions(farm({ extra: [line] }), '/a')).toThrow('is set by dflow itself');
});

test('extra: what goes on in the next line is refused; what dflow does not say is taken', () => {
  expect(() => parseOptions(farm({ extra: ['rank = Mips \\ '] }), '/a')).toThrow('not a line of a submit description');
  const extra = ['environment = "A=1"', '+ProjectName = "sno"', 'My.DataSet = 1', 'request_disk = 5', 'priority = 3'];
  expect(parseOptions(farm({ extra }), '/a').extra).toEqual(extra);
});

test('an unknown option names its near miss', () => {
  expect(() => parseOptions(farm({ acounting_group: 'x' }), '/a')).toThrow('did you mean accounting_group?');
});

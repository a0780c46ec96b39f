// Readiness: every gate met and not met, and that what is not met names a command and what to wait for.
import { describe, expect, test } from 'vitest';
import type { HoldDoc } from '../../src/lib/domain/hold.ts';
import { type JobDoc, transition } from '../../src/lib/domain/jobs/job.ts';
import { firstUnmet, type JobFacts, jobGates, type RunFacts, runGates } from '../../src/lib/domain/jobs/readiness.ts';
import { modulesFor } from '../../src/lib/domain/modules/modules.ts';
import type { RunDoc } from '../../src/lib/domain/runs/run.ts';
import { shareOut } from '../../src/lib/flow/steps/submit/pick.ts';
import { dataDoc, farm, job, module, moduleFile, rawFile, T0 } from '../support/docs.ts';

const modules = moduleFile([module('Count'), module('Plot', { needs: ['Count'] })], { Physics: ['Plot'] });
const run: RunDoc = {
  _id: 'run:0000000012',
  kind: 'run',
  v: 1,
  run: 12,
  mask: 4,
  levels: { L1: { complete: { at: T0, subruns: [0, 1], evidence: '13 seen' }, lastFile: T0, late: [], files: 2 } },
  firstSeen: T0,
  history: [],
};
const facts: RunFacts = { run: 12, level: 'L1', doc: run, tables: {}, types: ['Physics'], modules, data: undefined };

describe('run gates', () => {
  test('all met', () => {
    expect(firstUnmet(runGates(facts))).toBeUndefined();
  });
  test.each<[string, Partial<RunFacts>, string, RegExp]>([
    ['unknown run', { doc: undefined }, 'complete', /no L1 file/],
    [
      'open run',
      { doc: { ...run, levels: { L1: { lastFile: T0, late: [], files: 1, blocked: 'subrun 001 missing' } } } },
      'complete',
      /subrun 001 missing/,
    ],
    ['no table', { tables: { RUN: undefined } }, 'tables', /no RUN table/],
    [
      'unknown type',
      { types: [], doc: { ...run, mask: undefined } as unknown as RunDoc },
      'module',
      /type is not known/,
    ],
    ['no version', { modules: undefined }, 'module', /no version/],
    ['sampled out', { data: { ...dataDoc(12, []), keep: { kept: false, rule: '10 %' } } }, 'keep', /10 %/],
  ])('%s', (_name, change, gate, text) => {
    const unmet = firstUnmet(runGates({ ...facts, ...change }));
    expect(unmet).toMatchObject({ gate, next: expect.stringContaining('dflow ') });
    expect(unmet?.text).toMatch(text);
  });
  test.each([
    ['a.dat still open', 'dflow register', 'a.dat still open; to go on without: dflow enqueue --complete 12'],
    ['a still open; b still open; 4 more files open', 'dflow register', /to go on without/],
    ['subrun 001 missing; a.dat still open', 'dflow enqueue --complete 12', 'subrun 001 missing; a.dat still open'],
    [undefined, 'dflow register', /no later run/],
  ])('open by %s: what is still written is not left out by the first command', (blocked, next, text) => {
    const level = { lastFile: T0, late: [], files: 1, ...(blocked && { blocked }) };
    const unmet = firstUnmet(runGates({ ...facts, doc: { ...run, levels: { L1: level } } }));
    expect(unmet?.next).toBe(next);
    expect(unmet?.text).toEqual(typeof text === 'string' ? text : expect.stringMatching(text));
  });
  test('a type that asks for nothing is met: there is just nothing to make', () => {
    expect(firstUnmet(runGates({ ...facts, types: ['Maintenance'] }))).toBeUndefined();
    expect(modulesFor(modules, ['Maintenance'])).toEqual([]);
  });
  test('what a module needs is asked for with it', () => {
    expect(modulesFor(modules, ['Physics'])).toEqual(['Count', 'Plot']);
  });
});

function ended(doc: JobDoc, how: 'completed' | 'failed'): JobDoc {
  const lock = { site: 'here', epoch: 1, claim: 'c', index: 0 };
  const failure = { cause: 'exit-1', reason: '', site: 'here' };
  return doc.subjobs.reduce((one, { index }) => {
    const to =
      how === 'failed'
        ? { index, event: 'fail' as const, to: { name: 'failed' as const, since: T0, lock, failure } }
        : {
            index,
            event: 'complete' as const,
            to: { name: 'completed' as const, since: T0, lock, execution: 'e', outputs: [], usage: {} },
          };
    const claimed = transition(one, [{ index, event: 'claim', to: { name: 'submitting', since: T0, lock } }], T0, 't');
    const recorded = transition(
      claimed,
      [{ index, event: 'record', to: { name: 'submitted', since: T0, lock, backendId: 'b' } }],
      T0,
      't',
    );
    return transition(recorded, [to], T0, 't');
  }, doc);
}

const count = job({ module: module('Count') });
const plot = job({ module: module('Plot', { needs: ['Count'] }), needs: [count] });
const data = dataDoc(12, [rawFile(12, 0, ['disk']), rawFile(12, 1, ['disk'])]);
const base: JobFacts = {
  job: count,
  now: T0,
  calibration: false,
  modules,
  data,
  holds: [],
  prerequisites: new Map(),
  farm: farm(),
  hash: 'h',
};
const hold = (what: HoldDoc['what'], scope: HoldDoc['scope'], more: Partial<HoldDoc> = {}): HoldDoc => ({
  _id: `hold:${what}`,
  kind: 'hold',
  v: 1,
  what,
  scope,
  why: 'because',
  by: 'op@host',
  since: T0,
  ...more,
});

describe('job gates', () => {
  test('all met', () => {
    expect(firstUnmet(jobGates(base))).toBeUndefined();
  });
  test('inputs are verified where copies are, not wherever the farm reads', () => {
    const gates = jobGates({ ...base, farm: { ...farm(), reads: ['tape', 'disk'] } });
    expect(gates).toContainEqual({ gate: 'inputs', ok: true, text: '2 verified at disk' });
  });
  test.each<[string, Partial<JobFacts>, string, string]>([
    ['no replica that the farm reads', { farm: { ...farm(), reads: ['tape'] } }, 'inputs', 'data:L1:0000000012'],
    [
      'one file without a replica',
      { data: dataDoc(12, [rawFile(12, 0, ['disk']), rawFile(12, 1)]) },
      'inputs',
      'data:L1:0000000012',
    ],
    ['prerequisite waits', { job: plot, prerequisites: new Map([[count._id, count]]) }, 'prerequisite', count._id],
    [
      'prerequisite failed',
      { job: plot, prerequisites: new Map([[count._id, ended(count, 'failed')]]) },
      'prerequisite',
      count._id,
    ],
    ['prerequisite gone', { job: plot }, 'prerequisite', count._id],
    ['module no longer defined', { modules: moduleFile([], {}) }, 'module', 'config:h'],
    ['paused', { holds: [hold('pause', { versions: ['1.*'] })] }, 'holds', 'hold:pause'],
    [
      'after calibration',
      { holds: [hold('calibration', { automatic: true, runs: [[11, 99]] })] },
      'holds',
      'hold:calibration',
    ],
    ['another request first', { after: { name: 'first', open: 3 } }, 'after', 'request:first'],
  ])('%s', (_name, change, gate, on) => {
    expect(firstUnmet(jobGates({ ...base, ...change }))).toMatchObject({
      gate,
      on,
      next: expect.stringContaining('dflow '),
    });
  });
  test.each<[string, Partial<JobFacts>]>([
    ['an expired hold', { holds: [hold('pause', {}, { until: T0 })] }],
    ['an ended hold', { holds: [hold('pause', {}, { ended: { at: T0, by: 'op' } })] }],
    ['a hold on transfers', { holds: [hold('transfer', {})] }],
    [
      'a calibration hold and a calibration run',
      { calibration: true, holds: [hold('calibration', { automatic: true })] },
    ],
    [
      'a calibration hold and requested work',
      { job: job({ request: 'tl' }), holds: [hold('calibration', { automatic: true })] },
    ],
    ['a completed prerequisite', { job: plot, prerequisites: new Map([[count._id, ended(count, 'completed')]]) }],
  ])('%s does not stop it', (_name, change) => {
    expect(firstUnmet(jobGates({ ...base, ...change }))).toBeUndefined();
  });
  test('a dependent takes the subruns of its prerequisite', () => {
    expect(plot.subjobs.map(({ subrun, inputs }) => [subrun, inputs])).toEqual([
      [0, [{ kind: 'output', job: count._id, subjob: 0 }]],
      [1, [{ kind: 'output', job: count._id, subjob: 1 }]],
    ]);
  });
});

describe('fair share', () => {
  const queue = (name: string, n: number) => Array.from({ length: n }, (_, i) => ({ id: `${name}${i}`, subjobs: 1 }));
  test.each([
    [100, 100, 10, 7],
    [2, 100, 10, 2],
    [100, 1, 10, 9],
    [0, 5, 10, 0],
  ])('%i automatic, %i requested, room %i: %i automatic', (automatic, requested, room, expected) => {
    const ids = shareOut(queue('a', automatic), queue('r', requested), room, 0.7);
    expect(ids.filter((id) => id.startsWith('a'))).toHaveLength(expected);
    expect(ids).toHaveLength(Math.min(room, automatic + requested));
  });
});

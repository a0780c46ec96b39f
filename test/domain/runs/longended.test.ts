// Which runs may leave the store: one table of what keeps each.
import { expect, test } from 'vitest';
import type { HoldDoc } from '../../../src/lib/domain/hold.ts';
import type { JobDoc } from '../../../src/lib/domain/jobs/job.ts';
import { archivedDoc, markOfPath, marksAt } from '../../../src/lib/domain/runs/archived.ts';
import { type EndRules, keptBy, lastChange, type WholeRun } from '../../../src/lib/domain/runs/longended.ts';
import { T0 } from '../../support/docs.ts';
import { endedRun, outputPath, runDoc, storedData } from '../../support/ended.ts';

const [run, data, count, sum] = endedRun(12);
const whole: WholeRun = { run, data: [data], jobs: [count, sum], unread: [] };
const rules: EndRules = {
  before: '2026-08-01T00:00:00.000Z',
  automaticFrom: 0,
  copies: 1,
  storages: new Set(['disk', 'tape']),
  holds: [],
  named: new Map(),
  claimed: new Map(),
  newest: new Set([99]),
};
const hold: HoldDoc = {
  ...{ _id: 'hold:h', kind: 'hold', v: 1, what: 'pause', scope: { runs: [[10, 20]] } },
  ...{ why: 'optics', by: 'ann', since: T0 },
};
const firstFile = data.files[0]!;
const withFile = (more: object) => ({ ...whole, data: [{ ...data, files: [{ ...firstFile, ...more }] }] });
const withJob = (more: Partial<JobDoc>) => ({ ...whole, jobs: [{ ...count, ...more }] });
const inState = (state: object): Partial<JobDoc> => ({
  subjobs: [{ ...count.subjobs[0]!, state: { ...count.subjobs[0]!.state, ...state } as JobDoc['subjobs'][0]['state'] }],
});
const kept = { gate: 'notice', text: 'look', next: 'dflow why 12' } as const;
const copy = firstFile.replicas.disk!;

test('a run of which all has ended may leave, also one that was sampled out or failed for good', () => {
  expect(keptBy(whole, rules)).toBeUndefined();
  const failed = { cause: 'x', reason: 'y', site: 'here' };
  expect(keptBy(withJob({ ...inState({ name: 'failed', failure: failed }), state: 'failed' }), rules)).toBeUndefined();
  const sampled = { ...data, keep: { kept: false, rule: 'sample' }, files: [{ ...firstFile, replicas: {} }] };
  expect(keptBy({ ...whole, data: [sampled], jobs: [] }, rules)).toBeUndefined();
});

test.each<[string, WholeRun, Partial<EndRules>]>([
  ['recent', whole, { before: T0 }],
  ['recent', withJob({ since: '2026-09-01T00:00:00.000Z' }), {}],
  ['newest', whole, { newest: new Set([12]) }],
  ['unreadable', { ...whole, unread: [{ id: 'job:x', wrong: 'run: is missing' }] }, {}],
  ['open', { ...whole, run: runDoc(12, { levels: { L1: { lastFile: T0, late: [], files: 2 } } }) }, {}],
  ['open', { ...whole, run: runDoc(12, { levels: {} }) }, {}],
  ['late', { ...whole, run: runDoc(12, { levels: { L1: { ...run.levels.L1!, late: ['a.dat'] } } }) }, {}],
  ['job', { ...whole, run: (({ automatic: _, ...rest }) => rest)(run) }, {}],
  ['job', withJob({ ...inState({ name: 'waiting', wake: { kind: 'ready' } }), state: 'waiting' }), {}],
  ['job', withJob({ ...inState({ name: 'held', reason: 'x' }), state: 'held' }), {}],
  ['job', withJob({ state: 'running' }), {}],
  [
    'job',
    withJob({ subjobs: [{ ...count.subjobs[0]!, wanted: { state: 'canceled', at: T0, by: 'a', why: 'w' } }] }),
    {},
  ],
  ['output', withJob({ copies: { tape: { attempt: 1, why: 'full', retryAt: T0 } } }), {}],
  ['output', withJob({ undeleted: { disk: 'delete-1.jsonl' } }), {}],
  ['claim', whole, { claimed: new Map([[sum._id, { ...kept, gate: 'claim' }]]) }],
  ['original', withFile({ original: { state: 'present' } }), {}],
  ['original', withFile({ original: { state: 'purging', nonce: 'n', host: 'h', since: T0 } }), {}],
  ['copies', withFile({ replicas: {} }), {}],
  ['copies', whole, { copies: 2 }],
  [
    'copies',
    withFile({ replicas: { disk: copy, tape: { state: 'bad', attempt: 1, path: 'x', since: T0, why: 'w' } } }),
    {},
  ],
  [
    'copies',
    withFile({ replicas: { disk: copy, tape: { state: 'failed', attempt: 1, since: T0, why: 'w', retryAt: T0 } } }),
    {},
  ],
  ['held', whole, { holds: [hold] }],
  ['held', whole, { holds: [{ ...hold, what: 'calibration', scope: { automatic: true, runs: [[1, 9e9]] } }] }],
  ['notice', whole, { named: new Map([[12, kept]]) }],
])('%s keeps it, and says what to type', (gate, one, more) => {
  const found = keptBy(one, { ...rules, ...more });
  expect(found?.gate).toBe(gate);
  expect(found?.text).not.toBe('');
  expect(found?.next).toMatch(/dflow |nothing to do/);
});

test('a bad output keeps it; a hold on other runs, and a failed copy at an element that is gone, do not', () => {
  const state = count.subjobs[0]!.state;
  const outputs = state.name === 'completed' ? [{ ...state.outputs[0]!, bad: 'differs' }] : [];
  expect(keptBy(withJob(inState({ outputs })), rules)?.gate).toBe('output');
  expect(keptBy(whole, { ...rules, holds: [{ ...hold, scope: { runs: [[13, 20]] } }] })).toBeUndefined();
  const gone = { ...copy, state: 'failed', why: 'w', retryAt: T0 };
  expect(keptBy(withFile({ replicas: { disk: copy, former: gone } }), rules)).toBeUndefined();
});

test('a look at a copy is not a change', () => {
  const checkedAt = '2026-10-01T00:00:00.000Z';
  expect(lastChange(withFile({ replicas: { disk: { ...copy, checkedAt } } }))).toBe(T0);
});

test('what stays of a run: its passes, its files, and a mark of each path', () => {
  const archive = { file: '/a/x.jsonl', host: 'h', sha256: 'd', at: T0, by: 'ann' };
  const doc = archivedDoc(12, [run, storedData(12, ['disk', 'tape']), count, sum], archive);
  expect(doc).toMatchObject({ _id: 'archived:0000000012', state: 'leaving', mask: 4, documents: 4 });
  expect(doc.levels).toEqual({ L1: { files: 2, bytes: 20 } });
  expect(doc.passes.map(({ module, pass, state }) => `${module}/${pass} ${state}`)).toEqual([
    'Count/1 completed',
    'Sum/1 completed',
  ]);
  expect(doc.places).toMatchObject({ disk: { files: 5 }, tape: { files: 2 } });
  const marks = [...marksAt(doc, 'disk')];
  for (const path of ['L1/run12_0.dat', outputPath(12, 'Count', 1), outputPath(12, 'Sum', 0)])
    expect(marks).toContain(markOfPath(path));
  expect(marks).not.toContain(markOfPath('L1/run13_0.dat'));
  expect([...marksAt(doc, 'elsewhere')]).toEqual([]);
});

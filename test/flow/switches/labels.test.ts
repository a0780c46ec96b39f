// Labels: a run and its passes get one together, what has it stays as it is, and every selection finds it by a view.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Doc } from '../../../src/lib/domain/doc.ts';
import { jobId, runId } from '../../../src/lib/domain/ids.ts';
import type { JobDoc } from '../../../src/lib/domain/jobs/job.ts';
import type { RunDoc } from '../../../src/lib/domain/runs/run.ts';
import type { Selection } from '../../../src/lib/domain/selection.ts';
import { selectJobs, selectRuns } from '../../../src/lib/flow/jobs/select.ts';
import { sweep } from '../../../src/lib/flow/jobs/wake.ts';
import { historyRows } from '../../../src/lib/flow/reports/history.ts';
import { KINDS } from '../../../src/lib/flow/reports/look/look.ts';
import { enqueue } from '../../../src/lib/flow/steps/enqueue/enqueue.ts';
import { type LabelOptions, label } from '../../../src/lib/flow/switches/labels.ts';
import type { Store } from '../../../src/lib/store.ts';
import { views } from '../../../src/lib/views/index.ts';
import { job, module, moduleFile } from '../../support/docs.ts';
import { eachStore } from '../../support/eachstore.ts';
import { found } from '../../support/items.ts';
import { addRun, collect, makePorts, T0, type TestPorts } from '../../support/ports.ts';

const modules = { '7.0.8': { ...moduleFile([module('Count')], { any: ['Count'] }), version: '7.0.8' } };
const stores = eachStore();

let ports: TestPorts;
beforeEach(async () => {
  const config = { automatic: { version: '7.0.8' }, farms: { cedar: {}, ral: {} } };
  ports = await makePorts({ storages: ['sfu'], config, around: { modules } });
});
afterEach(() => ports.remove());

const put = (store: Store, docs: readonly Doc[]) =>
  store.bulk(docs.map((doc) => ({ id: doc._id, base: null, change: () => ({ write: doc }) })));

function runDoc(run: number): RunDoc {
  const levels = { L1: { complete: { at: T0, subruns: [0], evidence: 'test' }, lastFile: T0, late: [], files: 1 } };
  return { _id: runId(run), kind: 'run', v: 1, run, levels, firstSeen: T0, history: [] };
}

const given = (change: LabelOptions['change'], more: Partial<LabelOptions> = {}) => ({
  label: 'gold',
  change,
  ...more,
});
const range = (first: number, last: number) => ({ ranges: [[first, last]] as const, listed: [] });
const lists = async (on: TestPorts, kind: 'runs' | 'jobs' | 'labels' | 'data', selection: Partial<Selection> = {}) =>
  found(KINDS[kind](on, { pass: 'all', ...selection }) as never);

describe.each(['SQLite', 'CouchDB'] as const)('on %s', (engine) => {
  let on: TestPorts;
  beforeEach(async () => {
    on = { ...ports, store: await stores[engine]() };
    await put(on.store, [1, 2, 3].map(runDoc));
    await put(on.store, [job({ run: 1 }), job({ run: 1, pass: 2 }), job({ run: 2 })]);
  });

  const runs = async (first: number, last: number) => (await selectRuns(on.store, { runs: range(first, last) })).runs;
  const refs = async (kind: 'runs' | 'jobs', selection: Partial<Selection> = {}) =>
    (await lists(on, kind, { labels: ['gold'], ...selection })).map(({ ref }) => ref);

  test('a run and its passes get it and lose it; a repeated call changes nothing', async () => {
    const add = async () => collect(label(on, { runs: await runs(1, 2), jobs: [] }, given('add', { why: 'July' })));
    expect(await add()).toMatchObject([
      { kind: 'run', ref: '1', did: 'labelled', label: 'gold', passes: 2, text: 'gold, with 2 passes' },
      { kind: 'run', ref: '2', did: 'labelled', passes: 1 },
    ]);
    expect(await refs('runs')).toEqual(['1', '2']);
    expect(await refs('runs', { runs: range(2, 9) })).toEqual(['2']);
    expect(
      await refs('runs', {
        refs: [
          { text: '1', run: 1 },
          { text: '3', run: 3 },
        ],
      }),
    ).toEqual(['1']);
    expect(await refs('jobs')).toEqual(['1/Count/1', '1/Count/2', '2/Count/1']);
    expect(await lists(on, 'labels')).toMatchObject([{ kind: 'label', ref: 'gold', runs: 2, passes: 3 }]);
    expect((await selectJobs(on, { pass: 'last', labels: ['gold'] })).jobs.map(({ run, pass }) => [run, pass])).toEqual(
      [
        [1, 2],
        [2, 1],
      ],
    );
    const before = await on.store.range({ start: '', end: '~' });
    expect(await add()).toMatchObject([
      { did: 'unchanged', passes: 0, text: "has the label 'gold' already" },
      { did: 'unchanged' },
    ]);
    expect(await on.store.range({ start: '', end: '~' })).toEqual(before);

    const remove = () => runs(1, 3).then((some) => collect(label(on, { runs: some, jobs: [] }, given('remove'))));
    expect((await remove()).map(({ did, passes }) => [did, passes])).toEqual([
      ['unlabelled', 2],
      ['unlabelled', 1],
      ['unchanged', 0],
    ]);
    expect([await refs('runs'), await lists(on, 'labels')]).toEqual([[], []]);
    await expect(refs('jobs')).rejects.toThrow(/no label 'gold'/);
    expect((await on.store.get<RunDoc>([runId(1)])).get(runId(1))).not.toHaveProperty('labels');
  });

  test('the history says who, when and why', async () => {
    await collect(label(on, { runs: await runs(1, 1), jobs: [] }, given('add', { why: 'July' })));
    await collect(label(on, { runs: await runs(1, 1), jobs: [] }, given('remove')));
    const docs = [...(await on.store.get([runId(1), jobId(1, 'Count', 1)])).values()];
    const rows = historyRows(docs, {}).filter(({ to }) => to.includes('gold'));
    expect(rows.filter(({ ref }) => ref === '1')).toMatchObject([
      { to: 'label gold', by: on.by, why: 'July' },
      { from: 'label gold', to: 'no label gold', by: on.by },
    ]);
    expect(rows.filter(({ ref }) => ref === '1/Count/1')).toHaveLength(2);
  });

  test('a pass gets it alone; a dry run says so and writes nothing', async () => {
    const { jobs } = await selectJobs(on, { pass: 'last', refs: [{ text: '1/Count', run: 1, module: 'Count' }] });
    const dry = await collect(label(on, { runs: [], jobs }, given('add', { dryRun: true })));
    expect(dry).toMatchObject([{ kind: 'job', ref: '1/Count/2', did: 'labelled', dryRun: true }]);
    await expect(refs('jobs')).rejects.toThrow(/no label 'gold'/);
    await collect(label(on, { runs: [], jobs }, given('add')));
    expect([await refs('jobs'), await refs('runs')]).toEqual([['1/Count/2'], []]);
    const more = await collect(label(on, { runs: await runs(1, 1), jobs }, given('add')));
    expect(more).toMatchObject([
      { kind: 'run', did: 'labelled', passes: 1 },
      { kind: 'job', did: 'unchanged' },
    ]);
  });

  test('many take a few requests, and none for each', async () => {
    const many = Array.from({ length: 40 }, (_, at) => 100 + at);
    await put(on.store, [...many.map(runDoc), ...many.map((run) => job({ run }))]);
    let calls = 0;
    const counted = new Proxy(on.store, {
      get(target, name) {
        const method: unknown = Reflect.get(target, name, target);
        if (typeof method !== 'function') return method;
        return (...args: unknown[]) => {
          calls++;
          return method.apply(target, args);
        };
      },
    });
    const some = await runs(100, 139);
    const items = await collect(label({ ...on, store: counted }, { runs: some, jobs: [] }, given('add')));
    expect(items.filter(({ did, passes }) => did === 'labelled' && passes === 1)).toHaveLength(40);
    expect(calls).toBeLessThan(8);
    expect(await on.store.count(views.labels, 2)).toMatchObject([
      { key: ['gold', 'pass'], value: 40 },
      { key: ['gold', 'run'], value: 40 },
    ]);
  });

  test('a run that another command changed meanwhile keeps that change', async () => {
    const [old] = await runs(1, 1);
    await on.store.update<RunDoc>(runId(1), (doc) => (doc ? { write: { ...doc, mask: 4 } } : { skip: 'gone' }));
    await collect(label(on, { runs: old ? [old] : [], jobs: [] }, given('add')));
    expect((await on.store.get<RunDoc>([runId(1)])).get(runId(1))).toMatchObject({ mask: 4, labels: ['gold'] });
  });
});

test('passes that are made later inherit the labels of their run, beside their own', async () => {
  await addRun(ports, 7, [{ name: 'run7_0.dat', bytes: Buffer.from('raw') }]);
  await put(ports.store, [runDoc(7)]);
  const { runs } = await selectRuns(ports.store, { runs: range(7, 7) });
  await collect(label(ports, { runs, jobs: [] }, given('add')));
  expect(await collect(enqueue(ports))).toMatchObject([{ did: 'made', ref: '7/Count/1' }]);
  expect((await lists(ports, 'jobs', { labels: ['gold'] })).map(({ ref }) => ref)).toEqual(['7/Count/1']);
  expect((await lists(ports, 'data', { labels: ['gold'] })).map(({ ref }) => ref)).toEqual(['data:L1:0000000007']);
  expect(await lists(ports, 'data', { labels: ['silver'] })).toEqual([]);
});

test.each([
  'hold:pause-gold',
  'routed:ral:HASH',
])('a job that waits for %s looks again without the label', async (id) => {
  const waiting = (doc: JobDoc, wake: string): JobDoc => ({
    ...doc,
    labels: ['gold'],
    subjobs: doc.subjobs.map((one) => ({
      ...one,
      state: { name: 'waiting', since: T0, wake: { kind: 'on', id: wake } },
    })),
  });
  const far = 'data:L1:0000000002';
  await put(ports.store, [waiting(job({ run: 1 }), id), waiting(job({ run: 2 }), far)]);
  const { jobs } = await selectJobs(ports, { pass: 'last', labels: ['gold'] });
  await collect(label(ports, { runs: [], jobs }, given('remove')));
  const wakes = (await ports.store.count(views.wake, 2, { prefix: ['on'] })).map(({ key }) => key[1]);
  expect(wakes).toEqual([far]);
  expect(await sweep(ports, 'cedar')).toBe(0);
});

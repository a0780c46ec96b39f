// `why --all`: every cause with its count, however many there are; nothing that `status` counts is left out.
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Doc } from '../../../src/lib/domain/doc.ts';
import type { JobDoc } from '../../../src/lib/domain/jobs/job.ts';
import { passState, type SubjobState } from '../../../src/lib/domain/jobs/states.ts';
import { rowOf } from '../../../src/lib/flow/reports/why/all/reason.ts';
import { whyAll } from '../../../src/lib/flow/reports/why/all/whyall.ts';
import { job, module, T0 } from '../../support/docs.ts';
import { found } from '../../support/items.ts';
import { makePorts, type TestPorts } from '../../support/ports.ts';

let ports: TestPorts;
beforeEach(async () => {
  ports = await makePorts({ config: { farms: { here: {} } } });
});
afterEach(() => ports.remove());

const failed = (cause: string, reason: string): SubjobState => {
  return { name: 'failed', since: T0, failure: { cause, reason, site: 'here' } };
};
const waitsFor = (id: string): SubjobState => ({ name: 'waiting', since: T0, wake: { kind: 'on', id } });

/** A pass of which every subjob has this state. */
function inState(doc: JobDoc, state: SubjobState): JobDoc {
  const subjobs = doc.subjobs.map((subjob) => ({ ...subjob, state }));
  return { ...doc, subjobs, state: passState(subjobs.map((one) => one.state)) };
}

const put = (docs: readonly Doc[]) =>
  ports.store.bulk(docs.map((doc) => ({ id: doc._id, base: null, change: () => ({ write: doc }) })));

const counts = async () => (await found(whyAll(ports))).map(({ count, text }) => `${count} ${text}`);

test('failures are one row for cause, module and reason without its numbers, the biggest first', async () => {
  const others = module('Other');
  await put([
    ...[1, 2, 3].map((run) => inState(job({ run }), failed('memory', `used ${run} MiB on node0${run}`))),
    inState(job({ run: 4 }), failed('memory', 'no page at 0x7ffd12ab')),
    ...[5, 6].map((run) => inState(job({ run, module: others }), failed('memory', `used ${run} MiB on node0${run}`))),
  ]);
  expect(await counts()).toEqual([
    '6 memory in Count, all at here: used 1 MiB on node01',
    '4 memory in Other, all at here: used 5 MiB on node05',
    '2 memory in Count, all at here: no page at 0x7ffd12ab',
  ]);
  const [row] = await found(whyAll(ports));
  expect(row).toMatchObject({ ref: '1/Count/1', next: 'dflow retry --cause memory --module Count' });
});

test('where every failure has words of its own the page stays a page, and no subjob is lost', async () => {
  const word = (run: number): string => String.fromCharCode(97 + (run % 26), 97 + Math.floor(run / 26));
  await put(
    Array.from({ length: 60 }, (_, run) => inState(job({ run }), failed('exit-1', `file ${word(run)} is bad`))),
  );
  const rows = await found(whyAll(ports));
  expect(rows).toHaveLength(21);
  expect(rows[0]).toMatchObject({ count: 80, text: expect.stringContaining('40 other reasons, one is: file') });
  expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(120);
});

test('what waits is followed down to the root, also beyond another waiting pass', async () => {
  const analysis = module('Analysis', { needs: ['Count'] });
  const plot = module('Plot', { needs: ['Analysis'] });
  const docs = [1, 2, 3].flatMap((run) => {
    const root = job({ run });
    const second = job({ run, module: analysis, needs: [root] });
    const third = job({ run, module: plot, needs: [second] });
    const state = run === 3 ? waitsFor('data:L1:0000000003') : failed('memory', 'too little');
    return [inState(root, state), inState(second, waitsFor(root._id)), inState(third, waitsFor(second._id))];
  });
  await put(docs);
  // That no copy comes is said of them besides.
  expect((await counts()).toSorted().slice(1)).toEqual([
    '2 Analysis waits for inputs at a storage element that the farm reads',
    '2 Count waits for inputs at a storage element that the farm reads',
    '2 Plot waits for inputs at a storage element that the farm reads',
    '4 Analysis waits for Count, which is failed',
    '4 Plot waits for Count, which is failed',
    '4 memory in Count, all at here: too little',
  ]);
});

test('runs are counted to the last one', async () => {
  const complete = { at: T0, subruns: [0], evidence: 'x' };
  const level = { lastFile: T0, late: [], files: 1 };
  const run = (number: number, more: object): Doc => ({
    ...{ _id: `run:${String(number).padStart(10, '0')}`, kind: 'run', v: 1, run: number, mask: 4, firstSeen: T0 },
    ...{ levels: { L1: { ...level, ...more } }, history: [] },
  });
  const blocked = Array.from({ length: 1_300 }, (_, at) => run(at, { blocked: `subrun ${at % 7} is missing` }));
  const done = Array.from({ length: 1_200 }, (_, at) => run(5_000 + at, { complete }));
  await put([...blocked, ...done]);
  const rows = await found(whyAll(ports));
  expect(rows.filter(({ unit }) => unit === 'runs').map(({ count, ref }) => [count, ref])).toEqual([
    [1_300, '0'],
    [1_200, '5000'],
  ]);
});

test('a reason without an example has no REF to paste', () => {
  const reason = { what: 'ready', count: 1, unit: 'subjobs', text: 't', next: 'n' } as const;
  expect(rowOf(reason)).toEqual({
    kind: 'reason',
    ref: '-',
    gate: 'ready',
    count: 1,
    unit: 'subjobs',
    text: 't',
    next: 'n',
  });
});

// enqueue of runs that the keep rule leaves out: decided once, without waiting for tables, and asked for by name told how
// passes of them are made all the same.
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { DataDoc } from '../../../src/lib/domain/data/data.ts';
import { dataId, runId } from '../../../src/lib/domain/ids.ts';
import type { JobDoc } from '../../../src/lib/domain/jobs/job.ts';
import type { RunDoc } from '../../../src/lib/domain/runs/run.ts';
import { status } from '../../../src/lib/flow/reports/status/status.ts';
import { why } from '../../../src/lib/flow/reports/why/why.ts';
import { enqueue } from '../../../src/lib/flow/steps/enqueue/enqueue.ts';
import { loadTables } from '../../../src/lib/flow/steps/load/load.ts';
import { reprocess } from '../../../src/lib/flow/steps/reprocess/reprocess.ts';
import { idsWith } from '../../../src/lib/store.ts';
import { views } from '../../../src/lib/views/index.ts';
import { module, moduleFile } from '../../support/docs.ts';
import { addRun, collect, makePorts, T0, type TestPorts } from '../../support/ports.ts';

const RUNS = [11, 12, 13];
const SAMPLED_OUT = [11, 12];
const modules = { '7.0.8': { ...moduleFile([module('Processing')], { any: ['Processing'] }), version: '7.0.8' } };

let ports: TestPorts;

beforeEach(async () => {
  const config = { automatic: { version: '7.0.8' }, tables: { required: ['PCA'] } };
  ports = await makePorts({ storages: ['sfu'], config, around: { modules } });
  for (const run of RUNS) {
    await addRun(ports, run, [{ name: `run${run}_0.dat`, bytes: Buffer.from('raw') }]);
    const complete = { at: T0, subruns: [0], evidence: 'test' };
    const levels = { L1: { complete, lastFile: T0, late: [], files: 1 } };
    const doc: RunDoc = { _id: runId(run), kind: 'run', v: 1, run, levels, firstSeen: T0, history: [] };
    await ports.store.update(doc._id, () => ({ write: doc }));
    if (!SAMPLED_OUT.includes(run)) continue;
    await ports.store.update<DataDoc>(dataId('L1', run), (data) =>
      data ? { write: { ...data, keep: { kept: false, rule: '10 % by run number' } } } : { skip: 'none' },
    );
  }
});

afterEach(() => ports.remove());

const todo = async () => (await ports.store.view(views.runs, { prefix: ['todo'] })).map(({ key }) => key[1]);

test('runs that are sampled out are decided once, and hold up nothing after it', async () => {
  expect(await todo()).toEqual(RUNS);
  const items = await collect(enqueue(ports, { limit: 2 }));
  expect(items.map(({ ref, did }) => [ref, did])).toEqual([
    ['11', 'left-out'],
    ['12', 'left-out'],
  ]);
  expect(await todo()).toEqual([13]);
  expect(await collect(enqueue(ports, { limit: 2 }))).toEqual([]);
  expect(await ports.store.range<JobDoc>(idsWith('job:'))).toEqual([]);
});

test('status counts the runs that wait, and why says of the others that they are sampled out', async () => {
  await collect(enqueue(ports));
  const page = await status(ports);
  expect(page.needYou.map(({ text }) => text).filter((text) => text.includes('no passes'))).toEqual([
    '1 complete run has no passes yet: 13 (tables: no PCA table for run 13)',
  ]);
  const [report] = await why(ports, { text: '11/Processing', run: 11, module: 'Processing' });
  const unmet = report?.gates.filter(({ ok, gate }) => !ok && gate !== 'tables').map(({ gate, text }) => [gate, text]);
  expect(unmet).toEqual([['keep', 'sampled out: 10 % by run number']]);
});

test('a module that needs no run tables gets its pass before they exist, the others afterwards', async () => {
  await ports.remove();
  const free = { needsTables: false } as const;
  const defs = [module('Raw', free), module('Processing'), module('Sum', { ...free, needs: ['Processing'] })];
  const file = { ...moduleFile(defs, { any: ['Raw', 'Sum'] }), version: '7.0.8' };
  const config = { automatic: { version: '7.0.8' }, tables: { required: ['PCA'] }, farms: { buffer1: {} } };
  ports = await makePorts({ storages: ['sfu'], config, around: { modules: { '7.0.8': file } } });
  await addRun(ports, 13, [{ name: 'run13_0.dat', bytes: Buffer.from('raw') }]);
  const levels = { L1: { complete: { at: T0, subruns: [0], evidence: 'test' }, lastFile: T0, late: [], files: 1 } };
  const doc: RunDoc = { _id: runId(13), kind: 'run', v: 1, run: 13, levels, firstSeen: T0, history: [] };
  await ports.store.update(doc._id, () => ({ write: doc }));
  expect((await collect(enqueue(ports))).map(({ did, ref }) => `${did} ${ref}`)).toEqual(['made 13/Raw/1']);
  expect(await collect(enqueue(ports))).toEqual([]);
  const [report] = await why(ports, { text: '13/Raw', run: 13, module: 'Raw' });
  expect(report?.gates.map(({ gate }) => gate)).not.toContain('tables');
  // A request of such modules alone does not wait either; one with others does.
  const asked = (name: string, modules: string[]) =>
    reprocess(ports, { name, version: '7.0.8', runs: [13], modules, again: true });
  expect((await collect(asked('raw', ['Raw']))).map(({ did }) => did)).toContain('made');
  expect(await collect(asked('both', ['Raw', 'Processing']))).toMatchObject([{ did: 'not-ready', gate: 'tables' }]);
  await collect(loadTables(ports, [{ name: 'x', text: '{name: "PCA", run_range: [13, 13]}' }]));
  expect((await collect(enqueue(ports))).map(({ ref }) => ref)).toEqual(['13/Processing/1', '13/Sum/1']);
  expect(await todo()).toEqual([]);
});

test('runs above automatic.until get no passes, and why says so', async () => {
  await ports.remove();
  const config = { automatic: { version: '7.0.8', until: 12 } };
  ports = await makePorts({ storages: ['sfu'], config, around: { modules } });
  for (const run of [12, 13]) {
    await addRun(ports, run, [{ name: `run${run}_0.dat`, bytes: Buffer.from('raw') }]);
    const levels = { L1: { complete: { at: T0, subruns: [0], evidence: 'test' }, lastFile: T0, late: [], files: 1 } };
    const doc: RunDoc = { _id: runId(run), kind: 'run', v: 1, run, levels, firstSeen: T0, history: [] };
    await ports.store.update(doc._id, () => ({ write: doc }));
  }
  expect((await collect(enqueue(ports))).map(({ ref }) => ref)).toEqual(['12/Processing/1']);
  expect((await status(ports)).needYou.filter(({ text }) => text.includes('no passes'))).toEqual([]);
  const [report] = await why(ports, { text: '13', run: 13 });
  expect(report?.gates.find(({ gate }) => gate === 'automatic')).toMatchObject({
    text: 'runs above 12 are not processed automatically',
    next: 'dflow reprocess --request run-13 --version 7.0.8 --module Processing --run 13',
  });
});

test('named, such a run is told how its passes are made, and stays as it is', async () => {
  const [item] = await collect(enqueue(ports, { runs: [11] }));
  expect(item).toMatchObject({ did: 'not-ready', gate: 'keep', failed: true });
  expect(item?.next).toBe('dflow reprocess --request run-11 --version 7.0.8 --module Processing --run 11');
  expect(await todo()).toEqual(RUNS);
});

test('a dry run says the same and decides nothing', async () => {
  const items = await collect(enqueue(ports, { dryRun: true }));
  expect(items.map(({ did, dryRun }) => [did, dryRun])).toEqual([
    ['left-out', true],
    ['left-out', true],
  ]);
  expect(await todo()).toEqual(RUNS);
});

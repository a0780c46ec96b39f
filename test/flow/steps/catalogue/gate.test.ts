// catalogue.gate: jobs wait until the catalogue of the collaboration knows their input files, and go when it does.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { REGISTERED } from '../../../../src/lib/domain/catalogue/gate.ts';
import type { Said } from '../../../../src/lib/domain/catalogue/said.ts';
import type { DataDoc } from '../../../../src/lib/domain/data/data.ts';
import type { JobDoc } from '../../../../src/lib/domain/jobs/job.ts';
import type { Settings } from '../../../../src/lib/domain/settings.ts';
import { sweep } from '../../../../src/lib/flow/jobs/wake.ts';
import type { Ports } from '../../../../src/lib/flow/ports.ts';
import { why } from '../../../../src/lib/flow/reports/why/why.ts';
import { catalogueSync } from '../../../../src/lib/flow/steps/catalogue/catalogue.ts';
import { submit } from '../../../../src/lib/flow/steps/submit/submit.ts';
import { idsWith } from '../../../../src/lib/store.ts';
import { type Catalogued, catalogued } from '../../../support/catalogued.ts';
import { dataDoc, farm, job, module, moduleFile, rawFile, T0 } from '../../../support/docs.ts';
import { Memory } from '../../../support/memory-backend.ts';
import type { MemoryCatalogue } from '../../../support/memory-catalogue.ts';
import { collect, type TestPorts } from '../../../support/ports.ts';

const COUNT = module('Count', { raw: true });
const PLOT = module('Plot', { needs: ['Count'] });
let world: Catalogued;
let base: TestPorts;
let catalogue: MemoryCatalogue;
let system: Memory;
beforeEach(async () => {
  world = await catalogued(true);
  ({ base, catalogue } = world);
  system = new Memory('here');
});
afterEach(() => base.remove());

function ports(more: Partial<Settings> = {}): Ports {
  const farms = [{ ...farm('here'), reads: ['sfu', 'ral'], output: ['sfu'], slots: 50 }];
  const modules = { '1.0': moduleFile([COUNT, PLOT], { any: ['Plot'] }) };
  return { ...world.ports({ farms, farm: 'here', modules, ...more }), backend: async () => system };
}

async function addJob(run: number, storages: readonly string[]): Promise<{ data: DataDoc; made: JobDoc }> {
  const data = dataDoc(run, [rawFile(run, 0, storages), rawFile(run, 1, storages)]);
  const made = { ...job({ run, module: COUNT, data }), hash: base.settings.hash };
  await base.store.update(data._id, () => ({ write: data }));
  await base.store.update(made._id, () => ({ write: made }));
  return { data, made };
}

const submitted = async (on = ports()): Promise<number> =>
  (await collect(submit(on))).filter(({ did }) => did === 'submitted').length;
const say = (id: string, catalogue: Said): Promise<unknown> =>
  base.store.update<DataDoc>(id, (doc) => (doc ? { write: { ...doc, catalogue } } : { skip: 'gone' }));
const gateOf = async (ref: string) => {
  const [run = '', name = ''] = ref.split('/');
  const reports = await why(ports(), { text: ref, run: Number(run), module: name, pass: 1 });
  return reports.flatMap(({ gates }) => gates).find(({ gate }) => gate === 'registered');
};
const awaited = async (): Promise<string[]> =>
  (await base.store.range<JobDoc>(idsWith('job:'))).flatMap(({ subjobs }) =>
    subjobs.flatMap(({ state }) => (state.name === 'waiting' && state.wake.kind === 'on' ? state.wake.id : [])),
  );

test('a pass waits for the catalogue while it is away, and goes after the sync that tells it', async () => {
  const { data } = await addJob(1, ['sfu']);
  catalogue.away = true;
  expect(await collect(catalogueSync(ports()))).toMatchObject([{ did: 'unreachable' }]);
  expect(await submitted()).toBe(0);
  expect(await awaited()).toEqual([`${REGISTERED}${data._id}`, `${REGISTERED}${data._id}`]);
  expect(await gateOf('1/Count')).toMatchObject({
    ok: false,
    text: '2 of 2 input files are not registered in rucio',
    next: 'dflow catalogue sync --run 1',
  });
  // Nothing has changed: nobody looks again.
  expect(await sweep(ports(), 'here')).toBe(0);
  catalogue.away = false;
  expect((await collect(catalogueSync(ports()))).map(({ did }) => did)).toContain('registered');
  expect(await awaited()).toEqual([]);
  expect(await gateOf('1/Count')).toMatchObject({ ok: true, text: 'rucio knows all of 2 input files' });
  expect(await submitted()).toBe(2);
});

test('a wake that was missed is caught by the sweep', async () => {
  const { data } = await addJob(1, ['sfu']);
  expect(await submitted()).toBe(0);
  const paths = Object.fromEntries(data.files.map(({ name }) => [name, `L1/${name}`]));
  const [[first = '', path = ''] = []] = Object.entries(paths);
  await say(data._id, { copies: { sfu: { L1: { [first]: path } } } });
  expect(await sweep(ports(), 'here')).toBe(0);
  await say(data._id, { copies: { sfu: { L1: paths } } });
  expect(await sweep(ports(), 'here')).toBe(1);
  expect(await submitted()).toBe(2);
});

test('without the gate nothing waits; who waits when it is taken away goes', async () => {
  await addJob(1, ['sfu']);
  expect(await submitted()).toBe(0);
  const { catalogue: settings } = base.settings;
  const open = ports({ catalogue: { ...settings!, gate: false }, hash: 'other' });
  expect(await sweep(open, 'here')).toBe(1);
  expect(await submitted(open)).toBe(2);
});

test('a file that the catalogue refuses is named, with the command that mends it', async () => {
  const { data } = await addJob(1, ['sfu']);
  const [, file] = data.files;
  await say(data._id, { refused: { [file!.name]: { why: 'the catalogue has size 1', since: T0 } } });
  expect(await gateOf('1/Count')).toMatchObject({
    text: `2 of 2 input files are not registered in rucio; ${file!.name} is refused: the catalogue has size 1`,
    next: 'dflow verify --catalogue --repair --run 1',
    since: T0,
  });
});

test('files that lie nowhere that the catalogue knows need a copy first', async () => {
  await addJob(1, ['ral']);
  expect(await gateOf('1/Count')).toMatchObject({
    text: '2 of 2 input files are not registered in rucio; run1_0.dat has no good copy at sfu or fnal',
    next: 'dflow transfer --to sfu --run 1',
  });
});

test('outputs of a prerequisite are inputs, too', async () => {
  const { data, made } = await addJob(1, ['sfu']);
  const lock = { site: 'here', epoch: 1, claim: 'c', index: 0 };
  const output = { type: 'out', storage: 'sfu', size: 3, adler32: '00000001', lfn: '/x' };
  const subjobs = made.subjobs.map((one) => {
    const name = `Count_${one.index}.txt`;
    const outputs = [{ ...output, name, path: `out/${name}`, guid: `g-${one.index}` }];
    return { ...one, state: { name: 'completed' as const, since: T0, lock, execution: 'e', outputs, usage: {} } };
  });
  await base.store.update<JobDoc>(made._id, () => ({ write: { ...made, subjobs, state: 'completed', since: T0 } }));
  const plot = { ...job({ run: 1, module: PLOT, data, needs: [made] }), hash: base.settings.hash };
  await base.store.update(plot._id, () => ({ write: plot }));
  expect(await submitted()).toBe(0);
  expect(await awaited()).toEqual(plot.subjobs.map(() => `${REGISTERED}${made._id}`));
  expect((await gateOf('1/Plot'))?.text).toMatch(/^2 of \d input files are not registered in rucio/);
  await collect(catalogueSync(ports()));
  expect(await awaited()).toEqual([]);
  expect(await submitted()).toBe(2);
});

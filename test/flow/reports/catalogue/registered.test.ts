// list replicas --catalogue: each copy with what the catalogue of the collaboration has of it now.
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { DataDoc } from '../../../../src/lib/domain/data/data.ts';
import type { JobDoc } from '../../../../src/lib/domain/jobs/job.ts';
import { registeredRows } from '../../../../src/lib/flow/reports/catalogue/registered.ts';
import { KINDS } from '../../../../src/lib/flow/reports/look/look.ts';
import { catalogueSync } from '../../../../src/lib/flow/steps/catalogue/catalogue.ts';
import { ConfigError, UnreachableError } from '../../../../src/lib/util/errors.ts';
import { type Catalogued, catalogued, SFU } from '../../../support/catalogued.ts';
import { dataDoc, job, module, rawFile, T0 } from '../../../support/docs.ts';
import { found } from '../../../support/items.ts';
import { collect } from '../../../support/ports.ts';

let world: Catalogued;
beforeEach(async () => {
  world = await catalogued();
});
afterEach(() => world.base.remove());

async function put(...docs: readonly (DataDoc | JobDoc)[]): Promise<void> {
  for (const doc of docs) await world.base.store.update(doc._id, () => ({ write: doc }));
}

const rows = (ref?: string) => {
  const selection = ref === undefined ? {} : { refs: [{ text: ref, run: 1, module: ref.split('/')[1]! }] };
  return found(registeredRows(world.ports(), KINDS.replicas(world.ports(), { pass: 'all', ...selection })));
};
const words = async (ref?: string): Promise<string[]> =>
  (await rows(ref)).map(({ name, storage, registered }) => `${name} ${storage} ${registered}`);

test('not told, told, bad there, something else there, and an element without an RSE', async () => {
  await put(dataDoc(1, [rawFile(1, 0, ['sfu', 'fnal', 'ral'])]), dataDoc(2, [rawFile(2, 0, ['sfu'])]));
  expect(await words()).toEqual([
    'run1_0.dat sfu no',
    'run1_0.dat fnal no',
    'run1_0.dat ral no-rse',
    'run2_0.dat sfu no',
  ]);
  const other = { scope: 'test', name: 'run2_0.dat', size: 99, adler32: '0000000f', guid: 'guid-2-0' };
  await world.catalogue.addCopies('SFU', [{ ...other, address: `${SFU}/L1/run2_0.dat` }]);
  await collect(catalogueSync(world.ports()));
  await world.catalogue.declareBad('FNAL', [{ scope: 'test', name: 'run1_0.dat' }]);
  expect(await words()).toEqual([
    'run1_0.dat sfu yes',
    'run1_0.dat fnal bad',
    'run1_0.dat ral no-rse',
    'run2_0.dat sfu differs',
  ]);
  expect((await rows()).at(-1)).toMatchObject({
    registeredAs: 'test:run2_0.dat',
    difference: 'the catalogue has size 99, dflow has 10; the catalogue has adler32 0000000f, dflow has 00000001',
  });
});

test('outputs of a pass', async () => {
  const made = job({ run: 1, module: module('Count', { level: 'run', raw: false }) });
  const lock = { site: 'here', epoch: 1, claim: 'c', index: 0 };
  const output = { type: 'out', name: 'c.txt', storage: 'sfu', path: 'out/c.txt', size: 3, adler32: '00000001' };
  const outputs = [{ ...output, guid: 'g', lfn: '/x' }];
  const state = { name: 'completed' as const, since: T0, lock, execution: 'e', outputs, usage: {} };
  await put({ ...made, state: 'completed', subjobs: made.subjobs.map((one) => ({ ...one, state })) });
  expect(await words('1/Count')).toEqual(['c.txt sfu no']);
  await collect(catalogueSync(world.ports()));
  expect(await words('1/Count')).toEqual(['c.txt sfu yes']);
});

test('a catalogue that is away, or none, is an error', async () => {
  await put(dataDoc(1, [rawFile(1, 0, ['sfu'])]));
  world.catalogue.away = true;
  await expect(words()).rejects.toThrow(UnreachableError);
  const { catalogue: _, ...none } = world.base.settings;
  const ports = { ...world.base, settings: none };
  await expect(found(registeredRows(ports, KINDS.replicas(ports, { pass: 'all' })))).rejects.toThrow(ConfigError);
});

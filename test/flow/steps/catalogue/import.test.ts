// catalogue import: what the catalogue knows and dflow does not becomes documents, when its bytes are right.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { DataDoc } from '../../../../src/lib/domain/data/data.ts';
import { dataId, runId } from '../../../../src/lib/domain/ids.ts';
import type { RunDoc } from '../../../../src/lib/domain/runs/run.ts';
import { catalogueSync } from '../../../../src/lib/flow/steps/catalogue/catalogue.ts';
import { catalogueImport, type ImportOptions } from '../../../../src/lib/flow/steps/catalogue/import.ts';
import { register } from '../../../../src/lib/flow/steps/register/register.ts';
import { idsWith } from '../../../../src/lib/store.ts';
import { UsageError } from '../../../../src/lib/util/errors.ts';
import { adler32 } from '../../../contracts/storage.ts';
import { type Catalogued, catalogued, FNAL, SFU } from '../../../support/catalogued.ts';
import { addRun, collect } from '../../../support/ports.ts';

const GUID = '11111111-2222-4333-8444-555555555555';
let world: Catalogued;
beforeEach(async () => {
  world = await catalogued();
});
afterEach(() => world.base.remove());

const nameOf = (run: number, subrun: number): string =>
  `SNOP_${String(run).padStart(10, '0')}_${String(subrun).padStart(3, '0')}.dat`;

/** A file that somebody else has registered, with its bytes at an element. */
async function foreign(run: number, subrun: number, more: { path?: string; bytes?: string; says?: string } = {}) {
  const name = nameOf(run, subrun);
  const { path = `old/${name}`, bytes = `run ${run} ${subrun}`, says = bytes } = more;
  const at = join(world.base.folder, 'se/sfu', path);
  mkdirSync(dirname(at), { recursive: true });
  writeFileSync(at, bytes);
  const sum = { size: says.length, adler32: adler32(Buffer.from(says)), guid: GUID };
  await world.catalogue.addCopies('SFU', [{ scope: 'test', name, ...sum, address: `${SFU}/${path}` }]);
  return name;
}

const imported = (options: ImportOptions = {}) => collect(catalogueImport(world.ports(), options));
const words = async (options: ImportOptions = {}): Promise<string[]> =>
  (await imported(options)).map(({ ref, did, text }) => `${ref} ${did}: ${text}`);
const docOf = async (run: number): Promise<DataDoc | undefined> =>
  (await world.base.store.get<DataDoc>([dataId('L1', run)])).get(dataId('L1', run));

test('copies with the right bytes become documents, with the GUID of the catalogue; twice is once', async () => {
  const name = await foreign(7, 0);
  await foreign(7, 1);
  await foreign(8, 0);
  const all = ['7 imported: 2 files at SFU', `8 imported: ${nameOf(8, 0)} at SFU`];
  const summary = 'test checked: scope test: 3 raw files, 3 copies imported';
  expect(await words({ dryRun: true })).toEqual([...all, summary]);
  expect(await world.base.store.range(idsWith('data:'))).toEqual([]);
  expect(await words()).toEqual([...all, summary]);
  const doc = await docOf(7);
  expect(doc).toMatchObject({ run: 7, level: 'L1', done: ['sfu'] });
  expect(doc?.files).toHaveLength(2);
  expect(doc?.files[0]).toMatchObject({
    ...{ name, subrun: 0, size: 7, adler32: adler32(Buffer.from('run 7 0')), guid: GUID, late: false },
    ...{ original: { state: 'purged' }, replicas: { sfu: { state: 'verified', path: `old/${name}` } } },
  });
  expect((await world.base.store.get<RunDoc>([runId(7)])).get(runId(7))?.levels.L1).toMatchObject({ files: 2 });
  expect(await words()).toEqual(['test checked: scope test: 3 raw files, 0 copies imported']);
  // The next sync puts them into datasets, and finds that the copies are there.
  const before = world.catalogue.known.size;
  expect((await collect(catalogueSync(world.ports()))).filter(({ failed }) => failed)).toEqual([]);
  expect(world.catalogue.known.size).toBe(before);
  expect(world.catalogue.sets.get('test:L1.r0000000007')?.files.size).toBe(2);
});

test('register completes imported runs', async () => {
  await foreign(7, 0);
  await foreign(8, 0);
  await imported();
  await collect(register(world.ports()));
  expect((await world.base.store.get<RunDoc>([runId(7)])).get(runId(7))?.levels.L1?.complete).toBeDefined();
});

test('a second copy of a file that dflow knows is added to it', async () => {
  await addRun(world.base, 7, [{ name: nameOf(7, 0), bytes: Buffer.from('run 7 0') }]);
  await foreign(7, 0);
  expect(await words()).toContain(`7 imported: ${nameOf(7, 0)} at SFU`);
  expect((await docOf(7))?.files).toMatchObject([
    { original: { state: 'present' }, replicas: { sfu: { state: 'verified', path: `old/${nameOf(7, 0)}` } } },
  ]);
});

test('what is not as the catalogue says is named and left out; the rest is imported', async () => {
  await foreign(7, 0, { bytes: 'rotten!', says: 'healthy' });
  await foreign(7, 1);
  await foreign(8, 0);
  rmSync(join(world.base.folder, 'se/sfu/old', nameOf(8, 0)));
  await foreign(9, 0);
  await addRun(world.base, 9, [{ name: nameOf(9, 0), bytes: Buffer.from('other') }]);
  await world.catalogue.addCopies('FNAL', [
    { scope: 'test', name: nameOf(10, 0), size: 1, adler32: '00000001', guid: GUID, address: `${FNAL}2/else` },
  ]);
  await foreign(11, 0, { path: 'any/notes.txt' });
  world.catalogue.known.set('test:notes.txt', {
    ...world.catalogue.known.get(`test:${nameOf(11, 0)}`)!,
    did: { scope: 'test', name: 'notes.txt' },
  });
  const items = await imported();
  const left = items.filter(({ did }) => did === 'skipped');
  expect(left.map(({ text }) => text)).toEqual([
    expect.stringMatching(/_000.dat is not imported: sfu has 7 bytes with adler32 \w{8}, the catalogue 7 with \w{8}$/),
    expect.stringMatching(/sfu does not have it$/),
    expect.stringMatching(/the catalogue has 7 bytes with adler32 \w{8}, dflow 5 with \w{8}$/),
    expect.stringMatching(/is not below the url of fnal$/),
  ]);
  for (const { failed, next } of left) expect([failed, next]).toEqual([true, expect.any(String)]);
  expect((await docOf(7))?.files.map(({ name }) => name)).toEqual([nameOf(7, 1)]);
  expect(await docOf(8)).toBeUndefined();
  expect(items.at(-1)?.text).toBe(
    'scope test: 6 raw files, 2 copies imported; 1 name of other things, such as notes.txt',
  );
});

test('a file that lies on the buffer is registered first; a bad copy is not taken', async () => {
  const name = await foreign(7, 0);
  writeFileSync(join(world.base.folder, 'buffer/L1', name), 'run 7 0');
  const bad = await foreign(8, 0);
  await world.catalogue.declareBad('SFU', [{ scope: 'test', name: bad }]);
  expect(await words()).toEqual([
    `test:${name} skipped: ${name} is not imported: it lies on the buffer and is not registered`,
    'test checked: scope test: 2 raw files, 0 copies imported',
  ]);
});

test("only what is asked for: runs, elements, a number of files, a scope that is dflow's", async () => {
  for (const run of [7, 8, 9]) await foreign(run, 0);
  const runs = (options: ImportOptions) =>
    imported({ ...options, dryRun: true }).then((items) =>
      items.flatMap(({ did, run }) => (did === 'imported' ? run : [])),
    );
  expect(await runs({ runs: (run) => run === 8 })).toEqual([8]);
  expect(await runs({ storages: ['fnal'] })).toEqual([]);
  expect(await runs({ limit: 2 })).toEqual([7, 8]);
  expect(await runs({ scopes: ['test'] })).toEqual([7, 8, 9]);
  await expect(imported({ scopes: ['other'] })).rejects.toThrow(UsageError);
});

test('an element that is away is said once, and the others are read', async () => {
  await foreign(7, 0);
  await foreign(8, 0);
  rmSync(join(world.base.folder, 'se/sfu'), { recursive: true });
  const items = await imported();
  expect(items.map(({ did }) => did)).toEqual(['unreachable', 'checked']);
  expect(items[0]).toMatchObject({ ref: 'sfu', failed: true, unreachable: true });
});

// get over a real store and real folders: verified, resumable, from the nearest copy; the store stays as it was.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { rangeSelections } from '../../../src/lib/cli/arguments/runsorpasses.ts';
import { ownFolder } from '../../../src/lib/cli/ports.ts';
import type { JobDoc } from '../../../src/lib/domain/jobs/job.ts';
import { nearestFirst } from '../../../src/lib/domain/storage/nearest.ts';
import { type GetOptions, getOutputs, listOutputs } from '../../../src/lib/flow/steps/get/get.ts';
import { disable } from '../../../src/lib/flow/switches/storageswitch.ts';
import { job, module } from '../../support/docs.ts';
import { closeWorlds, collect, type TestPorts, world } from '../../support/ports.ts';
import { readJob, storedPass } from '../../support/stored.ts';

afterEach(closeWorlds);

async function get(ports: TestPorts, jobs: readonly JobDoc[], options: GetOptions = {}) {
  const folder = join(ports.folder, 'mine');
  mkdirSync(folder, { recursive: true });
  return collect(getOutputs(ports, jobs, await ownFolder(folder), options));
}
const mine = (ports: TestPorts): string[] => readdirSync(join(ports.folder, 'mine')).sort();
const did = (items: readonly { did: string }[]): string[] => items.map((item) => item.did).sort();

test('files arrive whole; a second call fetches what is missing and says what is there', async () => {
  const ports = await world({ storages: ['sfu'] });
  const doc = await storedPass(ports);
  const before = await readJob(ports, doc);
  expect(did(await get(ports, [doc], { dryRun: true }))).toEqual(Array(4).fill('fetched'));
  expect(mine(ports)).toEqual([]);
  expect(did(await get(ports, [doc], { types: ['root'] }))).toEqual(['fetched', 'fetched']);
  expect(mine(ports)).toEqual(['Count_s0.root', 'Count_s1.root']);
  // What a killed call left.
  writeFileSync(join(ports.folder, 'mine/.Count_s0.soc.part'), 'half');
  expect(did(await get(ports, [doc]))).toEqual(['fetched', 'fetched', 'unchanged', 'unchanged']);
  expect(mine(ports)).toHaveLength(4);
  expect(await readJob(ports, doc)).toEqual(before);
});

test('other content under the name is left alone, or fetched again when asked for', async () => {
  const ports = await world({ storages: ['sfu'] });
  const doc = await storedPass(ports);
  await get(ports, [doc], { types: ['root'] });
  const file = join(ports.folder, 'mine/Count_s0.root');
  const right = readFileSync(file);
  writeFileSync(file, 'my own notes');
  const [failed] = (await get(ports, [doc], { types: ['root'] })).filter((item) => item.failed);
  expect(failed).toMatchObject({ did: 'failed', next: 'the same command with --replace' });
  expect(readFileSync(file, 'utf8')).toBe('my own notes');
  expect(did(await get(ports, [doc], { types: ['root'], replace: true }))).toEqual(['fetched', 'unchanged']);
  expect(readFileSync(file)).toEqual(right);
});

test('a copy that is damaged or gone is not taken: the file has no name, and the item says why', async () => {
  const ports = await world({ storages: ['sfu'] });
  const doc = await storedPass(ports);
  const root = join(ports.folder, 'se/sfu');
  const all = readdirSync(root, { recursive: true, encoding: 'utf8' });
  writeFileSync(join(root, all.find((name) => name.endsWith('Count_s0.root'))!), 'damaged');
  rmSync(join(root, all.find((name) => name.endsWith('Count_s1.root'))!));
  const items = await get(ports, [doc], { types: ['root'] });
  expect(did(items)).toEqual(['failed', 'failed']);
  for (const item of items)
    expect(item).toMatchObject({ text: expect.stringContaining('no copy could be read (sfu: ') });
  expect(mine(ports)).toEqual([]);
});

test('a pass without the files is named, so that a data set with holes does not look whole', async () => {
  const ports = await world({ storages: ['sfu'] });
  const waiting = job({ module: module('Plot') });
  const items = await get(ports, [await storedPass(ports), waiting], { types: ['root'] });
  expect(did(items)).toEqual(['failed', 'fetched', 'fetched']);
  expect(items.find((item) => item.failed)).toMatchObject({
    ref: '12/Plot/1',
    text: expect.stringContaining('is waiting'),
  });
  await expect(get(ports, [waiting], { types: ['rooot'] })).rejects.toThrow("no output type 'rooot'");
});

test('the next copy is tried when the first cannot be read; elements that are switched off come last', async () => {
  const ports = await world({ storages: ['sfu', 'ral'] });
  const doc = await storedPass(ports);
  const twice = {
    ...doc,
    subjobs: doc.subjobs.map((subjob) => ({
      ...subjob,
      state:
        subjob.state.name === 'completed'
          ? { ...subjob.state, outputs: subjob.state.outputs.flatMap((one) => [one, { ...one, storage: 'ral' }]) }
          : subjob.state,
    })),
  };
  const urls = async (): Promise<unknown[]> =>
    (await collect(listOutputs(ports, [twice], { types: ['root'] }))).map((item) => 'storage' in item && item.storage);
  expect(await urls()).toEqual(['sfu', 'sfu']);
  await collect(disable(ports, 'sfu', { why: 'down', until: '2999-01-01T00:00:00.000Z' }));
  expect(await urls()).toEqual(['ral', 'ral']);
  // ral has no file at all: what is switched off is tried then.
  const items = await get(ports, [twice], { types: ['root'] });
  expect(items.map((item) => 'storage' in item && item.storage)).toEqual(['sfu', 'sfu']);
  expect(existsSync(join(ports.folder, 'mine/Count_s1.root'))).toBe(true);
});

test('the order of copies', () => {
  const copies = [
    { storage: 'c' },
    { storage: 'gone' },
    { storage: 'b' },
    { storage: 'a', bad: 'missing' },
    { storage: 'd' },
  ];
  const names = (aside: string[]) =>
    nearestFirst(copies, ['a', 'b', 'c', 'd'], new Set(aside)).map((one) => one.storage);
  expect(names([])).toEqual(['b', 'c', 'd']);
  expect(names(['b'])).toEqual(['c', 'd', 'b']);
});

test.each([
  ['109100-109200/Analysis40', { run: ['109100-109200'], module: ['Analysis40'] }],
  ['109100-/Analysis40/2', { run: ['109100-'], module: ['Analysis40'], pass: '2' }],
  ['109100-109200', { run: ['109100-109200'], module: ['*'] }],
])('%s', (word, range) => {
  expect(rangeSelections([word, '109134/DQ'])).toEqual({ ranges: [range], refs: ['109134/DQ'] });
});

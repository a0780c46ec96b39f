// One bad file or folder: it is named with what is wrong with it, and everything else goes on.
import { mkdir, rename, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { RunDoc } from '../../../../src/lib/domain/runs/run.ts';
import { chain } from '../../../../src/lib/flow/steps/chain/chain.ts';
import { register } from '../../../../src/lib/flow/steps/register/register.ts';
import { darkFiles } from '../../../../src/lib/flow/steps/verify/darkfiles.ts';
import { openVerify } from '../../../../src/lib/flow/steps/verify/verifysession.ts';
import { MINUTE } from '../../../../src/lib/util/time.ts';
import { BROKEN, DENIED, faults, STALE } from '../../../support/fsfaults.ts';
import { closeWorlds, collect, replacing, type TestPorts, world } from '../../../support/ports.ts';

vi.mock('node:fs/promises', async (original) => (await import('../../../support/fsfaults.ts')).faultyFiles(original));

let ports: TestPorts;
let now: number;
beforeEach(async () => {
  now = Date.now();
  ports = await world({ storages: ['sfu'], levels: ['L1', 'L2'], now: () => now });
});
afterEach(async () => {
  faults.length = 0;
  await closeWorlds();
});

const nameOf = (run: number, subrun = 0) =>
  `SNOP_${String(run).padStart(10, '0')}_${String(subrun).padStart(3, '0')}.dat`;

async function raw(path: string, level = 'L1'): Promise<void> {
  const file = join(ports.folder, 'buffer', level, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `bytes of ${path}`);
  await utimes(file, 1e9, 1e9);
}

/** Two looks at the buffer, far enough apart for every rule of settling. */
async function registered(): Promise<{ did: string; ref: string; text?: string }[]> {
  await collect(register(ports)).catch(() => undefined);
  now += 20 * MINUTE;
  return collect(register(ports));
}

const runs = async (): Promise<number[]> => {
  const docs = await ports.store.range<RunDoc>({ start: 'run:', end: 'run:~' });
  return docs.filter((doc) => (doc.levels.L1?.files ?? 0) > 0).map((doc) => doc.run);
};

test.each([
  ['a bad sector', BROKEN, /input\/output error/],
  ['a stale handle', STALE, /stale file handle/],
  ['no permission', DENIED, /no permission/],
])('register: %s in one file', async (_, fault, words) => {
  for (const run of [1, 2, 3]) await raw(nameOf(run));
  faults.push({ call: 'open', path: nameOf(2), ...fault });
  const items = await registered();
  expect(items.find(({ ref, did }) => ref === '2' && did === 'unreadable')?.text).toMatch(words);
  expect(await runs()).toEqual([1, 3]);
});

test('register: a file that cannot even be asked for its size keeps its run open, and no other', async () => {
  for (const subrun of [0, 1]) await raw(nameOf(1, subrun));
  for (const run of [2, 3]) await raw(nameOf(run));
  faults.push({ call: 'stat', path: nameOf(1, 1), ...STALE });
  const items = await registered();
  expect(items).toContainEqual(expect.objectContaining({ did: 'unreadable', ref: nameOf(1, 1), failed: true }));
  // The last run is quiet by when its files turned up.
  now += 20 * MINUTE;
  await collect(register(ports));
  const docs = await ports.store.range<RunDoc>({ start: 'run:', end: 'run:~' });
  expect(docs.map((doc) => [doc.run, doc.levels.L1?.complete !== undefined])).toEqual([
    [1, false],
    [2, true],
    [3, true],
  ]);
  expect(docs[0]?.levels.L1?.blocked).toContain('cannot be read');
});

test('register: a folder that may not be read is named; what lies there is neither gone nor moved', async () => {
  await raw(join('private', nameOf(1)));
  await raw(nameOf(2));
  await registered();
  const folder = join(ports.folder, 'buffer', 'L1');
  await raw(join('copy', nameOf(1)));
  await writeFile(join(folder, 'copy', nameOf(1)), `bytes of ${join('private', nameOf(1))}`);
  await utimes(join(folder, 'copy', nameOf(1)), 1e9, 1e9);
  await raw(nameOf(3));
  faults.push({ call: 'readdir', path: 'private', ...DENIED });
  const items = await registered();
  expect(items).toContainEqual(expect.objectContaining({ did: 'unreadable', ref: 'private' }));
  expect(items.filter(({ did }) => did === 'moved')).toEqual([]);
  expect(await runs()).toEqual([1, 2, 3]);
});

test('register: one level that cannot be read does not keep the others from their work', async () => {
  await raw(nameOf(5), 'L2');
  faults.push({ call: 'readdir', path: join('buffer', 'L1'), ...STALE });
  await expect(registered()).rejects.toThrow(/buffer L1: .*stale file handle/);
  const doc = (await ports.store.get<RunDoc>(['run:0000000005'])).get('run:0000000005');
  expect(doc?.levels.L2?.files).toBe(1);
});

test('verify names the folder of an element that it cannot list, and lists the rest', async () => {
  const element = join(ports.folder, 'se', 'sfu');
  for (const folder of ['L1/0', 'L1/1']) {
    await mkdir(join(element, folder), { recursive: true });
    await writeFile(join(element, folder, `stray-${folder.slice(-1)}`), 'x');
  }
  faults.push({ call: 'readdir', path: 'L1/0', ...DENIED });
  const items = await collect(darkFiles(await openVerify(ports, {}), 'sfu'));
  expect(items.map(({ did }) => did).sort()).toEqual(['dark', 'unlisted']);
});

test('chain: whatever ends a step, the others have their turn, and the exit code is that of the first', async () => {
  await raw(nameOf(1));
  const loops = ['register', 'transfer', 'purge', 'enqueue'] as const;
  const broken = replacing(ports, {
    settings: { ...ports.settings, loops, storages: [] },
    buffer: async (level: string) => {
      if (level === 'L2') throw new TypeError('a defect');
      return ports.buffer(level);
    },
  });
  const items: { step?: unknown; did: string }[] = [];
  const run = async () => {
    for await (const item of chain(broken)) items.push(item);
  };
  await run().catch(() => undefined);
  now += 20 * MINUTE;
  await expect(run()).rejects.toThrow('a defect');
  expect(items).toContainEqual(expect.objectContaining({ step: 'register', did: 'registered' }));
  expect(items).toContainEqual(expect.objectContaining({ step: 'register', did: 'skipped', text: 'a defect' }));
  expect(items).toContainEqual(expect.objectContaining({ step: 'transfer', did: 'skipped' }));
  const beats = await ports.store.range({ start: 'loop:', end: 'loop:~' });
  expect(beats.map(({ _id }) => _id.split(':').at(-1)).sort()).toEqual([...loops].sort());
});

test('a buffer that was renamed away is unreachable, and the chain goes on', async () => {
  await rename(join(ports.folder, 'buffer', 'L1'), join(ports.folder, 'elsewhere'));
  const loops = ['register', 'enqueue'] as const;
  const items = await collect(chain(replacing(ports, { settings: { ...ports.settings, loops } })));
  expect(items).toContainEqual(expect.objectContaining({ step: 'register', did: 'skipped', failed: true }));
});

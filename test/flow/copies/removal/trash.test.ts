// The trash of a buffer: what goes there comes back whole, nothing is written over, and every way in which it can go wrong
// leaves the file where it was, or says where it is.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { link, mkdir, readdir, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { trashPlaces } from '../../../../src/lib/domain/data/trash.ts';
import { inTrash, openTrash, restore, type Unwanted } from '../../../../src/lib/flow/copies/removal/trash.ts';
import { trashRows } from '../../../../src/lib/flow/reports/look/quarantinerows.ts';
import type { Storage } from '../../../../src/lib/storage.ts';
import { ItemError } from '../../../../src/lib/util/errors.ts';
import { readReceipt } from '../../../../src/lib/util/files/receipt.ts';
import { start } from '../../../support/buffer.ts';
import { closeWorlds, collect, T0, type TestPorts, world } from '../../../support/ports.ts';
import { receipts } from '../../../support/purge.ts';

afterEach(closeWorlds);

const raw = (ports: TestPorts, path: string): string => join(ports.folder, 'buffer', 'L1', path);

/** A file on the buffer, as it was judged. */
async function put(ports: TestPorts, name: string, text = 'bytes'): Promise<Unwanted> {
  await mkdir(dirname(raw(ports, name)), { recursive: true });
  await writeFile(raw(ports, name), text);
  await utimes(raw(ports, name), new Date(T0), new Date(T0));
  return { level: 'L1', name, reason: 'empty', detail: 'a test', size: text.length, modified: T0 };
}

async function trash(ports: TestPorts, file: Unwanted, again?: () => Promise<string | undefined>) {
  const bin = openTrash(ports, await ports.store.now(), ports.nonce());
  try {
    return await bin.put(file, again);
  } finally {
    await bin.close();
  }
}

const back = (ports: TestPorts, ...words: string[]) => collect(restore(ports, words));

test('a file goes to the trash with a receipt, is listed, and comes back as it was', async () => {
  const ports = await world();
  const doc = await trash(ports, { ...(await put(ports, 'later/a.zdab')), why: 'not needed' });
  expect(existsSync(raw(ports, 'later/a.zdab'))).toBe(false);
  expect(doc.places[0]).toBe(`.dflow-trash/${doc.at.slice(0, 10)}/${doc._id.split(':').at(-1)}/later/a.zdab`);
  expect(readFileSync(raw(ports, doc.places[0]!), 'utf8')).toBe('bytes');
  expect(await readReceipt(ports.folder, receipts(ports)[0]!)).toMatchObject([
    { kind: 'trash', id: doc._id, name: 'later/a.zdab', size: 5, why: 'not needed', host: 'buffer1' },
  ]);
  const rows = [];
  for await (const row of trashRows(ports)) rows.push(row);
  expect(rows).toMatchObject([{ ref: doc._id, name: 'later/a.zdab', reason: 'empty', why: 'not needed' }]);
  expect(await collect(restore(ports, ['later/a.zdab'], { dryRun: true }))).toMatchObject([
    { did: 'restored', dryRun: true },
  ]);
  expect(await back(ports, 'later/a.zdab')).toMatchObject([{ did: 'restored', name: 'later/a.zdab' }]);
  expect(readFileSync(raw(ports, 'later/a.zdab'), 'utf8')).toBe('bytes');
  expect(statSync(raw(ports, 'later/a.zdab')).mtime.toISOString()).toBe(T0);
  expect(await inTrash(ports)).toEqual([]);
  expect(await back(ports, 'later/a.zdab')).toMatchObject([{ did: 'unknown', failed: true }]);
});

test('a file that came meanwhile is not written over, and two of one name are told apart', async () => {
  const ports = await world();
  const one = await trash(ports, await put(ports, 'a.zdab', 'one'));
  const two = await trash(ports, await put(ports, 'a.zdab', 'two'));
  const [unclear] = await back(ports, 'a.zdab');
  expect(unclear).toMatchObject({ did: 'unknown', failed: true });
  expect(unclear!.text).toContain(two._id);
  await put(ports, 'a.zdab', 'new');
  expect(await back(ports, one._id)).toMatchObject([{ did: 'kept', failed: true }]);
  expect(readFileSync(raw(ports, 'a.zdab'), 'utf8')).toBe('new');
  await rm(raw(ports, 'a.zdab'));
  expect(await back(ports, one._id)).toMatchObject([{ did: 'restored' }]);
  expect(readFileSync(raw(ports, 'a.zdab'), 'utf8')).toBe('one');
});

test('a file that changed is not moved, and one that was swapped at the last moment goes back', async () => {
  const ports = await world();
  const file = await put(ports, 'a.zdab');
  await writeFile(raw(ports, 'a.zdab'), 'longer than before');
  await expect(trash(ports, file)).rejects.toThrow('has changed');
  await put(ports, 'a.zdab');
  const buffer = await ports.buffer('L1');
  const swapped = Object.create(buffer, {
    rename: {
      value: async (from: string, to: string) => {
        await writeFile(raw(ports, 'new'), 'other');
        await rename(raw(ports, 'new'), raw(ports, from));
        return buffer.rename(from, to);
      },
    },
    stat: { value: (paths: string[]) => buffer.stat(paths) },
    list: { value: (prefix: string) => buffer.list(prefix) },
    localPath: { value: (path: string) => buffer.localPath(path) },
    renameNew: { value: (from: string, to: string) => buffer.renameNew!(from, to) },
  }) as Storage;
  await expect(trash({ ...ports, buffer: async () => swapped }, file)).rejects.toThrow('has changed');
  expect(readFileSync(raw(ports, 'a.zdab'), 'utf8')).toBe('other');
  expect(await inTrash(ports)).toEqual([]);
});

test('whoever misses the file after the rename gets it back', async () => {
  const ports = await world();
  const file = await put(ports, 'a.zdab');
  await expect(trash(ports, file, async () => 'the registered file went with it')).rejects.toThrow('went with it');
  expect(readFileSync(raw(ports, 'a.zdab'), 'utf8')).toBe('bytes');
  expect(await inTrash(ports)).toEqual([]);
});

test('a trash that is a link is refused', async () => {
  const ports = await world();
  await mkdir(join(ports.folder, 'elsewhere'));
  await symlink(join(ports.folder, 'elsewhere'), raw(ports, '.dflow-trash'));
  await expect(trash(ports, await put(ports, 'a.zdab'))).rejects.toThrow(ItemError);
  expect(await readdir(join(ports.folder, 'elsewhere'))).toEqual([]);
  expect(existsSync(raw(ports, 'a.zdab'))).toBe(true);
});

test('the end marker goes and comes with its file', async () => {
  const ports = await world();
  const buffers = ports.settings.buffers.map((buffer) => ({ ...buffer, closed: 'marker' as const }));
  const marked = { ...ports, settings: { ...ports.settings, buffers } };
  const file = await put(ports, 'a.zdab');
  await writeFile(raw(ports, 'a.zdab_closed'), '');
  await trash(marked, file);
  expect(existsSync(raw(ports, 'a.zdab_closed'))).toBe(false);
  await back(marked, 'a.zdab');
  expect(existsSync(raw(ports, 'a.zdab_closed'))).toBe(true);
});

test('a call that was killed before the rename leaves a document, and restore settles it', async () => {
  const ports = await world();
  const file = await put(ports, 'a.zdab');
  const buffer = await ports.buffer('L1');
  let die = (_: Error): void => undefined;
  const death = new Promise<void>((_, reject) => {
    die = reject;
  });
  const dying = { ...ports, buffer: async () => ({ ...pick(buffer), rename: () => death }) };
  const killed = trash(dying as TestPorts, file).catch((error: unknown) => error);
  await expect.poll(() => inTrash(ports)).toHaveLength(1);
  expect(await back(ports, 'a.zdab')).toMatchObject([{ did: 'restored' }]);
  expect(existsSync(raw(ports, 'a.zdab'))).toBe(true);
  expect(await inTrash(ports)).toEqual([]);
  // It must end: its receipt would stay open until the garbage collector finds it, which Node 26 takes for a fault.
  die(new Error('killed'));
  expect(await killed).toMatchObject({ message: 'killed' });
});

function pick(buffer: Storage): Partial<Storage> {
  return {
    stat: (paths) => buffer.stat(paths),
    localPath: (path) => buffer.localPath(path),
    list: (path) => buffer.list(path),
  };
}

test('files of another host are not looked for here', async () => {
  const ports = await world();
  await trash(ports, await put(ports, 'a.zdab'));
  const [item] = await back({ ...ports, host: 'buffer2' }, 'a.zdab');
  expect(item).toMatchObject({ did: 'kept', failed: true, next: 'run the command on buffer1' });
});

test('a hard link in the way is not written over', async () => {
  const ports = await world();
  const buffer = await ports.buffer('L1');
  await put(ports, 'a.zdab', 'one');
  await link(raw(ports, 'a.zdab'), raw(ports, 'b.zdab'));
  await expect(buffer.renameNew!('a.zdab', 'b.zdab')).rejects.toThrow('exists already');
  expect((await stat(raw(ports, 'a.zdab'))).nlink).toBe(2);
});

test('register does not see the trash', async () => {
  const { bench, ports } = await start();
  bench.put('run1_0.dat', 'x');
  bench.put('.dflow-trash/2026-07-14/n/run2_0.dat', 'y');
  bench.put('deep/.dflow-trash/2026-07-14/n/run3_0.dat', 'z');
  expect((await bench.register(ports)).filter(({ kind }) => kind === 'file').map(({ ref }) => ref)).toEqual(['1']);
  await bench.close();
  expect(trashPlaces('a/b', T0, 'n')).toEqual(['.dflow-trash/2026-07-14/n/a/b', 'a/.dflow-trash/2026-07-14/n/b']);
});

// The file of a SQLite store as a whole: copied while others write, another content put in its place, read past damage.
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Doc } from '../../src/lib/domain/doc.ts';
import type { Store } from '../../src/lib/store.ts';
import { seenPath } from '../../src/lib/stores/sqlite/place.ts';
import { file, open } from '../../src/lib/stores/sqlite/sqlite.ts';
import { thing } from '../contracts/things.ts';
import { folder, keep, path, puts, setUp, tearDown } from '../support/sqlite.ts';

beforeEach(setUp);
afterEach(tearDown);

const id = (i: number): string => `thing:${String(i).padStart(4, '0')}`;
const all = { start: 'thing:', end: 'thing:~' };
const url = (): string => `sqlite:${path}`;
const other = (name: string): string => join(folder, name);

async function filled(count: number): Promise<Store> {
  const store = await open(path, { write: 'setup' });
  await store.setup('demo');
  // Every seventh document is longer than a page.
  await store.bulk(
    puts(Array.from({ length: count }, (_, i) => thing(id(i), { value: 'x'.repeat(i % 7 ? 200 : 9000) }))),
  );
  return store;
}

async function idsIn(place: string): Promise<string[]> {
  const store = await open(place, { write: false });
  const docs = await store.range(all);
  await store.close();
  return docs.map(({ _id }) => _id);
}

test('a copy is whole while another process goes on writing', async () => {
  const store = keep(await filled(50));
  await file.copy(url(), other('copy.db'));
  await store.bulk(puts([thing('thing:later')]));
  expect(await idsIn(other('copy.db'))).toHaveLength(50);
  expect(file.recognises(other('copy.db'))).toBe(true);
  expect(file.lacks(url(), other('copy.db'))).toBe(1);
});

describe('another content is put in place', () => {
  beforeEach(async () => {
    const store = await filled(5);
    await file.copy(url(), other('backup.db'));
    await store.bulk(puts([thing('thing:later'), thing('thing:last')]));
    await store.close();
  });

  test('who has the store open stops at the next write; the next command goes on; the former content is kept', async () => {
    const running = keep(await open(path, { write: true }));
    const before = await running.changes();
    const aside = await file.replace(url(), other('backup.db'));
    await expect(running.bulk(puts([thing('thing:x')]))).rejects.toMatchObject({
      exit: 3,
      message: expect.stringContaining('restored from a backup'),
    });
    const next = keep(await open(path, { write: true }));
    expect(await next.range(all)).toHaveLength(5);
    await next.bulk(puts([thing('thing:new')]));
    // Who follows the changes goes on behind the last that it has seen.
    const { changes } = await next.changes(before.last);
    expect(changes.map((change) => change.id)).toContain('thing:new');
    expect(await next.check?.()).toEqual([]);
    expect(await idsIn(String(aside))).toHaveLength(7);
  });

  test('a file from before the restore, put back by hand, is not written', async () => {
    const aside = String(await file.replace(url(), other('backup.db')));
    renameSync(aside, path);
    await expect(open(path, { write: true })).rejects.toMatchObject({
      exit: 3,
      message: expect.stringContaining('older than it was'),
      hint: expect.stringContaining('dflow store restore'),
    });
  });

  test('an older file put back by hand is taken by its own path, and may then be written', async () => {
    copyFileSync(other('backup.db'), path);
    for (const tail of ['-wal', '-shm', '-journal']) rmSync(`${path}${tail}`, { force: true });
    await expect(open(path, { write: true })).rejects.toMatchObject({ exit: 3 });
    await file.copy(url(), other('source.db'));
    await file.replace(url(), other('source.db'));
    const store = keep(await open(path, { write: true }));
    await store.bulk(puts([thing('thing:new')]));
    expect(await store.range(all)).toHaveLength(6);
  });

  test.each([
    ['a damaged store', (bytes: Buffer) => bytes.fill(0, 0, 4096)],
    ['one whose pages are noise', (bytes: Buffer) => bytes.fill(0x5a, 4096)],
    ['a file that was cut off', (bytes: Buffer) => bytes.subarray(0, 6000)],
    ['an empty file', () => Buffer.alloc(0)],
  ])('%s is replaced, and kept', async (_what, damage) => {
    const damaged = damage(readFileSync(path));
    writeFileSync(path, damaged);
    const aside = String(await file.replace(url(), other('backup.db')));
    expect(await idsIn(path)).toHaveLength(5);
    expect(existsSync(aside)).toBe(true);
    await expect(open(path, { write: true }).then((store) => store.close())).resolves.toBeUndefined();
  });

  test('a store that is gone', async () => {
    for (const tail of ['', '-wal', '-shm', '-journal']) rmSync(`${path}${tail}`, { force: true });
    expect(await file.replace(url(), other('backup.db'))).toBeUndefined();
    expect(await idsIn(path)).toHaveLength(5);
    expect(readFileSync(seenPath(path), 'utf8')).toMatch(/\.1 \d{16}\n$/);
  });
});

describe('a damaged store', () => {
  const scratch = (): string => {
    const made = other('scratch');
    rmSync(made, { recursive: true, force: true });
    mkdirSync(made);
    return made;
  };
  const saved = async (): Promise<{ docs: Doc[]; lost: readonly string[]; uuid: string | undefined }> => {
    const { docs, lost, marker } = await file.salvage(url(), scratch());
    const found: Doc[] = [];
    for await (const doc of docs) found.push(doc);
    return { docs: found, lost, uuid: marker?.uuid };
  };

  test('a sound one is read whole, without what was removed', async () => {
    const store = await filled(300);
    await store.bulk([{ id: id(3), change: () => ({ remove: true }) }]);
    const docs = await store.range(all);
    const { uuid } = await store.info();
    await store.close();
    expect((await saved()).docs.map(({ _id }) => _id)).toEqual(docs.map(({ _id }) => _id));
    expect((await saved()).lost).toEqual([]);
    expect((await saved()).uuid).toBe(uuid);
  });

  test.each([
    ['zeros', (page: Buffer) => page.fill(0)],
    ['noise', (page: Buffer) => page.set(page.map((_, i) => (i * 7919 + 13) % 251))],
  ])('any one page of %s: every document is read as it was, or named as lost', async (_what, spoil) => {
    const store = await filled(120);
    const docs = new Map((await store.range(all)).map(({ _rev, ops, ...doc }) => [doc._id, JSON.stringify(doc)]));
    await store.close();
    const sound = readFileSync(path);
    let whole = 0;
    for (let page = 0; page < sound.length / 4096; page++) {
      const bytes = Buffer.from(sound);
      spoil(bytes.subarray(page * 4096, (page + 1) * 4096));
      writeFileSync(path, bytes);
      const { docs: found, lost } = await saved();
      for (const { ops, _rev, ...doc } of found) expect([page, JSON.stringify(doc)]).toEqual([page, docs.get(doc._id)]);
      expect([page, [...found.map(({ _id }) => _id), ...lost].sort()]).toEqual([page, [...docs.keys()].sort()]);
      if (lost.length === 0) whole++;
    }
    expect(whole).toBeGreaterThan(2);
  });
});

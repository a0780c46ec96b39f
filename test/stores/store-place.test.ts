// The file of a SQLite store is replaced while commands run, or an older one is put back.
import { copyFileSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Store } from '../../src/lib/store.ts';
import { Place, seenPath } from '../../src/lib/stores/sqlite/place.ts';
import { open } from '../../src/lib/stores/sqlite/sqlite.ts';
import { thing } from '../contracts/things.ts';
import { path, setUp, tearDown } from '../support/sqlite.ts';

let store: Store;
const backup = (): string => `${path}.backup`;
const put = (id: string, to = store) => to.update(`thing:${id}`, () => ({ write: thing(`thing:${id}`) }));

beforeEach(async () => {
  setUp();
  store = await open(path, { write: 'setup' });
  await store.setup('demo');
  await put('a');
  // Closed, since with a write-ahead log (newer SQLite) the file alone is not all of an open store.
  await store.close();
  copyFileSync(path, backup());
  store = await open(path, { write: true });
  await put('b');
});
afterEach(async () => {
  await store.close().catch(() => undefined);
  await tearDown();
});

const REPLACED = { name: 'StoreError', exit: 3, message: expect.stringMatching(/replaced|removed/) };
const OLDER = { name: 'StoreError', exit: 3, message: expect.stringContaining('older than it was: 1 changes') };

describe('a file that is replaced under a running command', () => {
  test.each([
    ['a backup by rename', () => renameSync(backup(), path)],
    ['nothing', () => rmSync(path)],
  ])('%s: the next write and the next look end with exit 3, nothing is written', async (_what, replace) => {
    replace();
    await expect(put('c')).rejects.toMatchObject(REPLACED);
    await expect(store.info()).rejects.toMatchObject(REPLACED);
  });

  test('an older content of the same file is noticed, too', async () => {
    await store.close();
    store = await open(path, { write: true });
    await put('c');
    const logged = existsSync(`${path}-wal`);
    // A write-ahead log would lay its newer pages over the older ones until it is closed.
    if (logged) await store.close();
    writeFileSync(path, '');
    copyFileSync(backup(), path);
    const next = logged ? open(path, { write: true }) : put('d');
    await expect(next).rejects.toMatchObject({ exit: 3 });
  });
});

describe('a backup that is put back', () => {
  test('is refused for writing, can be read, and is accepted once its mark is removed', async () => {
    await store.close();
    renameSync(backup(), path);
    await expect(open(path, { write: true })).rejects.toMatchObject({
      ...OLDER,
      hint: expect.stringContaining(`rm ${seenPath(path)}`),
    });
    const reader = await open(path, { write: false });
    expect((await reader.get(['thing:a', 'thing:b'])).size).toBe(1);
    await reader.close();
    rmSync(seenPath(path));
    const writer = await open(path, { write: true });
    await put('c', writer);
    await writer.close();
    await (await open(path, { write: true })).close();
  });

  test('of a process that was killed before it could say how far it came: what others said counts', async () => {
    await store.close();
    expect(existsSync(seenPath(path))).toBe(true);
    writeFileSync(seenPath(path), 'garbage');
    await (await open(path, { write: true })).close();
  });

  test('another store at the same path has marks of its own', async () => {
    await store.close();
    rmSync(path);
    const other = await open(path, { write: 'setup' });
    await other.setup('exp');
    await put('z', other);
    await other.close();
    await (await open(path, { write: true })).close();
  });
});

test('another process that commits while a store is opened has put no backup back', () => {
  rmSync(seenPath(path));
  const other = new Place(path, () => 'u');
  other.note(10);
  const opened = new Place(path, () => 'u');
  const asked = () => {
    other.note(11);
    return 10;
  };
  expect(() => opened.requireWhole(asked)).not.toThrow();
  expect(() => opened.requireWhole(() => 10)).toThrow('older than it was: 1 changes');
  other.close();
});

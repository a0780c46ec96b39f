// The file of a SQLite store is replaced while commands run, or an older one is put back.
import { copyFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Store } from '../../src/lib/store.ts';
import type { Progress } from '../../src/lib/stores/shared/mark.ts';
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
const OLDER = {
  name: 'StoreError',
  exit: 3,
  message: expect.stringContaining('older than it was: it lacks 1 change made'),
};

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
      hint: expect.stringContaining(`dflow store restore ${path}`),
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

const at = (seq: number, generation = 0): Progress => ({ uuid: 'u', generation, seq });

test('another process that commits while a store is opened has put no backup back', () => {
  rmSync(seenPath(path));
  const other = new Place(path);
  other.note(at(10));
  const opened = new Place(path);
  const asked = () => {
    other.note(at(11));
    return at(10);
  };
  expect(() => opened.requireWhole(asked)).not.toThrow();
  expect(() => opened.requireWhole(() => at(10))).toThrow('older than it was: it lacks 1 change made');
  other.close();
});

test('the mark only grows: who committed first and says so last takes nothing back', () => {
  const [first, second] = [new Place(path), new Place(path)];
  second.note(at(12));
  first.note(at(11));
  expect(() => new Place(path).requireWhole(() => at(11))).toThrow('1 change');
  first.close();
  second.close();
});

test('after a restore the count begins anew, and a file from before it is older, however far it had come', () => {
  const place = new Place(path);
  place.note(at(200));
  expect(new Place(path).older(() => at(150, 1))).toBeUndefined();
  place.note(at(150, 1));
  expect(new Place(path).older(() => at(250))).toContain('older than it was');
  expect(new Place(path).older(() => at(149, 1))).toContain('1 change');
  place.close();
});

test('a process that has only read is not deceived by an older content of the same file', async () => {
  const reader = await open(path, { write: true });
  await put('c');
  await store.close();
  const logged = existsSync(`${path}-wal`);
  if (!logged) writeFileSync(path, readFileSync(backup()));
  if (!logged) await expect(put('d', reader)).rejects.toMatchObject({ exit: 3 });
  await reader.close();
});

test('who reads an older content is told so', async () => {
  await store.close();
  renameSync(backup(), path);
  const said: string[] = [];
  const reader = await open(path, { write: false, say: (text) => said.push(text) });
  expect(said).toMatchObject([expect.stringContaining('older than it was: it lacks 1 change made')]);
  expect(await reader.info()).toMatchObject({ writable: false, unsafe: expect.stringContaining('older') });
  await reader.close();
});

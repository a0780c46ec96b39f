// The conformance suite of storage elements: every file of protocols/ must pass it.
// A protocol's test calls `storageContract` with a way to make an empty element.
import { createCipheriv, createHash } from 'node:crypto';
import { truncateSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Entry, Storage } from '../../src/lib/storage.ts';
import { ItemError } from '../../src/lib/util/errors.ts';

export interface Fixture {
  /** A new, empty storage element. */
  make(): Promise<Storage>;
  close?(): Promise<void>;
}

/** Names that a file may have and that some layer once got wrong. */
export const NASTY_NAMES = [
  'with space.dat',
  'quote\'and"double.dat',
  'new\nline.dat',
  '$(touch pwned).dat',
  '-rf',
  '100%41#frag?query.dat',
  'ünï—コード.dat',
  '..hidden',
  '...',
  'a:b\\c.dat',
];

/** adler32 by the book, apart from the code under test. */
export function adler32(bytes: Uint8Array): string {
  let a = 1;
  let b = 0;
  for (const byte of bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return (b * 65536 + a).toString(16).padStart(8, '0');
}

/** `length` bytes that depend on `seed` only and do not compress. */
export function bytesOf(seed: string, length: number): Buffer {
  const key = createHash('sha256').update(seed).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

export async function entries(storage: Storage, prefix = ''): Promise<Entry[]> {
  const found: Entry[] = [];
  for await (const entry of storage.list(prefix)) found.push(entry);
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

export function storageContract(name: string, fixture: Fixture): void {
  describe(`storage contract: ${name}`, () => {
    let local: string;
    let storage: Storage;
    beforeAll(async () => {
      local = await mkdtemp(join(tmpdir(), 'dflow-storage-'));
    });
    afterAll(async () => {
      await rm(local, { recursive: true, force: true });
      await fixture.close?.();
    });
    beforeEach(async () => {
      storage = await fixture.make();
    });
    const put = async (bytes: Uint8Array): Promise<string> => {
      const path = join(local, 'source');
      await writeFile(path, bytes);
      return path;
    };

    // Around the sizes at which the buffers of a copy change roles.
    const MIB = 1024 * 1024;
    test.each([0, 1, 5, MIB - 1, MIB, MIB + 1, 2 * MIB, 3 * MIB + 17])('copies %i bytes in and out', async (size) => {
      const bytes = bytesOf(`size ${size}`, size);
      const expected = { adler32: adler32(bytes), size };
      let progress = 0;
      const sum = await storage.copyIn(await put(bytes), 'L1/109/file.dat', { progress: (n) => (progress += n) });
      expect(sum).toEqual(expected);
      expect(progress).toBe(size);
      expect(await storage.checksum('L1/109/file.dat')).toEqual(expected);
      expect((await storage.stat(['L1/109/file.dat'])).get('L1/109/file.dat')?.size).toBe(size);
      const out = join(local, 'out');
      expect(await storage.copyOut('L1/109/file.dat', out)).toEqual(expected);
      expect((await readFile(out)).equals(bytes)).toBe(true);
    });

    test('a shorter file replaces a longer one wholly', async () => {
      await storage.copyIn(await put(bytesOf('long', 5000)), 'f');
      await storage.copyIn(await put(Buffer.from('short')), 'f');
      expect((await storage.read('f', 0, 10_000)).toString()).toBe('short');
    });

    test('stat tells what is there and leaves out what is not', async () => {
      await storage.copyIn(await put(Buffer.from('abc')), 'a/b');
      const found = await storage.stat(['a/b', 'a/missing', 'no/such/folder', 'a/b/below-a-file']);
      expect([...found.keys()]).toEqual(['a/b']);
      expect(found.get('a/b')?.size).toBe(3);
      expect(found.get('a/b')?.modified).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
    });

    test('a look at what is there, few or many of a folder, files and folders', async () => {
      const source = await put(Buffer.from('x'));
      const paths = Array.from({ length: 20 }, (_, i) => `look/it's ${i}`);
      for (const path of paths) await storage.copyIn(source, path);
      await storage.copyIn(source, 'look/folder/f');
      const asked = [...paths, 'look/folder', 'look/none', 'no/such/folder'];
      for (const some of [asked, asked.slice(-4)]) {
        const found = await storage.there?.(some);
        if (found) expect(some.filter((path) => !found.has(path))).toEqual(['look/none', 'no/such/folder']);
      }
    });

    test('stat of many at once', async () => {
      const source = await put(Buffer.from('x'));
      const paths = Array.from({ length: 100 }, (_, i) => `many/${i}`);
      for (const path of paths) await storage.copyIn(source, path);
      expect((await storage.stat([...paths, 'many/none'])).size).toBe(100);
    });

    test('reads a part, and no more than there is', async () => {
      await storage.copyIn(await put(Buffer.from('0123456789')), 'f');
      expect((await storage.read('f', 3, 4)).toString()).toBe('3456');
      expect((await storage.read('f', 8, 10)).toString()).toBe('89');
      expect((await storage.read('f', 50, 10)).length).toBe(0);
    });

    test('what is missing is an ItemError that names it', async () => {
      await expect(storage.checksum('no/file')).rejects.toThrow(ItemError);
      await expect(storage.checksum('no/file')).rejects.toThrow(/no\/file/);
      await expect(storage.read('no/file', 0, 1)).rejects.toThrow(ItemError);
      await expect(storage.rename('no/file', 'other')).rejects.toThrow(ItemError);
      await expect(storage.copyOut('no/file', join(local, 'never'))).rejects.toThrow(ItemError);
      await expect(storage.copyIn(join(local, 'no-local-file'), 'f')).rejects.toThrow(/no-local-file/);
      expect(await readdir(local)).not.toContain('never');
      expect(await entries(storage)).toEqual([]);
    });

    test('renameNew makes the folder, and leaves what is at the new name', async () => {
      if (!storage.renameNew) return;
      await storage.copyIn(await put(Buffer.from('first')), 'tmp/f');
      await storage.copyIn(await put(Buffer.from('second')), 'g');
      await storage.renameNew('tmp/f', 'final/f');
      expect((await storage.stat(['tmp/f', 'final/f'])).size).toBe(1);
      await expect(storage.renameNew('final/f', 'g')).rejects.toThrow(ItemError);
      expect((await storage.read('g', 0, 10)).toString()).toBe('second');
      expect((await storage.read('final/f', 0, 10)).toString()).toBe('first');
      await expect(storage.renameNew('no/file', 'other')).rejects.toThrow(ItemError);
    });

    test('rename replaces, and makes the folder', async () => {
      await storage.copyIn(await put(Buffer.from('new')), 'tmp/.f');
      await storage.copyIn(await put(Buffer.from('old')), 'final/f');
      await storage.rename('tmp/.f', 'final/f');
      expect((await storage.read('final/f', 0, 10)).toString()).toBe('new');
      await storage.rename('final/f', 'another/folder/f');
      expect((await entries(storage)).map((entry) => entry.path)).toEqual(['another/folder/f']);
    });

    test('remove is idempotent', async () => {
      await storage.copyIn(await put(Buffer.from('x')), 'a/f');
      await storage.remove(['a/f', 'a/g', 'never/was']);
      await storage.remove(['a/f']);
      expect(await storage.stat(['a/f'])).toEqual(new Map());
    });

    test('removes a folder only when it is empty, and can fill it again', async () => {
      if (!storage.removeEmptyFolder) return;
      const source = await put(Buffer.from('x'));
      await storage.copyIn(source, "a/it's b/f");
      for (const path of ['a', "a/it's b", "a/it's b/f", 'a/none', 'no/such/folder'])
        await storage.removeEmptyFolder(path);
      expect((await entries(storage)).map((entry) => entry.path)).toEqual(["a/it's b/f"]);
      await storage.remove(["a/it's b/f"]);
      await storage.removeEmptyFolder('a');
      expect(await storage.there?.(["a/it's b"])).toEqual(new Set(["a/it's b"]));
      await storage.removeEmptyFolder("a/it's b");
      await storage.removeEmptyFolder('a');
      expect(await storage.there?.(['a', "a/it's b"])).toEqual(new Set());
      await storage.copyIn(source, "a/it's b/g");
      expect((await entries(storage)).map((entry) => entry.path)).toEqual(["a/it's b/g"]);
      await expect(storage.removeEmptyFolder('../out')).rejects.toThrow(ItemError);
    });

    test('lists below a prefix, recursively; a missing prefix has nothing', async () => {
      const source = await put(Buffer.from('xy'));
      for (const path of ['top', 'L1/a', 'L1/109/b', 'L10/c']) await storage.copyIn(source, path);
      expect((await entries(storage, 'L1')).map((entry) => entry.path)).toEqual(['L1/109/b', 'L1/a']);
      expect((await entries(storage)).map((entry) => entry.path)).toEqual(['L1/109/b', 'L1/a', 'L10/c', 'top']);
      expect((await entries(storage)).every((entry) => entry.size === 2 && !entry.raw)).toBe(true);
      expect(await entries(storage, 'L3')).toEqual([]);
    });

    test.each(NASTY_NAMES)('survives the name %j', async (name) => {
      const path = `L1/dir ${name}/${name}`;
      const bytes = Buffer.from(`content of ${name}`);
      await storage.copyIn(await put(bytes), path);
      expect((await entries(storage)).map((entry) => entry.path)).toEqual([path]);
      expect(await storage.checksum(path)).toEqual({ adler32: adler32(bytes), size: bytes.length });
      await storage.rename(path, `${path}.2`);
      expect([...(await storage.stat([path, `${path}.2`])).keys()]).toEqual([`${path}.2`]);
      await storage.remove([`${path}.2`]);
      expect(await entries(storage)).toEqual([]);
    });

    test.each(['../out', 'a/../../out', '/etc/passwd', 'a\0b'])('refuses the path %j', async (path) => {
      const source = await put(Buffer.from('x'));
      await expect(storage.copyIn(source, path)).rejects.toThrow(ItemError);
      await expect(storage.checksum(path)).rejects.toThrow(ItemError);
      await expect(storage.remove([path])).rejects.toThrow(ItemError);
      await expect(storage.rename('f', path)).rejects.toThrow(ItemError);
    });

    test('an aborted copy leaves nothing', async () => {
      const controller = new AbortController();
      const reason = new Error('enough');
      const copy = storage.copyIn(await put(bytesOf('abort', 5 * MIB)), 'f', {
        signal: controller.signal,
        progress: () => controller.abort(reason),
      });
      await expect(copy).rejects.toBe(reason);
      expect(await entries(storage)).toEqual([]);
    });

    test('a source that shrinks while it is copied fails and leaves nothing', async () => {
      const source = await put(bytesOf('shrink', 8 * MIB));
      const copy = storage.copyIn(source, 'f', { progress: () => truncateSync(source, 3 * MIB) });
      await expect(copy).rejects.toThrow(/changed while it was read/);
      expect(await entries(storage)).toEqual([]);
    });

    test('tells its space, or that it does not know', async () => {
      const space = await storage.space();
      if (space === undefined) return expect(storage.localPath('')).toBeUndefined();
      expect(space.total).toBeGreaterThan(0);
      expect(space.free).toBeGreaterThanOrEqual(0);
      expect(space.free).toBeLessThanOrEqual(space.total);
    });

    test('url and local path', async () => {
      await storage.copyIn(await put(Buffer.from('x')), 'L1/a b#c?d%.dat');
      expect(storage.url('L1/a b#c?d%.dat')).toMatch(/^[a-z][a-z0-9]*:\/\/.*L1\/a%20b%23c%3Fd%25\.dat$/);
      const path = storage.localPath('L1/a b#c?d%.dat');
      if (path !== undefined) expect((await readFile(path)).toString()).toBe('x');
    });
  });
}

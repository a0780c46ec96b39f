// What goes wrong between here and a real server, for both protocols: each fault must have its own meaning.
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { open as openGfal } from '../../src/lib/protocols/gfal/gfal.ts';
import { open as openXrootd } from '../../src/lib/protocols/xrootd/xrootd.ts';
import type { Storage } from '../../src/lib/storage.ts';
import { ConfigError, ItemError, UnreachableError } from '../../src/lib/util/errors.ts';
import { codeOf } from '../../src/lib/util/systemerrors.ts';
import { adler32, bytesOf } from '../contracts/storage.ts';
import {
  A,
  B,
  blackHole,
  FULL,
  freshFolder,
  httpUrl,
  kill,
  removeFolders,
  rootUrl,
  type SystemServer,
  settings,
  up,
} from './servers.ts';

const MIB = 2 ** 20;
let local: string;
beforeAll(async () => {
  local = await mkdtemp(join(tmpdir(), 'dflow-faults-'));
});
afterAll(async () => {
  for (const server of [A, B]) up(server);
  for (const server of [A, B]) await removeFolders(server);
  await rm(local, { recursive: true, force: true });
});

const put = async (bytes: Uint8Array, name = 'source'): Promise<string> => {
  const path = join(local, name);
  await writeFile(path, bytes);
  return path;
};
const sumOf = (bytes: Uint8Array) => ({ adler32: adler32(bytes), size: bytes.length });
const errorOf = async (work: Promise<unknown>): Promise<Error> => {
  const error = await work.then(
    () => undefined,
    (e: unknown) => e,
  );
  if (!(error instanceof Error)) throw new Error('it did not fail');
  return error;
};

interface Protocol {
  readonly name: string;
  open(url: string, options?: Record<string, unknown>): Promise<Storage>;
  url(server: SystemServer, folder: string): string;
  readonly schemeOfPort: (port: number) => string;
}

const PROTOCOLS: readonly Protocol[] = [
  {
    name: 'xrootd (root://)',
    open: (url, options) => openXrootd(settings('xrootd', url, options)),
    url: rootUrl,
    schemeOfPort: (port) => `root://localhost:${port}//x`,
  },
  {
    name: 'gfal (root://)',
    open: (url, options) => openGfal(settings('gfal', url, options)),
    url: rootUrl,
    schemeOfPort: (port) => `root://localhost:${port}//x`,
  },
  {
    name: 'gfal (http://)',
    open: (url, options) => openGfal(settings('gfal', url, options)),
    url: httpUrl,
    schemeOfPort: (port) => `http://localhost:${port}/x`,
  },
];

describe.each(PROTOCOLS)('faults: $name', ({ open, url, schemeOfPort }) => {
  test('an unknown host is a site that is down', async () => {
    const storage = await open(schemeOfPort(1).replace('localhost:1', 'nosuch.invalid'));
    await expect(storage.stat(['f'])).rejects.toThrow(UnreachableError);
    await expect(storage.stat(['f'])).rejects.toThrow(/storage sfu \(nosuch\.invalid\)/);
  });

  test('a closed port is a site that is down, for every call', async () => {
    const storage = await open(schemeOfPort(21999));
    const source = await put(Buffer.from('x'));
    const calls = [
      () => storage.stat(['f']),
      () => storage.checksum('f'),
      () => storage.copyIn(source, 'f'),
      () => storage.remove(['f']),
    ];
    for (const error of await Promise.all(calls.map((call) => errorOf(call())))) {
      expect(error).toBeInstanceOf(UnreachableError);
    }
  });

  test('a server that accepts and never answers is given up in time', async () => {
    const hole = await blackHole();
    const storage = await open(schemeOfPort(hole.port), { timeout: '3s' });
    try {
      await expect(storage.stat(['f'])).rejects.toThrow(UnreachableError);
      await expect(storage.copyIn(await put(Buffer.from('x')), 'f')).rejects.toThrow(UnreachableError);
    } finally {
      await hole.close();
    }
  });

  test('an element whose folder is gone is a site fault, not missing files', async () => {
    const storage = await open(url(A, `/never-${process.pid}`));
    await expect(storage.stat(['f'])).rejects.toThrow(UnreachableError);
    const list = async () => {
      for await (const entry of storage.list('')) throw new Error(entry.path);
    };
    await expect(list()).rejects.toThrow(/does not exist/);
  });

  test('no permission is said as such', async () => {
    const folder = freshFolder(A);
    const storage = await open(url(A, folder));
    chmodSync(join(A.data, folder), 0o555);
    const error = await errorOf(storage.copyIn(await put(Buffer.from('x')), 'sub/f'));
    expect(error).toBeInstanceOf(ItemError);
    expect(error.message).toMatch(/permission|denied|forbidden/i);
  });

  test('expected bytes that the source has not: the source is named, nothing stays', async () => {
    const folder = freshFolder(A);
    const storage = await open(url(A, folder));
    const bytes = bytesOf('source', 2 * MIB);
    const source = await put(bytes);
    const expect_ = sumOf(bytesOf('registered', 2 * MIB));
    expect(await storage.copyIn(source, 'f', { expect: expect_ })).toEqual(sumOf(bytes));
    expect(await readdir(join(A.data, folder))).toEqual([]);
    expect(await storage.copyIn(source, 'f', { expect: sumOf(bytes) })).toEqual(sumOf(bytes));
  });

  test('an empty file where another was registered does not count as copied', async () => {
    const folder = freshFolder(A);
    const storage = await open(url(A, folder));
    const source = await put(Buffer.alloc(0));
    const found = await storage.copyIn(source, 'f', { expect: { adler32: '00abcdef', size: 10 } });
    expect(found).toEqual({ adler32: '00000001', size: 0 });
    expect(await readdir(join(A.data, folder))).toEqual([]);
  });

  test('what replaces a file within the same second has its own checksum', async () => {
    const storage = await open(url(A, freshFolder(A)));
    for (const text of ['one', 'two', 'three', 'four']) {
      await storage.copyIn(await put(Buffer.from(text)), 'f');
      expect((await storage.checksum('f')).adler32).toBe(adler32(Buffer.from(text)));
    }
  });

  test('bit rot with unchanged mtime: only reading finds it', async () => {
    const folder = freshFolder(A);
    const storage = await open(url(A, folder));
    const bytes = bytesOf('rot', 100_000);
    await storage.copyIn(await put(bytes), 'f');
    const before = await storage.checksum('f');
    const path = join(A.data, folder, 'f');
    const { atime, mtime } = statSync(path);
    const rotten = readFileSync(path);
    rotten[5000]! ^= 1;
    writeFileSync(path, rotten);
    utimesSync(path, atime, mtime);
    expect(await storage.readChecksum('f')).toEqual(sumOf(rotten));
    expect(before).toEqual(sumOf(bytes));
    expect(adler32(rotten)).not.toBe(before.adler32);
  });

  test('a server killed in mid-copy: the copy fails as a site that is down; later it goes through', async () => {
    const folder = freshFolder(B);
    const storage = await open(url(B, folder), { timeout: '20s' });
    const bytes = bytesOf('large', 256 * MIB);
    const source = await put(bytes, 'large');
    const { size } = statSync(source);
    const expected = { adler32: execFileSync('xrdadler32', [source]).toString().split(' ')[0]!, size };
    const copying = errorOf(storage.copyIn(source, 'f', { expect: expected }));
    await arriving(join(B.data, folder));
    kill(B);
    const error = await copying;
    // Up again before anything is judged: the suites that follow need it.
    up(B);
    expect(error).toBeInstanceOf(UnreachableError);
    expect(await storage.copyIn(source, 'f', { expect: expected })).toEqual(expected);
    expect((await readFile(join(B.data, folder, 'f'))).equals(bytes)).toBe(true);
  });

  test('md5 is asked of the server', async () => {
    const storage = await open(url(A, freshFolder(A)));
    await storage.copyIn(await put(Buffer.from('hello')), 'f');
    expect(await storage.checksum('f', { md5: true })).toEqual({
      ...sumOf(Buffer.from('hello')),
      md5: '5d41402abc4b2a76b9719d911017c592',
    });
  });

  test('a thousand stats', async () => {
    const storage = await open(url(A, freshFolder(A)));
    await storage.copyIn(await put(Buffer.from('x')), 'there');
    const paths = Array.from({ length: 1000 }, (_, index) => (index % 10 === 0 ? 'there' : `none/${index}`));
    expect((await storage.stat(paths)).size).toBe(1);
  });

  test('a thousand checksums that the server does not know yet: none waits', async () => {
    const folder = freshFolder(A);
    const paths = Array.from({ length: 1000 }, (_, index) => `f${index}`);
    for (const path of paths) await writeFile(join(A.data, folder, path), path);
    // Where too many are asked for at once the server (5.5.3) lets some wait for 30 s.
    const storage = await open(url(A, folder), { timeout: '20s' });
    const found = await Promise.all(paths.map((path) => storage.checksum(path)));
    expect(found).toEqual(paths.map((path) => sumOf(Buffer.from(path))));
  });

  test('third-party copy from the other server', async () => {
    const from = await open(url(A, freshFolder(A)));
    const folder = freshFolder(B);
    const to = await open(url(B, folder));
    const bytes = bytesOf('third', 3 * MIB);
    await from.copyIn(await put(bytes), 'dir 1/a b%41.dat');
    const options = { expect: sumOf(bytes) };
    expect(await to.copyFrom?.(from, 'dir 1/a b%41.dat', 'x y/c%41.dat', options)).toBe(true);
    expect((await readFile(join(B.data, folder, 'x y/c%41.dat'))).equals(bytes)).toBe(true);
    const wrong = { expect: sumOf(bytesOf('other', 3 * MIB)) };
    expect(await to.copyFrom?.(from, 'dir 1/a b%41.dat', 'wrong', wrong)).toBe(false);
    expect(await to.copyFrom?.(from, 'missing', 'wrong', options)).toBe(false);
    expect(await readdir(join(B.data, folder))).toEqual(['x y']);
  });

  test('two names that are one in percent-encoding: the second is refused, the first stays', async () => {
    const folder = freshFolder(A);
    const storage = await open(url(A, folder));
    await storage.copyIn(await put(Buffer.from('first')), 'a%20b.dat');
    const error = await errorOf(storage.copyIn(await put(Buffer.from('second')), 'a b.dat')).catch(() => undefined);
    expect(await readFile(join(A.data, folder, 'a%20b.dat'), 'utf8')).toBe('first');
    if (error) expect(error.message).toContain('percent-encoding');
    else expect(await readFile(join(A.data, folder, 'a b.dat'), 'utf8')).toBe('second');
  });

  test('secrets in the address are in no message and no address', async () => {
    const address = `${url(A, '/nothing-here').replace('://', '://user:hunter2@')}?authz=Bearer%20topsecret`;
    const storage = await open(address.replace(/:2\d{4}/, ':21999'));
    const error = await errorOf(storage.stat(['f']));
    const said = `${error.message} ${String(error.cause)} ${storage.url('a/b')} ${JSON.stringify(error)}`;
    expect(said).not.toMatch(/hunter2|topsecret/);
    expect(storage.url('a/b')).toMatch(/localhost:21999\/.*a\/b$/);
  });

  test('unknown options are named with the near miss', async () => {
    await expect(open(url(A, '/x'), { timeuot: '5s' })).rejects.toThrow(ConfigError);
    await expect(open(url(A, '/x'), { timeuot: '5s' })).rejects.toThrow('did you mean timeout?');
    await expect(open(url(A, '/x'), { timeout: 'soon' })).rejects.toThrow(
      /option timeout is wrong: 'soon' is not a duration/,
    );
    await expect(open('ftp://host/x')).rejects.toThrow(ConfigError);
  });
});

describe.each(PROTOCOLS.slice(0, 2))('a full disk: $name', ({ open, url }) => {
  test('is said as no space, and nothing stays', async () => {
    const folder = freshFolder(FULL);
    const storage = await open(url(FULL, folder));
    const error = (await errorOf(storage.copyIn(await put(bytesOf('full', 40 * MIB)), 'f'))) as ItemError;
    expect(error).toBeInstanceOf(ItemError);
    expect(codeOf(error.cause)).toBe('ENOSPC');
    expect(await readdir(join(FULL.data, folder))).toEqual([]);
    await rm(join(FULL.data, folder), { recursive: true });
  });
});

/** Waits until a file in the folder has bytes. */
async function arriving(folder: string): Promise<void> {
  for (let turn = 0; turn < 2000; turn++) {
    for (const name of await readdir(folder)) if (statSync(join(folder, name)).size > MIB) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('nothing arrived');
}

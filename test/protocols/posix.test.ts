// posix storage beyond the contract: the folder that is not there, disks that are full, names that are no text.
import { execFileSync } from 'node:child_process';
import { chmod, link, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StorageSettings } from '../../src/lib/domain/settings.ts';
import { open } from '../../src/lib/protocols/posix/posix.ts';
import { adler32File } from '../../src/lib/util/adler32.ts';
import { ConfigError, ItemError, UnreachableError } from '../../src/lib/util/errors.ts';
import { decodeName } from '../../src/lib/util/text/names.ts';
import { bytesOf, entries, storageContract } from '../contracts/storage.ts';

let base: string;
let count = 0;
const fresh = async (): Promise<string> => {
  const folder = join(base, `se ${++count}`);
  await mkdir(folder);
  return folder;
};
const settings = (url: string, options = {}): StorageSettings => ({
  name: 'sfu',
  protocol: 'posix',
  url,
  tape: false,
  template: '{name}',
  options,
});

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'dflow-posix-'));
});
afterAll(() => rm(base, { recursive: true, force: true }));

storageContract('posix', { make: async () => open(settings(await fresh())) });

describe('the root folder', () => {
  test('that is missing is named with its element, and is not made', async () => {
    const folder = join(base, 'unmounted', 'store');
    await expect(open(settings(folder))).rejects.toThrow(UnreachableError);
    await expect(open(settings(folder))).rejects.toThrow(`storage sfu: folder ${folder} does not exist`);
    expect(await readdir(base)).not.toContain('unmounted');
  });

  test('that is a file is refused', async () => {
    const path = join(base, 'a-file');
    await writeFile(path, '');
    await expect(open(settings(path))).rejects.toThrow(/is not a folder/);
  });

  test('that vanishes later is unreachable for every call, and is not made again', async () => {
    const folder = await fresh();
    const storage = await open(settings(folder));
    const source = join(base, 'vanish-source');
    await writeFile(source, 'x');
    await storage.copyIn(source, 'L1/f');
    await rename(folder, `${folder} gone`);
    const calls = [
      () => storage.copyIn(source, 'L1/g'),
      () => storage.copyIn(source, 'top'),
      () => storage.checksum('L1/f'),
      () => storage.stat(['L1/f']),
      () => storage.stat([]),
      () => storage.read('L1/f', 0, 1),
      () => storage.rename('L1/f', 'L1/h'),
      () => storage.remove(['L1/f']),
      () => entries(storage),
    ];
    for (const call of calls) await expect(call()).rejects.toThrow(UnreachableError);
    await expect(readdir(folder)).rejects.toThrow(/ENOENT/);
  });

  test('that became another folder (a disk unmounted under us) is unreachable', async () => {
    const folder = await fresh();
    const storage = await open(settings(folder));
    await rename(folder, `${folder} mounted elsewhere`);
    await mkdir(folder);
    const source = join(base, 'another-source');
    await writeFile(source, 'x');
    await expect(storage.copyIn(source, 'f')).rejects.toThrow(UnreachableError);
    expect(await readdir(folder)).toEqual([]);
  });

  test('with `mounted` must be a mount point', async () => {
    await expect(open(settings(await fresh(), { mounted: true }))).rejects.toThrow(/is not mounted/);
    expect((await open(settings('/proc', { mounted: true }))).name).toBe('sfu');
  });

  test('options that do not exist are refused with the near miss', async () => {
    await expect(open(settings(await fresh(), { mountd: true }))).rejects.toThrow(ConfigError);
    await expect(open(settings(await fresh(), { mountd: true }))).rejects.toMatchObject({
      message: expect.stringContaining('did you mean mounted?'),
    });
  });
});

describe('faults', () => {
  const tmpfs = async (size: string): Promise<string> => {
    const folder = await fresh();
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder]);
    return folder;
  };
  const mountable = (() => {
    try {
      execFileSync('unshare', ['-m', 'true'], { stdio: 'ignore' });
      return process.getuid?.() === 0;
    } catch {
      return false;
    }
  })();

  test.skipIf(!mountable)('a full disk is named, and the partial file is removed [needs root]', async () => {
    const folder = await tmpfs('1m');
    try {
      const storage = await open(settings(folder));
      const source = join(base, 'big');
      await writeFile(source, bytesOf('big', 3 * 1024 * 1024));
      await expect(storage.copyIn(source, 'L1/big')).rejects.toThrow(ItemError);
      await expect(storage.copyIn(source, 'L1/big')).rejects.toThrow('storage sfu: L1/big: no space left');
      expect(await entries(storage)).toEqual([]);
    } finally {
      execFileSync('umount', [folder]);
    }
  });

  test.skipIf(!mountable)('a read-only file system is the element, not the file [needs root]', async () => {
    const folder = await tmpfs('1m');
    try {
      execFileSync('mount', ['-o', 'remount,ro', folder]);
      const storage = await open(settings(folder));
      const source = join(base, 'ro-source');
      await writeFile(source, 'x');
      await expect(storage.copyIn(source, 'f')).rejects.toThrow(UnreachableError);
    } finally {
      execFileSync('umount', [folder]);
    }
  });

  test('no permission is an ItemError with the path', async () => {
    const folder = await fresh();
    await mkdir(join(folder, 'locked'));
    await chmod(join(folder, 'locked'), 0o500);
    await chmod(base, 0o755);
    const storage = await open(settings(folder));
    const source = join(base, 'perm-source');
    await writeFile(source, 'x');
    // root may write anywhere: be nobody for this one.
    const root = process.getuid?.() === 0;
    if (root) process.seteuid?.(65534);
    try {
      await expect(storage.copyIn(source, 'locked/f')).rejects.toThrow('storage sfu: locked/f: no permission');
      await expect(storage.copyIn(source, 'locked/f')).rejects.toThrow(ItemError);
    } finally {
      if (root) process.seteuid?.(0);
    }
  });

  test('a copy onto its own source is refused and the source keeps its bytes', async () => {
    const folder = await fresh();
    const storage = await open(settings(folder));
    await writeFile(join(folder, 'f'), 'precious');
    await link(join(folder, 'f'), join(folder, 'g'));
    await expect(storage.copyIn(join(folder, 'f'), 'f')).rejects.toThrow(/same file/);
    await expect(storage.copyIn(join(folder, 'f'), 'g')).rejects.toThrow(/same file/);
    expect((await storage.read('f', 0, 99)).toString()).toBe('precious');
  });

  test('a FIFO with the name of a raw file blocks nothing and is no data', async () => {
    const folder = await fresh();
    const storage = await open(settings(folder));
    execFileSync('mkfifo', [join(folder, 'pipe.dat')]);
    expect(await entries(storage)).toEqual([]);
    await expect(storage.checksum('pipe.dat')).rejects.toThrow(/not a regular file/);
    await expect(storage.copyIn(join(folder, 'pipe.dat'), 'copy')).rejects.toThrow(/not a regular file/);
    await expect(adler32File(join(folder, 'pipe.dat'))).rejects.toThrow(ItemError);
  });
});

describe('names', () => {
  test('that are no UTF-8 are listed, escaped and marked, also below such a folder', async () => {
    const folder = await fresh();
    const storage = await open(settings(folder));
    const bad = Buffer.concat([Buffer.from(`${folder}/run`), Buffer.from([0xff, 0xe9]), Buffer.from('%.dat')]);
    await writeFile(bad, 'abc');
    const dir = Buffer.concat([Buffer.from(`${folder}/d`), Buffer.from([0x80])]);
    await mkdir(dir);
    await writeFile(Buffer.concat([dir, Buffer.from('/inner.dat')]), 'x');
    await writeFile(join(folder, 'good%FF.dat'), 'y');
    expect((await entries(storage)).map(({ path, raw, size }) => ({ path, raw, size }))).toEqual([
      { path: 'd%80/inner.dat', raw: true, size: 1 },
      { path: 'good%FF.dat', raw: undefined, size: 1 },
      { path: 'run%FF%E9%25.dat', raw: true, size: 3 },
    ]);
    expect((await storage.stat(['run%FF%E9%25.dat'])).size).toBe(0);
  });

  test('valid UTF-8 stays as it is', () => {
    expect(decodeName(Buffer.from('ünï%.dat'))).toEqual({ text: 'ünï%.dat', raw: false });
    expect(decodeName(Buffer.from([0x61, 0xc3, 0x0a]))).toEqual({ text: 'a%C3%0A', raw: true });
  });
});

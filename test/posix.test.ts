// posix storage beyond the contract: the folder that is not there, disks that are full, names that are no text.
import { execFileSync } from 'node:child_process';
import { appendFileSync, truncateSync, utimesSync } from 'node:fs';
import { chmod, link, mkdir, mkdtemp, readdir, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { StorageSettings } from '../src/lib/domain/settings.ts';
import { open } from '../src/lib/protocols/posix.ts';
import { adler32File, FileChangedError } from '../src/lib/util/adler32.ts';
import { grouped, merge, parallel } from '../src/lib/util/concurrency.ts';
import { ConfigError, ItemError, UnreachableError } from '../src/lib/util/errors.ts';
import { refuseSameFolder, sameFile } from '../src/lib/util/folders.ts';
import { decodeName } from '../src/lib/util/names.ts';
import { adler32, bytesOf, entries, storageContract } from './contracts/storage.ts';

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
    await expect(open(settings(path))).rejects.toThrow(/is no folder/);
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
      hint: 'did you mean mounted?',
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
    await expect(storage.checksum('pipe.dat')).rejects.toThrow(/no regular file/);
    await expect(storage.copyIn(join(folder, 'pipe.dat'), 'copy')).rejects.toThrow(/no regular file/);
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

describe('adler32File', () => {
  test('equals the sum by the book, also of an empty file', async () => {
    const path = join(base, 'sum');
    for (const size of [0, 1, 70_000, 2_500_000]) {
      const bytes = bytesOf(`sum ${size}`, size);
      await writeFile(path, bytes);
      expect(await adler32File(path)).toEqual({ adler32: adler32(bytes), size });
    }
  });

  test.each([
    ['truncated', (path: string) => truncateSync(path, 1_000_000)],
    ['grown', (path: string) => appendFileSync(path, 'more')],
    ['rewritten in place', (path: string) => utimesSync(path, 1, 1)],
  ] as const)('a file %s while it is read is a FileChangedError', async (_, change) => {
    const path = join(base, 'moving');
    await writeFile(path, bytesOf('moving', 6 * 1024 * 1024));
    await expect(adler32File(path, { progress: () => change(path) })).rejects.toThrow(FileChangedError);
  });

  test('reads a huge file without holding it', async () => {
    const path = join(base, 'huge');
    await writeFile(path, '');
    await truncate(path, 200 * 1024 * 1024);
    const before = process.memoryUsage().rss;
    let peak = 0;
    const sum = await adler32File(path, { progress: () => (peak = Math.max(peak, process.memoryUsage().rss)) });
    expect(sum.size).toBe(200 * 1024 * 1024);
    // Of zero bytes the sums are known: a stays 1, b counts the bytes.
    expect(sum.adler32).toBe(((sum.size % 65521) * 65536 + 1).toString(16).padStart(8, '0'));
    expect(peak - before).toBeLessThan(48 * 1024 * 1024);
    await rm(path);
  });

  test('hashers are used again without mixing files up', async () => {
    const paths = await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        const path = join(base, `mix${i}`);
        await writeFile(path, bytesOf(`mix ${i}`, 3000 + i));
        return path;
      }),
    );
    const sums = await Promise.all(paths.map((path) => adler32File(path)));
    sums.forEach((sum, i) => {
      expect(sum.adler32).toBe(adler32(bytesOf(`mix ${i}`, 3000 + i)));
    });
  });
});

describe('two names of one folder', () => {
  let a: string;
  beforeEach(async () => {
    a = await fresh();
  });
  test('are found by path and through links', async () => {
    const b = join(base, `link${++count}`);
    await symlink(a, b);
    const other = await fresh();
    const named = (name: string, folder: string) => ({ name, folder });
    await expect(refuseSameFolder([named('storage sfu', a), named('storage ral', b)])).rejects.toThrow(ConfigError);
    await expect(refuseSameFolder([named('storage sfu', a), named('storage ral', `${a}/.`)])).rejects.toThrow(
      /storage sfu and storage ral are the same folder/,
    );
    await refuseSameFolder([named('storage sfu', a), named('storage ral', other)]);
    await refuseSameFolder([named('storage sfu', join(base, 'none1')), named('storage ral', join(base, 'none2'))]);
  });
  test('hard links are one file', async () => {
    await writeFile(join(a, 'f'), 'x');
    await link(join(a, 'f'), join(a, 'g'));
    await writeFile(join(a, 'h'), 'x');
    expect(await sameFile(join(a, 'f'), join(a, 'g'))).toBe(true);
    expect(await sameFile(join(a, 'f'), join(a, 'h'))).toBe(false);
    expect(await sameFile(join(a, 'f'), join(a, 'none'))).toBe(false);
  });
});

describe('concurrency', () => {
  const collect = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
    const all: T[] = [];
    for await (const item of items) all.push(item);
    return all;
  };
  const turns = async (n: number) => {
    for (let i = 0; i < n; i++) await new Promise((resolve) => setImmediate(resolve));
  };

  test('parallel yields as they finish, never more than the limit at once', async () => {
    let now = 0;
    let most = 0;
    const order = await collect(
      parallel([9, 1, 5, 2], 2, async (n) => {
        most = Math.max(most, ++now);
        await turns(n * 3);
        now--;
        return n;
      }),
    );
    expect(order).toEqual([1, 5, 2, 9]);
    expect(most).toBe(2);
  });

  test('parallel lets the running ones end before it throws or is left', async () => {
    const ended: number[] = [];
    const work = async (n: number) => {
      await turns(n);
      if (n === 1) throw new Error('one');
      ended.push(n);
      return n;
    };
    await expect(collect(parallel([1, 20], 2, work))).rejects.toThrow('one');
    expect(ended).toEqual([20]);
    for await (const _ of parallel([2, 30], 2, work)) break;
    expect(ended).toEqual([20, 2, 30]);
  });

  test('parallel does not wait for a slow source before it yields', async () => {
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    async function* slow() {
      yield 1;
      await gate;
      yield 2;
    }
    const results = parallel(slow(), 4, async (n) => n);
    expect((await results.next()).value).toBe(1);
    release();
    expect(await collect(results)).toEqual([2]);
  });

  test('merge has every item of all', async () => {
    async function* count(from: number, to: number) {
      for (let i = from; i < to; i++) {
        await turns(1);
        yield i;
      }
    }
    expect((await collect(merge([count(0, 5), count(5, 8)]))).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test('grouped callers share a run that began after they asked', async () => {
    let runs = 0;
    const sync = grouped(async () => {
      runs++;
      await turns(2);
    });
    await Promise.all([sync('a'), sync('a'), sync('a'), sync('b')]);
    expect(runs).toBe(3);
    await sync('a');
    expect(runs).toBe(4);
  });
});

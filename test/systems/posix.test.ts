// The posix protocol on another file system than the system's: a tmpfs that is mounted for it, and a full one.
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { open } from '../../src/lib/protocols/posix/posix.ts';
import type { ItemError } from '../../src/lib/util/errors.ts';
import { codeOf } from '../../src/lib/util/systemerrors.ts';
import { bytesOf, storageContract } from '../contracts/storage.ts';
import { settings } from './servers.ts';

let mount: string;
let count = 0;

beforeAll(async () => {
  mount = await mkdtemp(join(tmpdir(), 'dflow-tmpfs-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=32m', 'dflow-test', mount]);
});
afterAll(async () => {
  execFileSync('umount', [mount]);
  await rm(mount, { recursive: true });
});

const make = async () => {
  const folder = join(mount, `se${++count}`);
  await mkdir(folder);
  return open(settings('posix', folder));
};

storageContract('posix (tmpfs)', { make });

test('the mount itself as an element: mounted: true holds it to that', async () => {
  await expect(open(settings('posix', mount, { mounted: true }))).resolves.toBeDefined();
  await expect(open(settings('posix', join(mount, 'se1'), { mounted: true }))).rejects.toThrow(/not mounted/);
});

test('a full disk is said as such, and nothing stays', async () => {
  const storage = await make();
  const source = join(tmpdir(), `dflow-large-${process.pid}`);
  await writeFile(source, bytesOf('large', 40 * 2 ** 20));
  try {
    const error = (await storage.copyIn(source, 'f').catch((e: unknown) => e)) as ItemError;
    expect(codeOf(error.cause)).toBe('ENOSPC');
    expect(await readdir(join(mount, `se${count}`))).toEqual([]);
  } finally {
    await rm(source);
  }
});

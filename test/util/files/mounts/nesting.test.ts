// Does a folder lie in another? Through links, bind mounts in both directions, and where one is not there yet.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { locate, relation } from '../../../../src/lib/util/files/mounts/nesting.ts';

let top = '';
beforeEach(() => {
  top = realpathSync(mkdtempSync(join(tmpdir(), 'dflow-nesting-')));
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

const at = (path: string): string => join(top, path);
const how = async (a: string, b: string, mountinfo?: string) =>
  relation(await locate(at(a), mountinfo), await locate(at(b), mountinfo));

test('by path, also of folders that are not there; names that only begin alike are apart', async () => {
  mkdirSync(at('raw'));
  expect(await how('raw', 'raw')).toBe('same');
  expect(await how('raw/store', 'raw')).toBe('below');
  expect(await how('.', 'raw')).toBe('above');
  expect(await how('raw-store', 'raw')).toBeUndefined();
  expect(await how('store/raw', 'raw')).toBeUndefined();
});

test('through links, of the folder and of one above it', async () => {
  mkdirSync(at('disk/data/deep'), { recursive: true });
  symlinkSync(at('disk/data'), at('raw'));
  symlinkSync(at('disk'), at('other'));
  expect(await how('other/data/deep/store', 'raw')).toBe('below');
  expect(await how('disk/data', 'raw')).toBe('same');
  expect(await how('other', 'raw')).toBe('above');
});

test('by what is mounted where', async () => {
  for (const name of ['raw/inner', 'elsewhere/se', 'mnt']) mkdirSync(at(name), { recursive: true });
  const line = (root: string, point: string) => `1 1 8:1 ${root} ${point} rw - ext4 /dev/sda1 rw`;
  // The element's folder is seen below the buffer.
  const inside = [line('/', '/'), line(at('elsewhere'), at('raw/inner'))].join('\n');
  expect(await how('elsewhere/se', 'raw', inside)).toBe('below');
  expect(await how('elsewhere', 'raw', inside)).toBeDefined();
  // A folder of the buffer is mounted where the element is.
  const out = [line('/', '/'), line(at('raw/inner'), at('mnt'))].join('\n');
  expect(await how('mnt', 'raw', out)).toBe('below');
  expect(await how('mnt/store', 'raw', out)).toBe('below');
  // Other disks.
  const apart = [line('/', '/'), `2 1 8:2 / ${at('mnt')} rw - ext4 /dev/sdb1 rw`].join('\n');
  expect(await how('mnt', 'raw', apart)).toBeUndefined();
  // A blank in a name.
  mkdirSync(at('a raw'));
  const blank = [line('/', '/'), line(at('a raw').replace(' ', '\\040'), at('mnt'))].join('\n');
  expect(await how('mnt', 'a raw', blank)).toBe('same');
});

function bind(from: string, to: string): boolean {
  try {
    execFileSync('mount', ['--bind', from, to], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test('real bind mounts, both ways [needs root]', async (context) => {
  for (const name of ['raw/inner', 'elsewhere/se', 'mnt']) mkdirSync(at(name), { recursive: true });
  if (!bind(at('elsewhere'), at('raw/inner'))) return context.skip();
  try {
    expect(await how('elsewhere/se', 'raw')).toBe('below');
  } finally {
    execFileSync('umount', [at('raw/inner')]);
  }
  if (!bind(at('raw/inner'), at('mnt'))) return context.skip();
  try {
    expect(await how('mnt/store', 'raw')).toBe('below');
  } finally {
    execFileSync('umount', [at('mnt')]);
  }
  expect(await how('mnt/store', 'raw')).toBeUndefined();
});

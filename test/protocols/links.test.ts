// Links in buffers and elements: what leads out of a buffer is not data, whenever it is put there; modes of copies.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { open } from '../../src/lib/protocols/posix/posix.ts';
import type { Storage } from '../../src/lib/storage.ts';
import { ConfigError, ItemError } from '../../src/lib/util/errors.ts';

let folder: string;
let buffer: Storage;
let element: Storage;
const at = (...parts: string[]): string => join(folder, ...parts);
const opened = (name: string, place: string, options: Record<string, unknown> = {}): Promise<Storage> =>
  open({ name, protocol: 'posix', url: at(place), tape: false, template: '{name}', options });

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'links-'));
  for (const name of ['raw/sub', 'disk', 'out']) mkdirSync(at(name), { recursive: true });
  writeFileSync(at('out', 'secret'), 'secret');
  writeFileSync(at('raw', 'sub', 'f'), 'data');
  [buffer, element] = [await opened('buffer L1', 'raw'), await opened('disk', 'disk')];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function listed(storage: Storage): Promise<{ files: string[]; unread: string[] }> {
  const unread: string[] = [];
  const files: string[] = [];
  for await (const { path } of storage.list('', (path) => unread.push(path))) files.push(path);
  return { files: files.sort(), unread: unread.sort() };
}

const allFail = async (storage: Storage, path: string): Promise<void> => {
  const asked = [
    storage.stat([path]),
    storage.checksum(path),
    storage.read(path, 0, 9),
    storage.copyOut(path, at('x')),
  ];
  for (const one of await Promise.allSettled(asked)) {
    expect(one.status).toBe('rejected');
    expect((one as PromiseRejectedResult).reason).toBeInstanceOf(ItemError);
    expect(String((one as PromiseRejectedResult).reason)).toMatch(/leads out of its folder/);
  }
  expect(existsSync(at('x'))).toBe(false);
};

test('in a buffer a link within it is a file, one that leads out cannot be looked at', async () => {
  symlinkSync('sub/f', at('raw', 'inner'));
  symlinkSync(at('out', 'secret'), at('raw', 'run1'));
  symlinkSync(at('out'), at('raw', 'folder'));
  expect(await listed(buffer)).toEqual({ files: ['inner', 'sub/f'], unread: ['run1'] });
  await allFail(buffer, 'run1');
  expect((await buffer.read('inner', 0, 9)).toString()).toBe('data');
});

test('a folder of a buffer that becomes a link is followed by nobody: not to read, to move or to remove', async () => {
  renameSync(at('raw', 'sub'), at('out', 'sub'));
  symlinkSync(at('out', 'sub'), at('raw', 'sub'));
  for (const ask of [
    () => buffer.checksum('sub/f'),
    () => buffer.read('sub/f', 0, 9),
    () => buffer.remove(['sub/f']),
    () => buffer.rename('sub/f', 'sub/g'),
    () => buffer.renameNew?.('sub/f', 'g'),
    () => element.copyIn(at('raw', 'sub', 'f'), 'f', { below: [at('raw')] }),
  ])
    await expect(ask()).rejects.toThrow(/leads out of its folder/);
  expect(readFileSync(at('out', 'sub', 'f'), 'utf8')).toBe('data');
});

test('a copy reads nothing that leads out of its source', async () => {
  symlinkSync(at('out', 'secret'), at('raw', 'run1'));
  await expect(element.copyIn(at('raw', 'run1'), 'run1', { below: [at('raw')] })).rejects.toThrow(/leads out/);
  expect((await listed(element)).files).toEqual([]);
});

test('in an element a folder may be a link of its owner, a file that is one is no copy', async () => {
  symlinkSync(at('out'), at('disk', 'other'));
  symlinkSync(at('out', 'secret'), at('disk', 'l'));
  await element.copyIn(at('raw', 'sub', 'f'), 'other/f');
  expect(statSync(at('out', 'f')).size).toBe(4);
  expect((await element.read('other/f', 0, 9)).toString()).toBe('data');
  await allFail(element, 'l');
  expect((await listed(element)).unread).toEqual(['l']);
});

test('copies have the mode of their element, their folders let in who may read', async () => {
  chmodSync(at('raw', 'sub', 'f'), 0o666);
  for (const [mode, file, dir] of [
    ['0640', 0o640, 0o750],
    [600, 0o600, 0o700],
    ['0664', 0o664, 0o775],
  ] as const) {
    const storage = await opened('disk', 'disk', { mode });
    await storage.copyIn(at('raw', 'sub', 'f'), `m${mode}/f`);
    expect(statSync(at('disk', `m${mode}`, 'f')).mode & 0o777).toBe(file);
    expect(statSync(at('disk', `m${mode}`)).mode & 0o777).toBe(dir);
  }
  await expect(opened('disk', 'disk', { mode: 'rw' })).rejects.toThrow(ConfigError);
});

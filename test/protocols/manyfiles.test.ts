// A folder with many files is looked at in another way than one with few: both say the same.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { open } from '../../src/lib/protocols/posix/posix.ts';
import type { Entry } from '../../src/lib/storage.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'many-'));
  for (const name of ['raw/few', 'raw/many', 'out']) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'out', 'secret'), 'secret');
  execFileSync('mkfifo', [join(folder, 'raw', 'many', 'fifo')]);
  symlinkSync('nowhere', join(folder, 'raw', 'many', 'dangling'));
  symlinkSync('itself', join(folder, 'raw', 'many', 'itself'));
  symlinkSync('file-001', join(folder, 'raw', 'many', 'inner'));
  symlinkSync('../../out/secret', join(folder, 'raw', 'many', 'outside'));
  symlinkSync('../few', join(folder, 'raw', 'many', 'folder'));
  for (let n = 0; n < 10; n++) {
    const path = join(folder, 'raw', 'many', `file-${String(n).padStart(3, '0')}`);
    writeFileSync(path, 'x'.repeat(n));
    utimesSync(path, 1_700_000_000 + n, 1_700_000_000 + n);
  }
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function listed(): Promise<{ files: Entry[]; unread: string[] }> {
  const options = { name: 'buffer L1', protocol: 'posix', tape: false, template: '{name}', options: {} };
  const buffer = await open({ ...options, url: join(folder, 'raw') });
  const unread: string[] = [];
  const files: Entry[] = [];
  for await (const entry of buffer.list('', (path) => unread.push(path))) files.push(entry);
  return { files: files.sort((a, b) => (a.path < b.path ? -1 : 1)), unread };
}

test('files, links, what is no file and what has gone, among few and among many', async () => {
  const few = await listed();
  expect(few.files.map(({ path, size }) => `${path} ${size}`)).toEqual([
    ...Array.from({ length: 10 }, (_, n) => `many/file-00${n} ${n}`),
    'many/inner 1',
  ]);
  expect(few.unread).toEqual(['many/outside']);
  for (let n = 0; n < 700; n++) writeFileSync(join(folder, 'raw', 'many', `more-${n}`), '');
  const many = await listed();
  expect(many.files.filter(({ path }) => !path.includes('more'))).toEqual(few.files);
  expect(many.files).toHaveLength(few.files.length + 700);
  expect(many.unread).toEqual(few.unread);
});

test('files that go away while many are looked at are left out', async () => {
  for (let n = 0; n < 700; n++) writeFileSync(join(folder, 'raw', 'many', `more-${n}`), '');
  const storage = { name: 'buffer L1', protocol: 'posix', tape: false, template: '{name}', options: {} };
  const buffer = await open({ ...storage, url: join(folder, 'raw') });
  const seen = new Map<string, number>();
  for await (const { path, size } of buffer.list('')) {
    seen.set(path, size);
    if (seen.size !== 1) continue;
    renameSync(join(folder, 'raw', 'many'), join(folder, 'gone'));
  }
  // Some were looked at before.
  expect(seen.size).toBeLessThan(100);
  expect(statSync(join(folder, 'gone', 'more-1')).isFile()).toBe(true);
});

// Names in documents never become paths: marks of processes, receipts, keys of jobs.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { JobFolder } from '../../src/lib/backends/shared/folder/jobfolder.ts';
import { presenceIn } from '../../src/lib/cli/presence.ts';
import { readReceipt } from '../../src/lib/util/files/receipt.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'marks-'));
  mkdirSync(join(folder, '.dflow', 'present'), { recursive: true });
  mkdirSync(join(folder, '.dflow', 'receipts'));
  for (const name of ['precious', 'x.jsonl']) writeFileSync(join(folder, name), '');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  '../../precious',
  '..',
  '.',
  '',
  'a/b',
  '/etc/passwd',
  'a\0b',
  'x'.repeat(300),
])('a mark %j is nobody', async (nonce) => {
  const presence = presenceIn(join(folder, '.dflow', 'present'), 'h');
  expect(await presence.ended({ nonce, host: 'h' })).toBe(false);
  await (await presence.enter(nonce))();
  expect(existsSync(join(folder, 'precious'))).toBe(true);
});

test('a mark of a process that has ended is taken away', async () => {
  const presence = presenceIn(join(folder, '.dflow', 'present'), 'h');
  writeFileSync(join(folder, '.dflow', 'present', 'abc2'), '');
  expect(await presence.ended({ nonce: 'abc2', host: 'h' })).toBe(true);
  expect(existsSync(join(folder, '.dflow', 'present', 'abc2'))).toBe(false);
});

test('a receipt is read from the folder of receipts only', async () => {
  writeFileSync(join(folder, 'x.jsonl'), '{"id":1}\n');
  writeFileSync(join(folder, '.dflow/receipts/purge-20260101T000000Z-abc2.jsonl'), '{"id":2}\n');
  expect(await readReceipt(folder, '../../x.jsonl')).toEqual([]);
  expect(await readReceipt(folder, 'purge-20260101T000000Z-abc2.jsonl')).toEqual([{ id: 2 }]);
});

test('the key of a job never leads out of the folder of its jobs', () => {
  const jobs = new JobFolder(join(folder, 'jobs'));
  jobs.create();
  expect(() => jobs.remove('started', '../../precious')).toThrow(/lies outside the folder/);
  expect(existsSync(join(folder, 'precious'))).toBe(true);
  expect(jobs.path('started', 'a..b.0')).toBe(join(folder, 'jobs/started/a..b.0'));
});

// Sizes: 10,000 small files, and one of 20 GB that is mostly hole. Real folders; seconds, not minutes.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { open as openFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { must } from '../support/cli.ts';
import { documents, filesBelow } from '../support/picture.ts';

const folders: string[] = [];
function world(more = ''): string {
  const folder = mkdtempSync(join(tmpdir(), 'dflow-large-'));
  folders.push(folder);
  for (const name of ['raw', 'store', 'modules']) mkdirSync(join(folder, name));
  const text = `buffer: {path: ./raw, pattern: 'run{run:5}_{subrun}.dat', settle: 1s}\nstorage: {disk: ./store}\n${more}`;
  writeFileSync(join(folder, 'dflow.yaml'), text);
  return folder;
}
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const old = new Date(Date.now() - 3_600_000);
const data = (folder: string) =>
  documents(folder).filter(({ kind }) => kind === 'data') as unknown as {
    files: { size: number; adler32: string; replicas: Record<string, { state: string }> }[];
  }[];

test('10,000 small files are registered, copied and verified', { timeout: 300_000 }, () => {
  const folder = world();
  for (let index = 0; index < 10_000; index++) {
    const run = String(1 + Math.floor(index / 100)).padStart(5, '0');
    const path = join(folder, 'raw', `run${run}_${index % 100}.dat`);
    writeFileSync(path, `file ${index}\n`);
    utimesSync(path, old, old);
  }
  must(folder, ['store', 'setup']);
  must(folder, ['register', '--quiet']);
  must(folder, ['transfer', '--quiet']);
  const files = data(folder).flatMap((doc) => doc.files);
  expect(files).toHaveLength(10_000);
  expect(files.filter(({ replicas }) => replicas.disk?.state === 'verified')).toHaveLength(10_000);
  const copies = filesBelow(join(folder, 'store'));
  expect(copies).toHaveLength(10_000);
  const contents = new Set(copies.map((path) => readFileSync(join(folder, 'store', path), 'utf8')));
  expect(contents.size).toBe(10_000);
});

test('a 20 GB sparse file: bounded memory, and the copy keeps its holes', { timeout: 600_000 }, async () => {
  const folder = world();
  const path = join(folder, 'raw', 'run00001_0.dat');
  const size = 20 * 2 ** 30;
  const handle = await openFile(path, 'w');
  await handle.truncate(size);
  for (const at of [0, 7 * 2 ** 30 + 12_345, size - 5]) await handle.write(Buffer.from('data!'), 0, 5, at);
  await handle.close();
  utimesSync(path, old, old);
  must(folder, ['store', 'setup']);
  // 4 GiB of address space are what node itself reserves; the heap and what is resident are limited.
  const limited = (command: string): number => {
    const script = `"$@" & pid=$!; most=0; while kill -0 $pid 2>/dev/null; do now=$(awk '/VmHWM/{print $2}' /proc/$pid/status 2>/dev/null || echo 0); [ "\${now:-0}" -gt $most ] && most=$now; sleep 0.2; done; wait $pid || exit 1; echo $most`;
    const bin = join(import.meta.dirname, '../../bin/run.js');
    const out = execFileSync('bash', ['-c', script, 'sh', process.execPath, bin, command, '--quiet'], { cwd: folder });
    return Number(out.toString().trim().split('\n').at(-1));
  };
  expect(limited('register')).toBeLessThan(300_000);
  expect(limited('transfer')).toBeLessThan(300_000);
  const [file] = data(folder).flatMap((doc) => doc.files);
  expect(file).toMatchObject({ size, replicas: { disk: { state: 'verified' } } });
  const [copy] = filesBelow(join(folder, 'store'));
  const { size: copied, blocks } = statSync(join(folder, 'store', copy!));
  expect(copied).toBe(size);
  expect(blocks * 512).toBeLessThan(16 * 2 ** 20);
  const check = await openFile(join(folder, 'store', copy!), 'r');
  const part = Buffer.alloc(5);
  await check.read(part, 0, 5, 7 * 2 ** 30 + 12_345);
  await check.close();
  expect(part.toString()).toBe('data!');
});

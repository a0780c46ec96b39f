// A copy to a real XRootD server, capped by `transfer.bandwidth`, that another process cancels: xrdcp is stopped within
// seconds, and the server has nothing of it.
import { once } from 'node:events';
import { mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { until } from '../contracts/backend.ts';
import { lines, must, start } from '../support/cli.ts';
import { A, freshFolder, rootUrl } from './servers.ts';

let atEnd: string[] = [];
afterEach(() => {
  for (const path of atEnd) rmSync(path, { recursive: true, force: true });
  atEnd = [];
});

test('a copy under way to an XRootD server is stopped, and leaves nothing there', async () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'dflow-cancel-')));
  const remote = freshFolder(A);
  const data = join(A.data, remote);
  atEnd = [folder, data];
  const files = (): string[] => {
    const found = readdirSync(data, { recursive: true, withFileTypes: true });
    return found.filter((entry) => entry.isFile()).map(({ name }) => name);
  };
  await mkdir(join(folder, 'raw'));
  const raw = join(folder, 'raw/run1_0.dat');
  await writeFile(raw, Buffer.alloc(60_000_000, 'raw'));
  await utimes(raw, 1_700_000_000, 1_700_000_000);
  const config = (bandwidth: string) =>
    writeFileSync(
      join(folder, 'dflow.yaml'),
      `buffer: {path: ./raw, pattern: 'run{run}_{subrun}.dat', settle: 1s}
storage: {a: {protocol: xrootd, url: '${rootUrl(A, remote)}'}}
transfer: {bandwidth: ${bandwidth}}
`,
    );
  config('2MB/s');
  must(folder, ['store', 'setup']);
  must(folder, ['register']);
  const child = start(folder, ['transfer', '--json'], 'pipe');
  const exit = once(child, 'exit');
  let told = '';
  child.stdout!.on('data', (bytes) => {
    told += bytes;
  });
  await until('the copy', async () => files().length > 0 || undefined);
  const [hold] = lines<{ ref: string }>(must(folder, ['transfer', '--cancel', '--run', '1', '--json']));
  const begun = Date.now();
  await exit;
  expect(Date.now() - begun).toBeLessThan(8_000);
  expect(lines(told)).toMatchObject([{ run: 1, did: 'canceled' }]);
  expect(files()).toEqual([]);
  config('1GB/s');
  must(folder, ['resume', hold!.ref]);
  expect(lines(must(folder, ['transfer', '--json']))).toMatchObject([{ run: 1, did: 'verified' }]);
  expect(files()).toEqual(['run1_0.dat']);
});

// The xrootd protocol on real servers: the conformance suite, with XRootD's Python bindings and without.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';
import { open } from '../../src/lib/protocols/xrootd/xrootd.ts';
import type { Storage } from '../../src/lib/storage.ts';
import { storageContract } from '../contracts/storage.ts';
import { A, FULL, freshFolder, removeFolders, rootUrl, settings } from './servers.ts';

afterAll(async () => {
  for (const server of [A, FULL]) await removeFolders(server);
});

storageContract('xrootd (root://)', { make: () => open(settings('xrootd', rootUrl(A, freshFolder(A)))) });
storageContract('xrootd (root://) by xrdcp and xrdfs alone', {
  make: () => open(settings('xrootd', rootUrl(A, freshFolder(A)), { bindings: false })),
});

let here = '';
beforeEach(() => {
  here = mkdtempSync(join(tmpdir(), 'dflow-small-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(here, { recursive: true, force: true });
});

const element = (): Promise<Storage> => open(settings('xrootd', rootUrl(A, freshFolder(A))));

test.each([
  ['a disk', A],
  ['a small disk', FULL],
])('space of %s: as the disk of the server has it', async (_, server) => {
  const storage = await open(settings('xrootd', rootUrl(server, freshFolder(server))));
  const { blocks, bsize, bavail } = statfsSync(server.data);
  const space = await storage.space();
  expect(space?.total).toBe(blocks * bsize);
  // Others write to the same disk meanwhile.
  expect(Math.abs((space?.free ?? 0) - bavail * bsize) / (blocks * bsize)).toBeLessThan(0.1);
  await expect((await open(settings('xrootd', `${rootUrl(server, '/none')}`))).space()).rejects.toThrow(/none/);
});

/** 40 small files copied at once; answers how often xrdcp was run for them. */
async function copied(storage: Storage): Promise<number> {
  const log = join(here, 'log');
  const real = execFileSync('sh', ['-c', 'command -v xrdcp'], { encoding: 'utf8' }).trim();
  writeFileSync(log, '');
  writeFileSync(join(here, 'xrdcp'), `#!/bin/sh\necho ran >> '${log}'\nexec ${real} "$@"\n`);
  chmodSync(join(here, 'xrdcp'), 0o755);
  vi.stubEnv('PATH', `${here}:${process.env.PATH}`);
  const names = Array.from({ length: 40 }, (_, index) => `f${index}`);
  for (const name of names) writeFileSync(join(here, name), `this is ${name}`);
  await Promise.all(names.map((name) => storage.copyIn(join(here, name), `d/${name}`)));
  expect((await storage.stat(names.map((name) => `d/${name}`))).size).toBe(40);
  expect(await storage.there?.([...names.map((name) => `d/${name}`), 'd/none'])).toEqual(
    new Set(names.map((name) => `d/${name}`)),
  );
  return readFileSync(log, 'utf8').split('\n').length - 1;
}

test('small files go by the Python bindings: no xrdcp is started', async () => {
  expect(await copied(await element())).toBe(0);
});

test.each([
  ['no Python', '/no/python'],
  ['a Python without them', 'bare'],
])('%s: small files go together by one xrdcp', async (_, python) => {
  // As it is where only the interpreter is installed: no folder with packages is looked into.
  writeFileSync(join(here, 'bare'), '#!/bin/sh\nexec /usr/bin/python3 -S "$@"\n');
  chmodSync(join(here, 'bare'), 0o755);
  vi.stubEnv('XROOTD_PYTHONBIN', python.startsWith('/') ? python : join(here, python));
  expect(await copied(await element())).toBe(1);
});

test('bindings that die: each file by itself, nothing is lost', async () => {
  writeFileSync(join(here, 'mortal'), '#!/bin/sh\nread line\nkill -9 $$\n');
  chmodSync(join(here, 'mortal'), 0o755);
  vi.stubEnv('XROOTD_PYTHONBIN', join(here, 'mortal'));
  const storage = await element();
  const local = join(here, 'one');
  writeFileSync(local, 'one');
  await storage.copyIn(local, 'd/one');
  expect((await storage.stat(['d/one'])).get('d/one')?.size).toBe(3);
});

// The webdav protocol on real servers: the conformance suite on two that compute no checksums, and what differs at XRootD's.
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { open } from '../../src/lib/protocols/webdav/webdav.ts';
import { CredentialsError, UnreachableError } from '../../src/lib/util/errors.ts';
import { adler32, bytesOf, entries, storageContract } from '../contracts/storage.ts';
import { D, down, freshFolder, httpUrl, settings, up } from './servers.ts';
import {
  APACHE,
  DAV_SERVERS,
  dataOf,
  davFolder,
  davScript,
  davSettings,
  PASSWORD,
  TOKEN,
  USER,
} from './webdav-world.ts';

for (const server of DAV_SERVERS) storageContract(`webdav (${server.name})`, { make: () => open(davSettings(server)) });

let local: string;
beforeAll(async () => {
  local = await mkdtemp(join(tmpdir(), 'dflow-dav-'));
});
afterAll(async () => {
  await rm(local, { recursive: true });
});

function source(bytes: Buffer): string {
  const path = join(local, 'source');
  writeFileSync(path, bytes);
  return path;
}

test("a server that computes adler32 is asked for it: XRootD's", async () => {
  // One of its own: this server (5.5.3) may hang under HTTP, and must not keep other suites waiting.
  up(D);
  onTestFinished(() => down(D));
  const storage = await open(settings('webdav', httpUrl(D, freshFolder(D))));
  const bytes = bytesOf('digest', 3_000_000);
  const sum = { adler32: adler32(bytes), size: bytes.length };
  expect(await storage.copyIn(source(bytes), 'L1/109/a.dat')).toEqual(sum);
  expect(await storage.checksum('L1/109/a.dat')).toEqual(sum);
  expect(await storage.readChecksum('L1/109/a.dat')).toEqual(sum);
  expect((await entries(storage)).map(({ path, size }) => [path, size])).toEqual([['L1/109/a.dat', bytes.length]]);
  await storage.remove(['L1/109/a.dat']);
  expect(await storage.stat(['L1/109/a.dat'])).toEqual(new Map());
});

test('user and password of a file, a token of a file that was renewed; a wrong one is a CredentialsError', async () => {
  const file = join(local, 'credentials');
  writeFileSync(file, `${USER}:${PASSWORD}\n`);
  const byFile = await open(davSettings(APACHE, { credentials: file }, davFolder(APACHE), ''));
  await byFile.copyIn(source(Buffer.from('x')), 'f');
  const token = join(local, 'token');
  writeFileSync(token, 'old-and-wrong\n');
  const byToken = await open(davSettings(APACHE, { token }, davFolder(APACHE, 'token/'), ''));
  await expect(byToken.stat(['f'])).rejects.toThrow(CredentialsError);
  writeFileSync(token, `${TOKEN}\n`);
  await byToken.copyIn(source(Buffer.from('y')), 'f');
  expect((await byToken.read('f', 0, 9)).toString()).toBe('y');
  const wrong = await open(davSettings(APACHE, {}, davFolder(APACHE), `${USER}:wrong-password@`));
  const error: Error = (await wrong.stat(['f']).catch((one: unknown) => one as Error)) as Error;
  expect(error).toBeInstanceOf(CredentialsError);
  expect(`${error.message} ${JSON.stringify(error)}`).not.toContain('wrong-password');
});

test('a folder is never removed, whatever is asked', async () => {
  const storage = await open(davSettings(APACHE));
  await storage.copyIn(source(Buffer.from('x')), 'a/b');
  await expect(storage.remove(['a'])).rejects.toThrow(/not a regular file/);
  expect((await entries(storage)).map(({ path }) => path)).toEqual(['a/b']);
});

test('a folder that is gone is made again; an element whose own folder is gone is down', async () => {
  const folder = davFolder(APACHE);
  const storage = await open(davSettings(APACHE, {}, folder));
  await storage.copyIn(source(Buffer.from('x')), 'a/b/c');
  await rm(dataOf(APACHE, `${folder}/a`), { recursive: true });
  await storage.copyIn(source(Buffer.from('x')), 'a/b/d');
  await rm(dataOf(APACHE, folder), { recursive: true });
  await expect(storage.copyIn(source(Buffer.from('x')), 'a/b/e')).rejects.toThrow(UnreachableError);
  await expect(storage.stat(['a/b/d'])).rejects.toThrow(UnreachableError);
  mkdirSync(dataOf(APACHE, `${folder}x`), { recursive: true });
});

test('a server that is killed in the middle of a copy is down, and the next call goes on', async () => {
  const folder = davFolder(APACHE);
  const storage = await open(davSettings(APACHE, { timeout: '2s' }, folder));
  const bytes = bytesOf('killed', 24_000_000);
  let killed = false;
  const copy = storage.copyIn(source(bytes), 'f', {
    progress: () => {
      if (!killed) davScript('down', APACHE, { SIGNAL: 'KILL' });
      killed = true;
    },
  });
  await expect(copy).rejects.toThrow(UnreachableError);
  davScript('up', APACHE);
  expect(await storage.copyIn(source(bytes), 'f')).toEqual({ adler32: adler32(bytes), size: bytes.length });
});

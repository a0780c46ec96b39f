// The commands with an S3 element: files go there once and whole, what was changed behind our back is found and mended,
// and no key is in any output, document, receipt or command line.
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { open } from '../../src/lib/protocols/s3/s3.ts';
import type { Storage } from '../../src/lib/storage.ts';
import { bytesOf, entries } from '../contracts/storage.ts';
import { ACCESS, endpointOf, SECRET, s3Settings, VERSITY } from './s3-world.ts';

const bin = resolve(import.meta.dirname, '../../bin/run.js');
const run = promisify(execFile);
let here = '';
let storage: Storage;
const heard: string[] = [];

/** Whatever a command says, and every command line that is there meanwhile. */
async function dflow(...args: string[]): Promise<string> {
  const env = { PATH: process.env.PATH, HOME: here, NO_COLOR: '1', TMPDIR: tmpdir() };
  const running = run(process.execPath, [bin, ...args], { cwd: here, env, maxBuffer: 1e8 });
  const lines = setInterval(() => heard.push(commandLines()), 20);
  const said = await running.catch((error: { stdout: string; stderr: string }) => error);
  clearInterval(lines);
  heard.push(said.stdout, said.stderr);
  return said.stdout + said.stderr;
}

function commandLines(): string {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
      } catch {
        return '';
      }
    })
    .join('\n');
}

beforeAll(async () => {
  here = mkdtempSync(join(tmpdir(), 'dflow-s3-chain-'));
  mkdirSync(join(here, 'raw'));
  mkdirSync(join(here, 'modules'));
  const old = new Date(Date.now() - 3_600_000);
  for (let number = 1; number <= 6; number++) {
    const path = join(here, 'raw', `run00000${number}.dat`);
    writeFileSync(path, bytesOf(`run ${number}`, number === 6 ? 12 * 2 ** 20 : 1000 * number));
    utimesSync(path, old, old);
  }
  writeFileSync(join(here, 'keys'), `[default]\naws_access_key_id=${ACCESS}\naws_secret_access_key=${SECRET}\n`);
  const settings = s3Settings(VERSITY);
  storage = await open(settings);
  const options = `{endpoint: '${endpointOf(VERSITY)}', credentials: ${join(here, 'keys')}, part: 5 MiB}`;
  writeFileSync(
    join(here, 'dflow.yaml'),
    `buffer: {path: ./raw, pattern: 'run{run:6}.dat', settle: 1s}\nstorage: {cloud: {url: '${settings.url}', options: ${options}}}\n`,
  );
  await dflow('store', 'setup');
});
afterAll(() => rmSync(here, { recursive: true, force: true }));

const text = async (path: string): Promise<string> => (await storage.read(path, 0, 100)).toString('latin1');

test('transferred, verified, found to be changed, mended', async () => {
  await dflow('register');
  // Another program was there first: its file stays.
  writeFileSync(join(here, 'theirs'), 'theirs');
  await storage.copyIn(join(here, 'theirs'), 'L1/0/run000002.dat');
  await dflow('transfer');
  expect((await entries(storage)).map(({ path }) => path)).toEqual(
    [1, 2, 3, 4, 5, 6].map((number) => `L1/0/run00000${number}.dat`),
  );
  expect(await text('L1/0/run000002.dat')).toBe('theirs');
  const states = await dflow('list', 'replicas', '--run', '1-6', '--json');
  const good = states.split('\n').filter((line) => line.startsWith('{') && JSON.parse(line).state === 'verified');
  expect(good.length).toBe(5);
  // Other bytes of the same size, behind our back.
  writeFileSync(join(here, 'other'), bytesOf('other', 3000));
  await storage.copyIn(join(here, 'other'), 'L1/0/run000003.dat');
  expect(await dflow('verify')).toMatch(/run000003/);
  await dflow('verify', '--repair');
  expect(await storage.readChecksum('L1/0/run000003.dat')).toMatchObject({ size: 3000 });
  expect((await storage.read('L1/0/run000003.dat', 0, 3000)).equals(bytesOf('run 3', 3000))).toBe(true);
  expect((await entries(storage)).length).toBe(6);
});

test('doctor writes, compares, reads and removes; config show hides what it must', async () => {
  expect(await dflow('doctor', '--only', 'storage/cloud')).toMatch(/written, compared, read and removed/);
  expect((await entries(storage)).length).toBe(6);
  await dflow('config', 'show');
  await dflow('why', 'cloud');
});

test('no key anywhere', () => {
  execFileSync('chmod', ['600', join(here, 'keys')]);
  const files = readdirSync(here, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !['keys'].includes(entry.name))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));
  expect(files.length).toBeGreaterThan(8);
  const all = [...files, ...heard].join('\n');
  expect(all).toContain('run000003');
  for (const secret of [SECRET, 'Signature=', 'X-Amz-Credential']) expect(all).not.toContain(secret);
});

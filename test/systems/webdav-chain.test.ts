// The commands with two WebDAV elements: files go there and are proved, what was changed behind our back is found and
// mended, originals go, and no password is in any output, document or receipt.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bytesOf } from '../contracts/storage.ts';
import { APACHE, DAV_SERVERS, dataOf, davFolder, davSettings, PASSWORD, USER } from './webdav-world.ts';

const bin = resolve(import.meta.dirname, '../../bin/run.js');
let here = '';
const folder = davFolder(APACHE);
const heard: string[] = [];

function dflow(...args: string[]): string {
  const env = { PATH: process.env.PATH, HOME: here, NO_COLOR: '1', TMPDIR: tmpdir() };
  const { stdout, stderr } = spawnSync(process.execPath, [bin, ...args], { cwd: here, env, encoding: 'utf8' });
  heard.push(stdout, stderr);
  return stdout + stderr;
}

const raw = (): string[] => readdirSync(join(here, 'raw')).filter((name) => name.endsWith('.dat'));
const copyOf = (run: number): string => dataOf(APACHE, `${folder}/L1/0/run00000${run}.dat`);

beforeAll(() => {
  here = mkdtempSync(join(tmpdir(), 'dflow-dav-chain-'));
  mkdirSync(join(here, 'raw'));
  const old = new Date(Date.now() - 3_600_000);
  for (let run = 1; run <= 4; run++) {
    const path = join(here, 'raw', `run00000${run}.dat`);
    writeFileSync(path, bytesOf(`run ${run}`, 1000 * run));
    utimesSync(path, old, old);
  }
  writeFileSync(join(here, 'login'), `${USER}:${PASSWORD}\n`, { mode: 0o600 });
  const element = (url: string): string => `{protocol: webdav, url: '${url}', options: {credentials: ${here}/login}}`;
  const [rclone, apache] = [davSettings(DAV_SERVERS[0]!, {}, undefined, ''), davSettings(APACHE, {}, folder, '')];
  writeFileSync(
    join(here, 'dflow.yaml'),
    `buffer: {path: ./raw, pattern: 'run{run:6}.dat', settle: 1s}
storage: {ral: ${element(rclone.url)}, sfu: ${element(apache.url)}}
copies: {raw: 2, purgeAfter: 2}
`,
  );
  dflow('store', 'setup');
});
afterAll(() => rmSync(here, { recursive: true, force: true }));

test('transferred, found to be changed, mended, and only then purged', () => {
  dflow('register');
  dflow('transfer');
  expect(readFileSync(copyOf(2)).equals(bytesOf('run 2', 2000))).toBe(true);
  expect(readdirSync(dataOf(APACHE, `${folder}/L1/0`)).filter((name) => name.startsWith('.'))).toEqual([]);
  writeFileSync(copyOf(3), bytesOf('other', 3000));
  expect(dflow('verify')).toMatch(/run000003.*sfu/);
  dflow('purge', '--yes');
  expect(raw()).toContain('run000003.dat');
  dflow('verify', '--repair');
  expect(readFileSync(copyOf(3)).equals(bytesOf('run 3', 3000))).toBe(true);
  dflow('purge', '--yes');
  if (raw().length > 1) console.log(heard.join('\n'));
  // The last run is open: a later one has not come yet.
  expect(raw()).toEqual(['run000004.dat']);
});

test('doctor writes, compares, reads and removes', () => {
  for (const name of ['ral', 'sfu'])
    expect(dflow('doctor', '--only', `storage/${name}`)).toMatch(/written, compared, read and removed/);
});

test('no password anywhere', () => {
  dflow('config', 'show');
  const files = readdirSync(here, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'login')
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));
  const all = [...files, ...heard].join('\n');
  expect(all).toContain('run000003');
  expect(all).not.toContain(PASSWORD);
  expect(all).not.toContain(Buffer.from(`${USER}:${PASSWORD}`).toString('base64'));
});

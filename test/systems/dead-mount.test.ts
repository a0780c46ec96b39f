// A storage element on a mount that stopped answering, as that of a file server that is down: bindfs that is held. Commands
// go on with the rest; each waits until the mount has had its time, so this takes a minute.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dflow, lines, must } from '../support/cli.ts';

let folder = '';
let bindfs = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dflow-dead-'));
  for (const name of ['raw', 'modules', 'store', 'real', 'dead']) mkdirSync(join(folder, name));
  writeFileSync(
    join(folder, 'dflow.yaml'),
    `buffer: {path: ./raw, pattern: 'run{run:3}.dat', settle: 0s}
runs: {quiet: 0s}
storage: {disk: ./store, dead: ./dead}
copies: {raw: 2}
`,
  );
  const raw = join(folder, 'raw/run001.dat');
  writeFileSync(raw, 'one');
  const old = new Date(Date.now() - 3_600_000);
  utimesSync(raw, old, old);
  execFileSync('bindfs', [join(folder, 'real'), join(folder, 'dead')]);
  bindfs = Number(execFileSync('pgrep', ['-f', `bindfs ${folder}/real`], { encoding: 'utf8' }).split('\n')[0]);
  must(folder, ['store', 'setup']);
  must(folder, ['register', '--quiet']);
  process.kill(bindfs, 'SIGSTOP');
});
afterAll(() => {
  if (bindfs > 0) process.kill(bindfs, 'SIGCONT');
  execFileSync('umount', ['-l', join(folder, 'dead')]);
  rmSync(folder, { recursive: true, force: true });
});

test('the configuration is checked, the page is shown, the element can be switched off', () => {
  const checked = dflow(folder, ['config', 'check']);
  expect(checked.code).toBe(1);
  expect(checked.out).toContain(`${folder}/dead does not answer within 5 s`);
  expect(dflow(folder, ['status']).out).toContain('disk');
  must(folder, ['storage', 'disable', 'dead', '--for', '1h', '--why', 'its server is down']);
  must(folder, ['resume', '--all', '--why', 'it is tried again']);
});

test('transfer sets the element aside and copies to the other; the copy is made once the mount answers', () => {
  const first = dflow(folder, ['transfer', '--json']);
  const did = lines(first.out).map(({ kind, storage, ref, did }) => `${kind} ${storage ?? ref} ${did}`);
  expect(did).toContain('storage dead skipped');
  expect(did).toContain('replica disk verified');
  process.kill(bindfs, 'SIGCONT');
  must(folder, ['transfer', '--to', 'dead']);
  expect(must(folder, ['list', 'replicas', '1', '--format', 'tsv']).match(/verified/g)).toHaveLength(2);
});

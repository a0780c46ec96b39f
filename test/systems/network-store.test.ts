// A SQLite store on a network file system, by a mount whose type is that of sshfs: refused before anything is made there.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dflow, folder, removeFolders } from '../support/cli.ts';

let at: string;
beforeAll(() => {
  at = folder();
  for (const name of ['real', 'net', 'raw', 'disk']) mkdirSync(join(at, name));
  writeFileSync(
    join(at, 'dflow.yaml'),
    'experiment: demo\nstore: sqlite:./net/dflow.db\nbuffer: [{level: L1, path: raw, pattern: "run{run}_{subrun}.dat"}]\nstorage: {disk: disk}\n',
  );
  execFileSync('bindfs', ['-o', 'subtype=sshfs', join(at, 'real'), join(at, 'net')]);
});
afterAll(() => {
  execFileSync('umount', ['-l', join(at, 'net')]);
  removeFolders();
});

test('every command says so, with exit 3, and what to use instead', () => {
  for (const args of [['store', 'setup'], ['status'], ['register']])
    expect(dflow(at, args), args.join(' ')).toMatchObject({
      code: 3,
      err: expect.stringMatching(/network file system \(fuse\.sshfs\).*net\/dflow\.db.*Next: .*postgres:/s),
    });
  expect(readdirSync(join(at, 'real'))).toEqual([]);
});

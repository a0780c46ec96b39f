// Junk with the built program: a changed pattern deletes nothing, a name must be given with a reason, the trash gives back.
import { existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { dflow, folder, lines, must, removeFolders } from '../support/cli.ts';

afterAll(removeFolders);

test('what may be data is named one by one, goes to the trash, is listed, comes back, and is emptied', () => {
  const made = folder();
  for (const name of ['raw', 'store']) mkdirSync(join(made, name));
  writeFileSync(
    join(made, 'dflow.yaml'),
    "buffer: {path: ./raw, pattern: 'run{run:3}.dat', settle: 1s}\nstorage: {disk: ./store}\n",
  );
  const packed = join(made, 'raw', 'run001.dat.gz');
  for (const path of [packed, join(made, 'raw', 'run002.dat.md5')]) {
    writeFileSync(path, 'bytes');
    utimesSync(path, new Date(Date.now() - 60_000), new Date(Date.now() - 60_000));
  }
  must(made, ['store', 'setup']);
  for (let tries = 0; tries < 10 && must(made, ['list', 'quarantine', '--format', 'ids']) === ''; tries++) {
    must(made, ['register'], [0, 1]);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
  }
  expect(must(made, ['list', 'quarantine', '--format', 'ids']).trim()).toBe('quarantine:L1:run001.dat.gz');
  expect(must(made, ['purge', '--junk', '--yes'])).toContain('must be named');
  expect(existsSync(packed)).toBe(true);
  expect(dflow(made, ['purge', '--junk', 'run001.dat.gz', '--yes']).code).toBe(2);
  expect(dflow(made, ['purge', 'run001.dat.gz', '--yes']).code).toBe(2);
  expect(dflow(made, ['purge', '--junk', '--yes', '-'], { input: '' }).code).toBe(2);
  must(made, ['purge', '--junk', 'run001.dat.gz', '--why', 'packed by hand', '--yes']);
  expect(existsSync(packed)).toBe(false);
  const [row] = lines<{ ref: string; why: string }>(must(made, ['list', 'quarantine', '--trash', '--json']));
  expect(row?.why).toBe('packed by hand');
  must(made, ['quarantine', '--restore', row!.ref]);
  expect(readFileSync(packed, 'utf8')).toBe('bytes');
  must(made, ['register'], [0, 1]);
  must(made, ['purge', '--junk', '--reason', 'unparsable-name', '--why', 'packed by hand', '--yes']);
  expect(must(made, ['purge', '--empty-trash', '--yes', '--json'])).toContain('"did":"purged"');
  expect(must(made, ['list', 'quarantine', '--trash', '--format', 'ids'])).toBe('');
});

// get writes nothing among data: neither below a storage element nor below a buffer, whatever the folder is called.
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { dflow, folder, must, removeFolders } from '../support/cli.ts';

afterAll(removeFolders);

test.each([
  ['store', 'storage element disk'],
  ['store/mine', 'storage element disk'],
  ['raw/mine', 'buffer L1'],
  ['link/mine', 'storage element disk'],
])('--to %s is refused: it lies in the %s', (to, where) => {
  const place = folder();
  for (const name of ['raw', 'store', 'modules']) mkdirSync(join(place, name));
  symlinkSync(join(place, 'store'), join(place, 'link'));
  writeFileSync(
    join(place, 'dflow.yaml'),
    `buffer: {path: ./raw, pattern: 'run{run}.dat'}\nstorage: {disk: ./store}\n`,
  );
  must(place, ['store', 'setup']);
  const ran = dflow(place, ['get', '1/Count', '--to', to, '--replace']);
  expect([ran.code, ran.err]).toEqual([2, expect.stringContaining(`fetched files do not belong into the ${where}`)]);
  expect(ran.err).toContain('--to FOLDER');
  expect(existsSync(join(place, 'store/mine')) || existsSync(join(place, 'raw/mine'))).toBe(false);
});

// A storage element in a buffer, above it or equal to it: refused by every command that would touch either, with what to
// type; commands that only look at the store still answer.
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { dflow, folder, must, removeFolders } from '../support/cli.ts';

afterAll(removeFolders);

function experiment(buffer: string, storage: string): string {
  const made = folder();
  mkdirSync(join(made, 'raw', 'se'), { recursive: true });
  symlinkSync('raw', join(made, 'link'));
  writeFileSync(
    join(made, 'dflow.yaml'),
    `buffer: {path: ${buffer}, pattern: 'run{run:3}.dat'}\nstorage: {disk: ${storage}}\n`,
  );
  writeFileSync(join(made, 'raw', 'run001.dat'), 'x');
  must(made, ['store', 'setup']);
  return made;
}

test.each([
  ['./raw', './raw/se', 'lies in the folder of'],
  ['./raw', './link/se', 'lies in the folder of'],
  ['./raw', './link', 'is the folder of'],
  ['./raw/se', './link', 'contains the folder of'],
])('buffer %s with storage %s is refused', (buffer, storage, words) => {
  const made = experiment(buffer, storage);
  for (const args of [['config', 'check'], ['register'], ['transfer'], ['purge', '--junk', '--yes'], ['chain']]) {
    const { code, err } = dflow(made, args);
    expect(`${args[0]} ${code}`).toBe(`${args[0]} 2`);
    expect(err).toContain(`storage disk ${words} buffer L1`);
    expect(err).toMatch(/mv '|mkdir '/);
  }
  expect(dflow(made, ['list', 'runs']).code).toBe(0);
  expect(readFileSync(join(made, 'raw', 'run001.dat'), 'utf8')).toBe('x');
});

test('init puts copies beside a folder of raw files that is also that of the configuration', () => {
  const made = join(folder(), 'exp');
  mkdirSync(made);
  for (const run of ['001', '002']) writeFileSync(join(made, `run${run}.dat`), 'x');
  must(made, ['init', '--from', '.']);
  expect(readFileSync(join(made, 'dflow.yaml'), 'utf8')).toContain('storage: {disk: ../exp-store}');
  expect(existsSync(join(made, '..', 'exp-store'))).toBe(true);
  expect(readFileSync(join(made, 'dflow.yaml'), 'utf8')).toContain('purge: {untilFree: 10%}');
  must(made, ['config', 'check']);
});

test('init refuses a folder for copies below the raw files, and says what to type', () => {
  const made = folder();
  writeFileSync(join(made, 'run001.dat'), 'x');
  const { code, err } = dflow(made, ['init', '--from', '.', '--storage', './copies']);
  expect(code).toBe(2);
  expect(err).toContain('dflow init --from . --storage FOLDER');
  expect(existsSync(join(made, 'dflow.yaml'))).toBe(false);
});

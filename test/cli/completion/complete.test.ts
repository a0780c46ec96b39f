// `dflow complete` as a shell starts it: values of the store, kept for a while, and never a word on standard error.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dflow, folder, must, removeFolders } from '../../support/cli.ts';

let made = '';
let env: Record<string, string>;
afterAll(removeFolders);
beforeAll(() => {
  made = folder();
  env = { XDG_CACHE_HOME: join(made, 'cache') };
  for (const name of ['raw', 'store']) mkdirSync(join(made, name));
  writeFileSync(
    join(made, 'dflow.yaml'),
    `buffer: {path: ./raw, pattern: 'run{run:3}.dat', settle: 0s}\nruns: {quiet: 0s}\nstorage: {disk: ./store}\n`,
  );
  writeFileSync(join(made, 'raw/run007.dat'), 'seven');
  must(made, ['store', 'setup']);
  must(made, ['register', '--quiet']);
});

const complete = (...words: string[]) => dflow(made, ['complete', ...words], { env });

test('a run of the store is offered, and kept in a file of this user', () => {
  expect(complete('fish', 'dflow show ')).toMatchObject({ code: 0, out: '7\n', err: '' });
  const [name = ''] = readdirSync(join(made, 'cache/dflow'));
  const file = join(made, 'cache/dflow', name);
  const kept = JSON.parse(readFileSync(file, 'utf8'));
  expect(kept.values).toMatchObject({ runs: ['7'], storages: ['disk'] });
  // The next press of TAB believes the file.
  writeFileSync(file, JSON.stringify({ ...kept, at: Date.now(), values: { ...kept.values, runs: ['8'] } }));
  expect(complete('fish', 'dflow show ').out).toBe('8\n');
});

test('each shell in its own form; bash replaces only what follows its own breaks', () => {
  expect(complete('fish', 'dflow statu').out).toBe('status\tShow the state of the whole experiment on one page\n');
  expect(complete('zsh', 'dflow statu').out).toBe('status:Show the state of the whole experiment on one page\n');
  expect(complete('bash', 'dflow statu', ' =:').out).toBe('status\n');
  expect(complete('bash', 'dflow list jobs --state=part', ' =:').out).toBe('partFail\n');
});

test('where there is no configuration, a broken one, or a store that is gone: commands and flags all the same', () => {
  const empty = folder();
  expect(dflow(empty, ['complete', 'fish', 'dflow list j'], { env })).toMatchObject({
    code: 0,
    out: 'jobs\n',
    err: '',
  });
  writeFileSync(join(empty, 'dflow.yaml'), 'buffer: {{{\n');
  expect(dflow(empty, ['complete', 'fish', 'dflow show '], { env })).toMatchObject({ code: 0, out: '', err: '' });
  writeFileSync(join(empty, 'dflow.yaml'), readFileSync(join(made, 'dflow.yaml')));
  const words = ['complete', 'fish', 'dflow storage disable '];
  expect(dflow(empty, words, { env })).toMatchObject({ code: 0, out: 'disk\n', err: '' });
  expect(existsSync(join(empty, 'dflow.db'))).toBe(false);
  expect(dflow(empty, ['complete'], { env })).toMatchObject({ code: 0, err: '' });
});

test('a script for each shell', () => {
  for (const shell of ['bash', 'zsh', 'fish']) expect(must(made, ['completion', shell])).toContain(`complete ${shell}`);
  expect(dflow(made, ['completion', 'fihs'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('did you mean fish?'),
  });
});

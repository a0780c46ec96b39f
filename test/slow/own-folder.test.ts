// A `.dflow` that cannot be written: nobody calls it a defect. Who only looks does not notice, a mark is done without,
// and what must not be done without a lock or a receipt is not done.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { presenceIn } from '../../src/lib/cli/presence.ts';
import { UnreachableError } from '../../src/lib/util/errors.ts';
import { newReceipt } from '../../src/lib/util/files/receipt.ts';
import { dflow, folder, must, rawFolder, removeFolders } from '../support/cli.ts';

afterAll(removeFolders);

describe('marks', () => {
  test('where no folder can be made everything goes on without one', async () => {
    const here = folder();
    writeFileSync(join(here, 'file'), '');
    const presence = presenceIn(join(here, 'file', 'present'), 'h');
    await (await presence.enter('a'))();
    expect(await presence.ended({ nonce: 'a', host: 'h' })).toBe(false);
  });

  test.each([
    ['a folder', (path: string) => mkdirSync(path)],
    ['no lock file', (path: string) => writeFileSync(path, 'x'.repeat(8192))],
  ])('a mark that is %s says nothing of its maker', async (_what, make) => {
    const here = folder();
    make(join(here, 'a'));
    const presence = presenceIn(here, 'h');
    await (await presence.enter('a'))();
    expect(await presence.ended({ nonce: 'a', host: 'h' })).toBe(false);
    expect(readdirSync(here)).toEqual(['a']);
  });

  test('elsewhere the mark of a living process is one', async () => {
    const presence = presenceIn(join(folder(), 'present'), 'h');
    const leave = await presence.enter('a');
    expect(await presence.ended({ nonce: 'a', host: 'h' })).toBe(false);
    await leave();
    expect(await presence.ended({ nonce: 'a', host: 'h' })).toBe(false);
  });
});

test('no receipt, nothing destroyed: the error says where and what to do', async () => {
  const here = folder();
  writeFileSync(join(here, '.dflow'), '');
  const error = await newReceipt(here, 'purge', '2026-07-14T06:00:00.000Z', 'n')
    .write([{}])
    .catch((thrown) => thrown);
  expect(error).toBeInstanceOf(UnreachableError);
  expect(error).toMatchObject({ where: join(here, '.dflow'), hint: expect.stringContaining('ls -ld') });
});

describe('commands', () => {
  let here = '';
  beforeAll(() => {
    here = rawFolder(1);
    writeFileSync(
      join(here, 'dflow.yaml'),
      `buffer: {path: raw, pattern: 'run{run}_{subrun}.dat', settle: 1s}\nstorage: {a: ./s}\nfarms: {here: {backend: local}}\n`,
    );
    mkdirSync(join(here, 'modules'));
    mkdirSync(join(here, 's'));
    writeFileSync(join(here, 'modules', '1.0.yaml'), `modules: {M: {run: 'true', outputs: {a: a}}}\n`);
    must(here, ['store', 'setup']);
    must(here, ['register']);
    rmSync(join(here, '.dflow'), { recursive: true, force: true });
    writeFileSync(join(here, '.dflow'), '');
  });

  test.each(['status', 'why --all', 'why 1', 'why a', 'list runs', 'list farms', 'history 1'])('%s looks', (words) => {
    expect(dflow(here, words.split(' '))).toMatchObject({ code: 0, err: '' });
  });

  test('transfer copies', () => {
    expect(must(here, ['transfer'])).toContain('verified');
  });

  test.each(['submit', 'monitor', 'purge --yes'])('%s says that it cannot be written', (words) => {
    const { code, err } = dflow(here, words.split(' '));
    expect(code).toBe(5);
    expect(err).toMatch(/(local spool|own folder) cannot be (used|written): /);
    expect(err).toMatch(/^Next: .*ls -ld /m);
  });
});

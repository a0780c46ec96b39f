// Names that are misspelt or many: near misses, lists that are cut say so, and which version a row is of.

import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { BACKENDS, PROTOCOLS, STORES } from '../../src/lib/cli/adapters.ts';
import { checkAdapters } from '../../src/lib/cli/ports.ts';
import { named } from '../../src/lib/domain/named.ts';
import { moduleRows } from '../../src/lib/flow/reports/look/modulerows.ts';
import { rowTable, rowTsv } from '../../src/lib/render/rows.ts';
import { suggestion } from '../../src/lib/util/text/near.ts';
import { module, moduleFile } from '../support/docs.ts';
import { smallSettings } from '../support/settings.ts';

const src = resolve(import.meta.dirname, '../..', 'src', 'lib');

test('a list that is cut says how many more there are', () => {
  const names = Array.from({ length: 15 }, (_, index) => `module${index}`);
  expect(suggestion('zzz', names)).toMatch(/^known: module0, .*, module11 and 3 more$/);
  expect(suggestion('zzz', names.slice(0, 12))).toMatch(/module11$/);
  expect(suggestion('modul7', names)).toBe('did you mean module7?');
});

test('one voice for a name that nobody defined', () => {
  expect(named('farm', 'sfu', ['cedar', 'sfu'])).toBe('sfu');
  expect(() => named('farm', 'sfu2', ['cedar', 'sfu'], { where: 'dflow.yaml' })).toThrow(
    expect.objectContaining({
      exit: 2,
      message: "no farm 'sfu2'; did you mean sfu? known: cedar, sfu",
      where: 'dflow.yaml',
      hint: 'the same command with sfu',
    }),
  );
  expect(() => named('farm', 'ral', ['cedar', 'sfu'], { in: 'hosts' })).toThrow(
    expect.objectContaining({ message: "no farm 'ral' in hosts; known: cedar, sfu", hint: 'dflow list farms' }),
  );
  expect(() => named('tag', 'x', [])).toThrow("no tag 'x'; none is defined");
});

test.each([
  ['backends', BACKENDS],
  ['protocols', PROTOCOLS],
  ['stores', STORES],
])('every folder of %s is in the list that the build makes, and what it loads has what its contract asks for', async (folder, list) => {
  const folders = readdirSync(join(src, folder)).filter((name) => existsSync(join(src, folder, name, `${name}.ts`)));
  expect(Object.keys(list)).toEqual(folders.sort());
  for (const { load } of Object.values(list)) expect(await load()).toHaveProperty('open');
});

test.each([
  ['slrm', 'did you mean slurm?'],
  ['condor', 'did you mean htcondor?'],
  ['Slurm', 'did you mean slurm?'],
  ['torque', 'known: ganga, htcondor, local, slurm'],
])('backend: %s', async (backend, words) => {
  const settings = smallSettings({ storage: {}, farms: { cedar: { backend } } });
  const errors: unknown[] = [];
  for await (const { error } of checkAdapters(settings)) errors.push(error);
  expect(errors).toMatchObject([{ message: expect.stringContaining(`no backend '${backend}'; ${words}`) }]);
});

test('modules of two versions are told apart', () => {
  const file = moduleFile([module('Count')], {});
  const rows = ['1.0', '2.0'].flatMap((version) => moduleRows({ ...file, version }));
  expect(rowTable('modules', rows, 80)).toMatch(/REF +VERSION.*\nCount +1\.0 .*\nCount +2\.0 /);
  expect(rows.map((row) => rowTsv('modules', row).split('\t')[1])).toEqual(['1.0', '2.0']);
});

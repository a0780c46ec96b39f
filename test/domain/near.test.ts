// Names that are misspelt or many: near misses, lists that are cut say so, and which version a row is of.
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { ADAPTERS, checkAdapters } from '../../src/lib/cli/ports.ts';
import type { Settings } from '../../src/lib/domain/settings.ts';
import { moduleRows } from '../../src/lib/flow/reports/look/look.ts';
import { rowTable, rowTsv } from '../../src/lib/render/rows.ts';
import { suggestion } from '../../src/lib/util/text/near.ts';
import { farm, module, moduleFile } from '../support/docs.ts';

const src = resolve(import.meta.dirname, '../..', 'src', 'lib');

test('a list that is cut says how many more there are', () => {
  const names = Array.from({ length: 15 }, (_, index) => `module${index}`);
  expect(suggestion('zzz', names)).toMatch(/^known: module0, .*, module11 and 3 more$/);
  expect(suggestion('zzz', names.slice(0, 12))).toMatch(/module11$/);
  expect(suggestion('modul7', names)).toBe('did you mean module7?');
});

test.each([
  ['backend', 'backends'],
  ['storage protocol', 'protocols'],
] as const)('every %s is known by name', (what, folder) => {
  const files = readdirSync(join(src, folder)).filter((name) => name.endsWith('.ts'));
  expect(ADAPTERS[what]).toEqual(files.map((name) => name.slice(0, -3)).sort());
});

test.each([
  ['slrm', 'did you mean slurm?'],
  ['condor', 'did you mean htcondor?'],
  ['Slurm', 'did you mean slurm?'],
  ['torque', 'known: ganga, htcondor, local, slurm'],
])('backend: %s', async (backend, hint) => {
  const settings = { folder: '/x', storages: [], farms: [{ ...farm('cedar'), backend }] };
  const errors: unknown[] = [];
  for await (const { error } of checkAdapters(settings as unknown as Settings)) errors.push(error);
  expect(errors).toMatchObject([{ message: `no backend is called ${backend}`, hint }]);
});

test('modules of two versions are told apart', () => {
  const file = moduleFile([module('Count')], {});
  const rows = ['1.0', '2.0'].flatMap((version) => moduleRows({ ...file, version }));
  expect(rowTable('modules', rows, 80)).toMatch(/REF +VERSION.*\nCount +1\.0 .*\nCount +2\.0 /);
  expect(rows.map((row) => rowTsv('modules', row).split('\t')[1])).toEqual(['1.0', '2.0']);
});

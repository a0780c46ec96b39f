// The benchmarks are for people; here it is tested that they can be run, and that what they write is what they measured.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const bench = (...args: string[]) =>
  spawnSync(process.execPath, [join(root, 'bench/run.mjs'), ...args], { cwd: root, encoding: 'utf8' });
const table: {
  cells: (name: string, row: object, where: string) => string[];
  written: (page: string, lines: string[][]) => string;
} = await import(join(root, 'bench/shared/table.mjs'));

test('the runner lists the benchmarks, and docs/performance.md says what limits each', () => {
  const names = bench()
    .stdout.split('\n')
    .filter(Boolean)
    .map((line) => line.split(' ')[0]);
  expect(names).toContain('chain');
  const page = readFileSync(join(root, 'docs/performance.md'), 'utf8');
  expect(names.filter((name) => !page.includes(`\n### ${name}\n`))).toEqual([]);
});

test('a word that is not a benchmark ends the runner with exit 2 and the names', () => {
  const { status, stderr } = bench('chian');
  expect([status, stderr]).toEqual([2, expect.stringContaining("'chian' is not a benchmark; they are: chain")]);
});

test('a benchmark measures its yardstick in the same run, and says where', () => {
  const { status, stdout, stderr } = bench('rescan', '--files', '3', '--rounds', '1', '--json');
  expect([status, stderr]).toEqual([0, '']);
  const [row] = stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  expect(row).toMatchObject({ benchmark: 'rescan', what: '3 unchanged files', yardstick: { name: 'find -printf' } });
  expect(row.ratio).toBeCloseTo(row.yardstick.value / row.value);
  expect(row.cores).toBeGreaterThan(0);
});

test('a line of the table replaces the one of the same words, and others stay', () => {
  const line = (name: string, row: object) => table.cells(name, row, 'here');
  const fast = { what: 'a', value: 2, yardstick: { name: 'cat', value: 8 }, target: { atLeast: 3 } };
  const page = table.written('before\n<!-- measured -->\n<!-- /measured -->\nafter\n', [
    line('one', fast),
    line('two', { what: 'b', value: 100, unit: 'MiB', target: { under: 50 } }),
  ]);
  expect(page).toContain('| one | a | 2.00 s | cat 8.00 s | 4.00x | at least 3x: met | here |');
  expect(page).toContain('| two | b | 100 MiB |  |  | at most 50 MiB: missed | here |');
  const again = table.written(page, [line('one', { ...fast, value: 4 })]);
  expect(again).toContain('| one | a | 4.00 s | cat 8.00 s | 2.00x | at least 3x: missed | here |');
  expect(again.match(/\| one \|/g)).toHaveLength(1);
  expect(again).toContain('| two | b | 100 MiB |');
  expect(again.startsWith('before\n') && again.endsWith('\nafter\n')).toBe(true);
});

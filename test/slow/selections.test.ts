// What a selection at the edge does when it is empty, or when a command does not know it: never everything.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dflow, lines, must, rawFolder, removeFolders } from '../support/cli.ts';

let folder = '';

beforeAll(() => {
  folder = rawFolder(2);
  for (const name of ['store', 'modules']) mkdirSync(join(folder, name));
  const config = `buffer: {path: ./raw, pattern: 'run{run}_{subrun}.dat', settle: 1s}\nstorage: {disk: ./store}\nfarms: {here: {backend: local}}\n`;
  writeFileSync(join(folder, 'dflow.yaml'), config);
  writeFileSync(
    join(folder, 'modules', '1.0.yaml'),
    `modules: {Count: {run: 'wc -c "$@" > "$OUT_n"', outputs: {n: n.txt}}}\nrunTypes: {any: [Count]}\n`,
  );
  writeFileSync(join(folder, 'empty'), '');
  writeFileSync(join(folder, 'comments'), '# nothing found\n\n   \n');
  must(folder, ['store', 'setup']);
  must(folder, ['register']);
});
afterAll(removeFolders);

const SWITCHES = [
  'pause --why x --run SOURCE',
  'transfer --cancel --why x --run SOURCE',
  'quarantine --why x SOURCE',
  'resume SOURCE',
  'reprocess --request q --version 1.0 --module Count --run SOURCE',
  'reprocess --request q --version 1.0 --module Count SOURCE',
];
const OTHERS = [
  'cancel --yes --run SOURCE',
  'cancel --yes SOURCE',
  'delete --yes --run SOURCE',
  'retry SOURCE',
  'reset --yes --run SOURCE',
  'purge --yes --run SOURCE',
  'verify --repair --run SOURCE',
  'transfer --run SOURCE',
  'enqueue --run SOURCE',
  'list jobs --state all --run SOURCE',
  'list runs SOURCE',
  'list replicas --run SOURCE',
  'why SOURCE',
  'history SOURCE',
];

const words = (command: string, source: string): string[] =>
  command.split(' ').map((word) => (word === 'SOURCE' ? source : word));

/** Every command with a file of comments; an empty file and an empty standard input with some of each kind. */
const tried = (commands: readonly string[]): [string, string][] => [
  ...commands.map((command): [string, string] => [command, '@comments']),
  ...commands.slice(0, 2).flatMap((command): [string, string][] => [
    [command, '@empty'],
    [command, '-'],
  ]),
];

test.each(tried(SWITCHES))('%s with %s: exit 2, nothing is made', (command, source) => {
  const ran = dflow(folder, words(command, source));
  expect(ran).toMatchObject({ code: 2, out: '', err: expect.stringMatching(/^Error: no (run|hold) is named/) });
});

test.each(tried(OTHERS))('%s with %s selects nothing, and says so', (command, source) => {
  const name = source === '-' ? 'standard input' : source.slice(1);
  const ran = dflow(folder, words(command, source));
  expect(ran).toMatchObject({ code: 0, out: '', err: `${name} names nothing: nothing is selected\n` });
});

test('--quiet says nothing of it', () => {
  expect(dflow(folder, ['retry', '@empty', '--quiet'])).toMatchObject({ code: 0, out: '', err: '' });
});

test('nothing was held, copied or made by any of them', () => {
  for (const kind of ['holds', 'requests', 'jobs', 'replicas']) expect(must(folder, ['list', kind])).toBe('');
});

test('a hold with an empty name covers nothing, and is refused', () => {
  expect(dflow(folder, ['pause', '--request', '', '--why', 'x'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('the selection of requests is empty: the hold would cover nothing'),
  });
});

test.each([
  ['runs', '--cause', 'x', '--run, --state, --label'],
  ['farms', '--run', '1', '--state'],
  ['loops', '--site', 'here', 'no selection flag'],
  ['modules', '--storage', 'disk', '--module, --version'],
  ['data', '--module', 'Count', '--run, --level, --label'],
])('list %s %s: a flag that it does not know is refused, with those that it knows', (kind, flag, value, known) => {
  const ran = dflow(folder, ['list', kind, flag, value]);
  expect(ran).toMatchObject({ code: 2, out: '' });
  expect(ran.err).toBe(`Error: list ${kind} does not know ${flag}\nNext: list ${kind} knows ${known}\n`);
});

test('list farms takes no REF; list modules and requests select by their own fields', () => {
  expect(dflow(folder, ['list', 'farms', '1']).code).toBe(2);
  expect(lines(must(folder, ['list', 'modules', '--module', 'Co*', '--json']))).toHaveLength(1);
  expect(dflow(folder, ['list', 'modules', '--version', '2.0'])).toMatchObject({ code: 2, out: '' });
});

// What may follow a command line, of the built program's own manifest.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { candidates, LIST_KINDS, type Manifest, NONE, PAGES } from '../../../src/lib/cli/completion/candidates.ts';
import { typedWords } from '../../../src/lib/cli/completion/words.ts';
import { TOPICS } from '../../../src/lib/cli/help/topics.ts';
import { KINDS } from '../../../src/lib/flow/reports/look/look.ts';

const root = resolve(import.meta.dirname, '../../..');
const read = (name: string) => JSON.parse(readFileSync(join(root, name), 'utf8'));
const manifest: Manifest = { ...read('oclif.manifest.json'), topics: read('package.json').oclif.topics };

const values = {
  ...NONE,
  modules: ['Processing', 'Analysis40'],
  versions: ['7.0.8'],
  farms: ['cedar'],
  storages: ['sfu', 'ral'],
  causes: ['time-limit', '$(reboot)', 'two words'],
  holds: ['hold:pause-x'],
  runs: ['109135', '109134'],
};
const after = (line: string): string[] => candidates(manifest, typedWords(line), values).map(({ value }) => value);

test.each([
  ['dflow regi', ['register']],
  ['dflow farm ', ['drain', 'unlock']],
  ['dflow store conflicts k', ['keep']],
  ['dflow list ho', ['holds']],
  ['dflow list jobs ', ['109135', '109134']],
  ['dflow list jobs --modul', ['--module']],
  ['dflow list jobs -m ', ['Processing', 'Analysis40']],
  ['dflow list jobs --module=Ana', ['--module=Analysis40']],
  ['dflow list jobs -m Processing,A', ['Processing,Analysis40']],
  ['dflow list jobs --state par', ['partFail']],
  ['dflow list jobs --site cedar -V ', ['7.0.8']],
  ['dflow show 109134/P', ['109134/Processing']],
  ['dflow completion bash ', []],
  ['dflow retry 109134 10913', ['109135', '109134']],
  ['dflow farm drain ', ['cedar']],
  ['dflow transfer --to r', ['ral']],
  ['dflow storage disable ', ['sfu', 'ral']],
  ['dflow resume ho', ['hold:pause-x']],
  ['dflow help ex', ['exit-codes']],
  ['dflow completion ', ['bash', 'zsh', 'fish']],
  ['dflow submit --order n', ['newest']],
  ['dflow metrics --out ', []],
  ['dflow nonsense ', []],
  ['dflow "list" jo', ['jobs']],
])('%j', (line, wanted) => {
  expect(after(line)).toEqual(wanted);
});

test('a name that a shell would not take for one word is not offered', () => {
  expect(after('dflow list jobs --cause ')).toEqual(['time-limit']);
});

test('commands and flags say what they do', () => {
  const [one] = candidates(manifest, typedWords('dflow statu'), values);
  expect(one).toEqual({ value: 'status', about: 'Show the state of the whole experiment on one page' });
});

test('kinds and pages are those that there are', () => {
  expect([...LIST_KINDS].sort()).toEqual(Object.keys(KINDS).sort());
  expect([...PAGES].sort()).toEqual([...TOPICS].sort());
});

// What a wrong command line is answered: one line that says what is wrong, one that says what to type.
import { afterEach, expect, test } from 'vitest';
import { misspelt } from '../../src/lib/cli/arguments/misspelt.ts';
import { describe as describeError } from '../../src/lib/cli/output/report.ts';
import { checkNames } from '../../src/lib/flow/switches/holds.ts';
import { module, moduleFile } from '../support/docs.ts';
import { closeWorlds, type TestPorts, world } from '../support/ports.ts';

afterEach(closeWorlds);

const asked = (message: string): readonly string[] =>
  describeError(Object.assign(new Error(message), { oclif: { exit: 2 } })).lines;
const HELP = 'Next: the same command with --help';

test.each([
  ['Missing 1 required arg:\nfarm  farm\nSee more help with --help', 'an argument is missing: farm  farm'],
  ['Missing 1 required arg:\nkind  what\n\nNote: --run allow multiple values.', 'an argument is missing: kind  what'],
  ['Flag --accept expects a value', 'Flag --accept expects a value'],
])('%j', (message, words) => {
  expect(asked(message)).toEqual([`Error: ${words}`, HELP]);
});

const input = { flags: { state: {}, since: {}, why: { helpValue: 'TEXT' }, request: { helpValue: 'NAME' } } };
const errors = 'The following errors occurred:';

test.each([
  ['Nonexistent flag: --stat', "no flag '--stat'; did you mean --state?", 'with --state'],
  ['Nonexistent flag: --sicne=12h', "no flag '--sicne=12h'; did you mean --since?", 'with --since'],
  ['Nonexistent flags: --qqqqqq, x', "no flag '--qqqqqq'", 'with --help'],
  ['Nonexistent flag: -z', "no flag '-z'", 'with --help'],
  [`${errors}\n  Missing required flag why`, 'the flag --why is required', 'with --why TEXT'],
  [
    `${errors}\n  Missing required flag why\n  Missing required flag request\nSee more help with --help`,
    'the flag --why is required; the flag --request is required',
    'with --why TEXT --request NAME',
  ],
])('a flag that does not exist or is missing: %j', (message, words, next) => {
  const thrown = Object.assign(new Error(message), { oclif: { exit: 2 }, parse: { input } });
  expect(describeError(thrown)).toEqual({ exit: 2, lines: [`Error: ${words}`, `Next: the same command ${next}`] });
});

test.each([
  ['statsu', "'statsu' is not a command of dflow", 'did you mean: dflow status'],
  ['stat', "'stat' is not a command of dflow", 'did you mean: dflow status'],
  ['storage:disble:ral', "'storage disble' is not a command of dflow", 'did you mean: dflow storage disable'],
  ['storage:xxxxxxxx', "'storage xxxxxxxx' is not a command of dflow", 'dflow storage --help'],
  ['wyh:109134', "'wyh' is not a command of dflow", 'did you mean: dflow why'],
  ['pause:Line', "dflow pause takes no argument 'Line'", 'dflow pause --help'],
  ['qqqqqq', "'qqqqqq' is not a command of dflow", 'dflow --help'],
])('a misspelt command is answered with the likely one: %s', (id, message, hint) => {
  const thrown = Object.assign(new Error(`command ${id} not found`), { oclif: { exit: 2 } });
  const names = ['status', 'why', 'pause', 'storage:disable', 'storage:primary'];
  expect(misspelt(thrown, names)).toMatchObject({ exit: 2, message, hint });
});

test('another error is not a misspelt command', () => {
  const thrown = new Error('command statsu not found');
  expect(misspelt(thrown, ['status'])).toBe(thrown);
});

function laptop(): Promise<TestPorts> {
  const around = { modules: { '1.0': moduleFile([module('Count')], {}) } };
  return world({ storages: ['ral'], config: { farms: { laptop: {} } }, around });
}

test.each([
  [{ sites: ['lptop'] }, "no farm 'lptop'; did you mean laptop? known: laptop", 'the same command with laptop'],
  [{ storages: ['rla'] }, "no storage element 'rla'; did you mean ral? known: ral", 'the same command with ral'],
  [{ levels: ['L3'] }, "no level 'L3'; did you mean L1? known: L1", 'the same command with L1'],
  [{ modules: ['Cont'] }, "no module 'Cont'; did you mean Count? known: Count", 'the same command with Count'],
])('a hold of what does not exist holds nothing: %j', async (names, message, hint) => {
  await expect(checkNames(await laptop(), names)).rejects.toMatchObject({ exit: 2, message, hint });
});

test('patterns may name several', async () => {
  await expect(
    checkNames(await laptop(), { sites: ['lap*'], modules: ['C*'], levels: undefined }),
  ).resolves.toBeUndefined();
});

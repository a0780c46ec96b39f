// Modules that fail in every way a payload can, through the whole chain: each ends with its cause, its tries and the
// words a shifter needs, and none of them disturbs the others.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { killSupervisor } from '../support/chaos.ts';
import { dflow, lines, must } from '../support/cli.ts';

const MODULES = `modules:
  Good: {run: 'wc -c "$@" > "$OUT_a"', outputs: {a: a.txt}}
  NoCommand: {run: 'no-such-command "$@" > "$OUT_a"', outputs: {a: a.txt}}
  Silent: {run: 'true', outputs: {a: a.txt}}
  Wrong: {run: 'echo x > misnamed.txt', outputs: {a: a.txt}}
  Killed: {run: 'echo x > "$OUT_a"; exit 137', outputs: {a: a.txt}, tries: 2}
  Slow: {run: 'echo x > "$OUT_a"; sleep 60', outputs: {a: a.txt}, time: 1s}
  Exit3: {run: 'echo "table RUN: no such row" >&2; exit 3', outputs: {a: a.txt}, tries: 2}
  Flaky: {run: 'if [ -e "$FLAG" ]; then echo x > "$OUT_a"; else : > "$FLAG"; exit 5; fi', outputs: {a: a.txt}, env: {FLAG: FOLDER/flag}}
  Child: {needs: Exit3, run: 'cat "$@" > "$OUT_a"', outputs: {a: a.txt}}
runTypes: {any: [Good, NoCommand, Silent, Wrong, Killed, Slow, Exit3, Flaky, Child]}
`;

interface Row {
  readonly module: string;
  readonly state: string;
  readonly cause?: string;
  readonly tries: number;
}

let folder = '';

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'dflow-failures-')));
  for (const name of ['raw', 'store', 'modules']) mkdirSync(join(folder, name));
  writeFileSync(
    join(folder, 'dflow.yaml'),
    `buffer: {path: ./raw, pattern: 'run{run:3}.dat', settle: 1s}\nruns: {quiet: 1s}\nstorage: {disk: ./store}\n`,
  );
  writeFileSync(join(folder, 'modules', '1.0.yaml'), MODULES.replaceAll('FOLDER', folder));
  const old = new Date(Date.now() - 3_600_000);
  writeFileSync(join(folder, 'raw', 'run001.dat'), 'raw\n');
  utimesSync(join(folder, 'raw', 'run001.dat'), old, old);
  must(folder, ['store', 'setup']);
  must(folder, ['chain', '--until-idle'], [0, 1]);
});

afterAll(() => {
  killSupervisor(folder);
  rmSync(folder, { recursive: true, force: true });
});

function row(module: string): Row {
  const [found] = lines<Row>(must(folder, ['list', 'jobs', '--state', 'all', '--module', module, '--json']));
  return found!;
}

describe('each has its cause', () => {
  test.each([
    ['Good', 'completed', undefined, 1],
    ['Flaky', 'completed', undefined, 2],
    ['NoCommand', 'failed', 'command-not-found', 1],
    ['Silent', 'failed', 'no-output', 1],
    ['Wrong', 'failed', 'no-output', 1],
    ['Killed', 'failed', 'killed', 2],
    ['Slow', 'failed', 'time-limit', 1],
    ['Exit3', 'failed', 'exit-3', 2],
    ['Child', 'unsatisfied', undefined, 0],
  ])('%s: %s', (module, state, cause, tries) => {
    const found = row(module);
    expect([found.state, found.cause, found.tries]).toEqual([state, cause, tries]);
  });
});

test.each([
  ['Wrong', /misnamed\.txt/],
  ['Silent', /missing/],
  ['Exit3', /no such row/],
  ['NoCommand', /no-such-command/],
  ['Slow', /limit/],
  ['Child', /Exit3\/1 failed/],
])('why %s says it, and what to type next', (module, words) => {
  const text = must(folder, ['why', `1/${module}`]);
  expect(text).toMatch(words);
  expect(text).toMatch(/Next: dflow /);
});

test('why --all groups by cause; --cause selects', () => {
  const all = must(folder, ['why', '--all']);
  for (const cause of ['command-not-found', 'no-output', 'killed', 'time-limit', 'exit-3'])
    expect(all).toContain(cause);
  const ids = must(folder, ['list', 'jobs', '--state', 'failed', '--cause', 'no-output', '--format', 'ids'])
    .trim()
    .split('\n');
  expect(ids.sort()).toEqual(['1/Silent/1', '1/Wrong/1']);
});

test('log of an earlier try, of what failed in a selection, and of lines with a text', () => {
  const logs = (...words: string[]): string => must(folder, ['log', ...words]);
  expect(logs('1/Exit3', '--try', '1')).toMatch(/^== 1\/Exit3\/1\.000 try 1 exit-3 at \S+\ntable RUN: no such row/);
  expect(logs('1/Exit3')).toContain('== 1/Exit3/1.000 try 2 failed at ');
  const found = logs('--state', 'failed', '--failed', '--grep', 'no such row');
  expect(found.trim().split('\n')).toEqual([expect.stringContaining('1/Exit3/1.000'), 'table RUN: no such row']);
  expect(logs('1/Flaky', '--failed')).toContain('try 1 exit-5');
});

test('a retried prerequisite frees what waited for it', () => {
  writeFileSync(
    join(folder, 'modules', '1.0.yaml'),
    MODULES.replaceAll('FOLDER', folder).replace('exit 3', 'echo y > "$OUT_a"'),
  );
  must(folder, ['retry', '1/Exit3']);
  must(folder, ['chain', '--until-idle'], [0, 1]);
  expect([row('Exit3').state, row('Child').state]).toEqual(['completed', 'completed']);
});

test('no raw words of ours leak: errors have no stack', () => {
  const ran = dflow(folder, ['why', '1/Nothing']);
  expect(ran.code).toBe(2);
  expect(ran.err).not.toMatch(/\n\s+at /);
});

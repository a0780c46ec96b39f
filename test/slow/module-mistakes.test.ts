// A mistake in a module file stops what needs its modules, is named, and keeps nothing else from going on.
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { killSupervisor } from '../support/chaos.ts';
import { dflow, must } from '../support/cli.ts';

let folder = '';
const file = (): string => join(folder, 'modules', '1.0.yaml');
const licence = (): string =>
  `modules:\n  Wait:\n    run: 'until [ -e "${folder}/go" ]; do sleep 0.1; done; exit 42'\n    outputs: {a: a.txt}\n    policy: [{cause: licence, exit: 42, action: hold}]\nrunTypes: {any: [Wait]}\n`;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'dflow-mistakes-')));
  for (const name of ['raw', 'store', 'modules']) mkdirSync(join(folder, name));
  writeFileSync(
    join(folder, 'dflow.yaml'),
    `buffer: {path: ./raw, pattern: 'run{run:3}.dat', settle: 1s}\nruns: {quiet: 1s}\nstorage: {disk: ./store}\nfarms: {here: {backend: local, slots: 2}}\n`,
  );
  writeFileSync(file(), licence());
  must(folder, ['store', 'setup']);
});

afterEach(() => {
  writeFileSync(join(folder, 'go'), '');
  writeFileSync(file(), licence());
  dflow(folder, ['cancel', '--all', '--yes']);
  dflow(folder, ['monitor']);
  killSupervisor(folder);
  rmSync(folder, { recursive: true, force: true });
});

function addRun(run: string): void {
  const path = join(folder, 'raw', `run${run}.dat`);
  writeFileSync(path, `${run}\n`);
  const old = new Date(Date.now() - 3_600_000);
  utimesSync(path, old, old);
}

const copied = (): string[] =>
  readdirSync(join(folder, 'store'), { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.dat'));

/** Calls it again until what it prints matches: a job takes its time. */
function until(words: readonly string[], wanted: RegExp): string {
  const end = Date.now() + 200_000;
  for (;;) {
    const { out } = dflow(folder, words);
    if (wanted.test(out)) return out;
    if (Date.now() > end) throw new Error(`dflow ${words.join(' ')} printed: ${out}`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  }
}

test('chain registers, copies and watches; enqueue and submit name the file; a failure waits for the rules of its module', () => {
  addRun('001');
  must(folder, ['register']);
  must(folder, ['enqueue', '--complete', '1']);
  until(['chain'], /running|started|submitted/);
  writeFileSync(file(), 'modules:\n  Wait:\n    rnu: x\n    outputs: {a: a.txt}\n');
  addRun('002');
  const said = `${file()}:3:5: unknown key rnu`;
  const { code, out, err } = dflow(folder, ['chain']);
  expect([code, err]).toEqual([1, '']);
  expect(out.split('\n').filter((line) => line.includes(said)).length).toBe(2);
  expect(copied().length).toBe(2);
  expect(out).toContain('dflow module check 1.0');
  for (const words of [['transfer'], ['list', 'jobs'], ['verify']]) must(folder, words);

  expect(dflow(folder, ['status', '--check']).code).toBe(1);
  expect(dflow(folder, ['status', '--check', '--json']).out).toContain(said);
  expect(dflow(folder, ['why', '--all', '--json']).out).toContain(said);
  expect(dflow(folder, ['why', '2', '--json']).out).toContain(said);
  for (const words of [
    ['config', 'check'],
    ['module', 'check'],
    ['module', 'check', '1.0'],
  ])
    expect(dflow(folder, words)).toMatchObject({ code: 2, err: expect.stringContaining('unknown key rnu') });
  const request = ['reprocess', '--request', 'r', '--version', '1.0', '--module', 'Wait', '--run', '1'];
  expect(dflow(folder, request)).toMatchObject({ code: 2, err: expect.stringContaining(said) });

  writeFileSync(join(folder, 'go'), '');
  until(['monitor'], /what follows is decided when the module file of 1.0 is correct/);
  writeFileSync(file(), licence());
  until(['monitor'], /licence/);
  must(folder, ['module', 'check', '1.0']);
  expect(dflow(folder, ['status', '--json']).out).not.toContain('module-file');
}, 300_000);

test('another version does not take the place of the only one that was there to be automatic', () => {
  writeFileSync(join(folder, 'modules', '2.0.yaml'), 'modules: {');
  addRun('001');
  must(folder, ['register']);
  const { code, out } = dflow(folder, ['chain']);
  expect(code).toBe(1);
  expect(out).toContain(`${join(folder, 'modules', '2.0.yaml')}:1:`);
  expect(dflow(folder, ['list', 'jobs']).out).not.toContain('Wait');
  expect(dflow(folder, ['status', '--json']).out).toContain('no automatic.version among 1.0, 2.0');
}, 300_000);

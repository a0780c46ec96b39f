// Switches on a real farm: drain, evict, unlock, quarantine, pause; what each does to running and waiting work.
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { killSupervisor } from '../support/chaos.ts';
import { dflow, lines, must } from '../support/cli.ts';

let folder = '';

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'dflow-switches-')));
  for (const name of ['raw', 'store', 'modules']) mkdirSync(join(folder, name));
  writeFileSync(
    join(folder, 'dflow.yaml'),
    `buffer: {path: ./raw, pattern: 'run{run:3}.dat', settle: 1s}\nruns: {quiet: 1s}\nstorage: {disk: ./store}\nfarms: {here: {backend: local, slots: 2}}\nlimits: {grace: 1s, submitting: 1s}\n`,
  );
  writeFileSync(
    join(folder, 'modules', '1.0.yaml'),
    `modules:\n  Wait: {run: 'echo $DFLOW_RUN >> "${folder}/marks"; until [ -e "${folder}/go" ]; do sleep 0.2; done; echo x > "$OUT_a"', outputs: {a: a.txt}}\nrunTypes: {any: [Wait]}\n`,
  );
  for (const run of ['001', '002', '003']) addRun(run);
  must(folder, ['store', 'setup']);
});

afterEach(() => {
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

/** One round with all three runs: the last is complete when its file has been here for `quiet`. */
function allRuns(): void {
  must(folder, ['register']);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_100);
  must(folder, ['chain']);
}

/** Until the payloads have left `count` marks. */
function started(count: number): void {
  for (const end = Date.now() + 600_000; marks().length < count && Date.now() < end; )
    must(folder, ['monitor'], [0, 1]);
  expect(marks().length).toBe(count);
}

function marks(): string[] {
  try {
    return readFileSync(join(folder, 'marks'), 'utf8').trim().split('\n');
  } catch {
    return [];
  }
}

function states(): string[] {
  const rows = lines<{ run: number; state: string }>(must(folder, ['list', 'jobs', '--state', 'all', '--json']));
  return rows.map((row) => `${row.run} ${row.state}`).sort();
}

test('drain stops submission; evict stops what runs and puts it back; after resume it is done', () => {
  allRuns();
  started(2);
  expect(must(folder, ['farm', 'drain', 'here', '--why', 'downtime'])).toContain('hold:drain-here');
  expect(must(folder, ['submit'])).toContain('downtime');
  must(folder, ['farm', 'drain', 'here', '--why', 'downtime', '--evict', '--wait']);
  expect(states()).toEqual(['1 waiting', '2 waiting', '3 waiting']);
  expect(must(folder, ['why', '1/Wait'])).toContain('dflow resume hold:drain-here');
  writeFileSync(join(folder, 'go'), '');
  must(folder, ['resume', 'hold:drain-here', '--why', 'back']);
  must(folder, ['chain', '--until-idle']);
  expect(states()).toEqual(['1 completed', '2 completed', '3 completed']);
});

test('unlock gives up what runs; results of the old attempts change nothing', () => {
  allRuns();
  started(2);
  expect(dflow(folder, ['farm', 'unlock', 'here', '--why', 'rebuilt']).code).toBe(2);
  expect(must(folder, ['farm', 'unlock', 'here', '--why', 'rebuilt', '--yes'])).toContain('put-back');
  expect(states()).toEqual(['1 waiting', '2 waiting', '3 waiting']);
  writeFileSync(join(folder, 'go'), '');
  must(folder, ['chain', '--until-idle']);
  expect(states()).toEqual(['1 completed', '2 completed', '3 completed']);
});

test('cancel of running work reaches the batch system', () => {
  allRuns();
  started(2);
  expect(must(folder, ['cancel', '--all', '--yes'])).toContain('wanted');
  must(folder, ['chain', '--until-idle'], [0, 1]);
  expect(states()).toEqual(['1 canceled', '2 canceled', '3 canceled']);
});

test('runs in quarantine make no passes until it is resumed', () => {
  writeFileSync(join(folder, 'go'), '');
  must(folder, ['quarantine', '2', '--why', 'builder test']);
  must(folder, ['chain', '--until-idle'], [0, 1]);
  expect(states()).toEqual(['1 completed', '3 completed']);
  expect(must(folder, ['list', 'quarantine'])).toContain('run002.dat');
  const [hold] = lines<{ ref: string }>(must(folder, ['list', 'holds', '--json']));
  must(folder, ['resume', hold?.ref ?? '', '--why', 'it was good']);
  must(folder, ['chain', '--until-idle'], [0, 1]);
  expect(states()).toEqual(['1 completed', '2 completed', '3 completed']);
});

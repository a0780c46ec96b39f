// Many at once, as processes on one store: four enqueuers on the same runs, four submitters on the same jobs. What was
// started is counted by the payloads' own marks and the wrappers' start fences, not by the documents.
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { killSupervisor } from '../support/chaos.ts';
import { lines, must, start } from '../support/cli.ts';

const RUNS = 1000;
let folder = '';

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'dflow-many-')));
  for (const name of ['raw', 'store', 'modules']) mkdirSync(join(folder, name));
  writeFileSync(
    join(folder, 'dflow.yaml'),
    `buffer: {path: ./raw, pattern: 'run{run:6}.dat', settle: 1s}\nruns: {quiet: 0s}\nstorage: {disk: ./store}\nfarms: {here: {backend: local, slots: 3, pending: 2000}}\n`,
  );
  writeFileSync(
    join(folder, 'modules', '1.0.yaml'),
    `modules:\n  Count: {run: 'echo $DFLOW_RUN >> "${folder}/marks"; wc -c "$@" > "$OUT_counts"', outputs: {counts: counts.txt}}\nrunTypes: {any: [Count]}\n`,
  );
  const old = new Date(Date.now() - 3_600_000);
  for (let run = 1; run <= RUNS; run++) {
    const path = join(folder, 'raw', `run${String(run).padStart(6, '0')}.dat`);
    writeFileSync(path, `${run}\n`);
    utimesSync(path, old, old);
  }
  must(folder, ['store', 'setup']);
  must(folder, ['register', '--quiet']);
  must(folder, ['transfer', '--quiet']);
});

afterAll(() => {
  killSupervisor(folder);
  rmSync(folder, { recursive: true, force: true });
});

/** Starts the same command four times at once; answers the exit codes. */
function four(args: readonly string[]): Promise<(number | null)[]> {
  const children = Array.from({ length: 4 }, () => start(folder, args));
  return Promise.all(children.map((child) => new Promise<number | null>((resolve) => child.once('exit', resolve))));
}

interface Row {
  readonly run: number;
  readonly pass: number;
  readonly state: string;
}

function jobs(): Row[] {
  return lines<Row>(must(folder, ['list', 'jobs', '--state', 'all', '--pass', 'all', '--json']));
}

test('four enqueuers at once make exactly one pass of each run', async () => {
  expect(await four(['enqueue', '--quiet'])).toEqual([0, 0, 0, 0]);
  const rows = jobs();
  expect(rows).toHaveLength(RUNS);
  expect(new Set(rows.map((row) => `${row.run}/${row.pass}`)).size).toBe(RUNS);
  expect(rows.every((row) => row.pass === 1 && row.state === 'waiting')).toBe(true);
});

test('four submitters at once: each job starts once', async () => {
  // The one with the lease hands over; who comes meanwhile says so and leaves it to that one.
  const codes = await four(['submit', '--quiet']);
  expect(codes.filter((code) => code !== 0 && code !== 75)).toEqual([]);
  expect(codes).toContain(0);
  must(folder, ['chain', '--until-idle', '--quiet']);
  const marks = readFileSync(join(folder, 'marks'), 'utf8').trim().split('\n');
  expect(marks).toHaveLength(RUNS);
  expect(new Set(marks).size).toBe(RUNS);
  expect(readdirSync(join(folder, '.dflow', 'here', 'started')).length).toBe(RUNS);
  expect(jobs().filter((row) => row.state !== 'completed')).toEqual([]);
});

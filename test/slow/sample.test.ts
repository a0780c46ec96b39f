// The real sample of the detector as run 3510, through the whole chain with the built program: its run table gives the
// type (the sample has no run header), and its three events of 364 hits end in the catalogued Analysis40 output.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeExperiment } from '../../src/lib/cli/demo/experiment.ts';

const program = resolve(import.meta.dirname, '../../bin/run.js');
const sample = resolve(import.meta.dirname, '../../../shared/data/Demo_Events.zdab');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dflow-sample-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function dflow(...args: string[]): string {
  const ended = spawnSync(process.execPath, [program, ...args], { cwd: folder, encoding: 'utf8' });
  expect(ended.status, `dflow ${args.join(' ')}\n${ended.stdout}${ended.stderr}`).toBe(0);
  return ended.stdout;
}

test.skipIf(!existsSync(sample))(`${sample} through the chain`, () => {
  makeExperiment(folder, { seed: 1, runs: [] });
  const raw = join(folder, 'raw/l1/SNOP_0000003510_000.zdab');
  copyFileSync(sample, raw);
  writeFileSync(`${raw}_closed`, '');
  writeFileSync(join(folder, 'RUN.ratdb'), '{name: "RUN", run_range: [3510, 3510], runtype: 4}');
  dflow('store', 'setup');
  dflow('register');
  dflow('tables', 'load', 'RUN.ratdb');
  dflow('enqueue', '--complete', '3510');
  dflow('chain', '--until-idle');
  const job = JSON.parse(dflow('show', '3510/Analysis40/1', '--json')) as {
    state: string;
    subjobs: { state: { outputs: { type: string; storage: string; path: string }[] } }[];
  };
  expect(job.state).toBe('completed');
  const output = job.subjobs[0]?.state.outputs.find(({ type }) => type === 'hist');
  const histogram = JSON.parse(
    readFileSync(join(folder, 'storage', output?.storage ?? '', output?.path ?? ''), 'utf8'),
  );
  expect(histogram).toMatchObject({ events: 3, selected: 3 });
  expect(histogram.list.map((event: { run: number; nhit: number }) => [event.run, event.nhit])).toEqual(
    Array(3).fill([3510, 364]),
  );
});

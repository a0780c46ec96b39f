// A controller that answers with success and nothing, as after the loss of its state, while its jobs go on.

import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { until } from '../contracts/backend.ts';
import { must } from '../support/cli.ts';
import type { Experiment } from './experiment.ts';
import { CONDOR, discard, prepared, SLURM } from './systems.ts';

let experiment: Experiment | undefined;
const PATH = process.env.PATH;
afterEach(() => {
  process.env.PATH = PATH;
  discard(experiment);
  experiment = undefined;
});

const SILENT = {
  slurm: { squeue: 'exit 0', sacct: 'exit 0' },
  htcondor: {
    // Who it is, it still says.
    condor_q: 'case "$*" in *-json*) exit 0 ;; esac; exec REAL "$@"',
    condor_history: 'exit 0',
  },
};

test.each([
  ['slurm', SLURM],
  ['htcondor', CONDOR],
] as const)('%s: running jobs are believed, not the empty answer; each is started once', async (name, kind) => {
  const modules = {
    Count: { run: 'echo $DFLOW_RUN >> $MARKS; while [ ! -e $MARKS.go ]; do sleep 0.2; done; echo ok > "$OUT_out"' },
  };
  experiment = prepared(kind, 3, modules, 'beat: 1s');
  const { folder } = experiment;
  const one = experiment;
  must(folder, ['submit']);
  await until('the payloads', async () => one.marks().length === 3 || undefined);
  const path = process.env.PATH;
  for (const [program, text] of Object.entries(SILENT[name])) {
    const real = execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim();
    writeFileSync(join(folder, 'bin', program), `#!/bin/sh\n${text.replace('REAL', real)}\n`);
    chmodSync(join(folder, 'bin', program), 0o755);
  }
  process.env.PATH = [join(folder, 'bin'), path].join(delimiter);
  for (let round = 0; round < 8; round++) {
    for (const step of ['monitor', 'reset', 'submit']) must(folder, [step]);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  for (const state of one.states().values())
    expect(state).toMatchObject({
      name: 'running',
      raw: expect.stringMatching(/^no longer in .*, but its heartbeat goes on$/),
    });
  process.env.PATH = path;
  writeFileSync(join(folder, 'marks.go'), '');
  one.rounds(() => one.count('completed') === 3);
  expect(readFileSync(join(folder, 'marks'), 'utf8').trim().split('\n').sort()).toEqual(['1', '2', '3']);
});

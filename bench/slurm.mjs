// Rates on a running Slurm (SLURM_CONF says which; else the tests' own is started): JOBS jobs handed over by dflow, held,
// recorded and released, beside a loop of sbatch in the same call; then one `dflow monitor` over all of them, active.
// Usage: node bench/slurm.mjs [JOBS]
// The jobs wait for a time in the future, so that the machine is measured, not the jobs. All are cancelled afterwards.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bringUp } from './system.mjs';

const bin = join(dirname(fileURLToPath(import.meta.url)), '..', 'bin', 'run.js');
const jobs = Number(process.argv[2] ?? 1000);
if (!process.env.SLURM_CONF) bringUp('slurm');
const folder = mkdtempSync(join(tmpdir(), 'dflow-bench-'));

function prepare() {
  for (const name of ['raw', 'store', 'modules']) mkdirSync(join(folder, name));
  writeFileSync(
    join(folder, 'dflow.yaml'),
    `buffer: {path: ./raw, pattern: 'run{run:7}.dat'}
storage: {disk: ./store}
farms: {here: {backend: slurm, slots: ${jobs}, options: {extra: ['--begin=now+1hour']}}}
`,
  );
  writeFileSync(
    join(folder, 'modules', '1.0.yaml'),
    `modules: {Count: {run: 'wc -c "$@" > "$OUT_counts"', outputs: {counts: txt}}}\nrunTypes: {any: [Count]}\n`,
  );
  const old = new Date(Date.now() - 3_600_000);
  for (let run = 1; run <= jobs; run++) {
    const path = join(folder, 'raw', `run${String(run).padStart(7, '0')}.dat`);
    writeFileSync(path, `run ${run}\n`);
    utimesSync(path, old, old);
  }
  for (const step of [['store', 'setup'], ['register'], ['transfer'], ['enqueue']]) dflow(step);
}

/** Wall seconds of one command. */
function timed(command, args, options = {}) {
  const began = process.hrtime.bigint();
  const ran = spawnSync(command, args, { cwd: folder, stdio: ['pipe', 'ignore', 'inherit'], ...options });
  if (ran.status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${ran.status}`);
  return Number(process.hrtime.bigint() - began) / 1e9;
}

const dflow = (args) => timed(process.execPath, [bin, ...args]);

/** Jobs that Slurm has, released: they wait for their time. */
function waiting(name) {
  const listing = execFileSync('squeue', ['-h', '-r', '-t', 'PENDING', '-o', '%j|%r'], { encoding: 'utf8' });
  return listing.split('\n').filter((line) => line.startsWith(name) && !line.endsWith('|JobHeldUser')).length;
}

try {
  prepare();
  const script = join(folder, 'job.sh');
  writeFileSync(script, '#!/bin/sh\ntrue\n');
  const loop = `i=0; while [ $i -lt ${jobs} ]; do sbatch -Q -J bench-loop -o /dev/null --begin=now+1hour job.sh || exit 1; i=$((i + 1)); done`;
  const plain = timed('sh', ['-c', loop]);
  execFileSync('scancel', ['-n', 'bench-loop']);
  const before = waiting('dflow-');
  const submit = dflow(['submit']);
  const handed = waiting('dflow-') - before;
  if (handed < jobs * 0.98) throw new Error(`only ${handed} of ${jobs} jobs are in Slurm, released`);
  const first = dflow(['monitor']);
  const second = dflow(['monitor']);
  const show = (seconds) => `${seconds.toFixed(2)} s`;
  console.log(`${jobs} jobs handed to Slurm: loop of sbatch ${show(plain)}, dflow submit ${show(submit)}`);
  console.log(`dflow is ${(plain / submit).toFixed(1)} times as fast (target 5)`);
  console.log(`one monitor over ${jobs} active jobs: ${show(first)}, again ${show(second)} (target 3)`);
} finally {
  spawnSync(process.execPath, [bin, 'cancel', '--all', '--yes'], { cwd: folder, stdio: 'ignore' });
  spawnSync(process.execPath, [bin, 'monitor'], { cwd: folder, stdio: 'ignore' });
  rmSync(folder, { recursive: true, force: true });
}

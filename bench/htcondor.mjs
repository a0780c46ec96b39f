// JOBS jobs handed to a real HTCondor by dflow (claimed, held, recorded, released) beside a loop of condor_submit over
// the same wrapper, in the same call; then one monitor over all of them. Usage: node bench/htcondor.mjs [JOBS] [LOOP]
// LOOP: calls in the yardstick; fewer than JOBS are scaled up, and that is said. Without condor_submit on PATH the
// tests' own pool is started. Nothing runs: the farm requires a machine that does not exist.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bringUp } from './system.mjs';

const bin = join(dirname(fileURLToPath(import.meta.url)), '..', 'bin', 'run.js');
const jobs = Number(process.argv[2] ?? 1000);
const loop = Math.min(jobs, Number(process.argv[3] ?? jobs));
// The pool of the tests runs as another user than the caller.
process.umask(0);
if (spawnSync('condor_version').status !== 0) bringUp('condor');
const folder = mkdtempSync(join(tmpdir(), 'dflow-bench-'));
chmodSync(folder, 0o777);

function prepare() {
  for (const name of ['raw', 'store', 'modules']) mkdirSync(join(folder, name));
  writeFileSync(
    join(folder, 'dflow.yaml'),
    `buffer: {path: ./raw, pattern: 'run{run:7}.dat'}
storage: {disk: ./store}
farms: {cedar: {backend: htcondor, slots: ${jobs}, options: {requirements: 'false'}}}
`,
  );
  writeFileSync(
    join(folder, 'modules', '1.0.yaml'),
    `modules:\n  Processing: {raw: true, run: 'wc -c "$@" > "$OUT_counts"', outputs: {counts: counts.txt}}\nrunTypes: {any: [Processing]}\n`,
  );
  const old = new Date(Date.now() - 3_600_000);
  for (let run = 1; run <= jobs; run++) {
    const path = join(folder, 'raw', `run${String(run).padStart(7, '0')}.dat`);
    writeFileSync(path, `run ${run}\n`);
    utimesSync(path, old, old);
  }
}

/** Runs to the end and answers wall seconds. */
function timed(command, args, options = {}) {
  const began = process.hrtime.bigint();
  const ran = spawnSync(command, args, { cwd: folder, stdio: ['pipe', 'ignore', 'inherit'], ...options });
  if (ran.status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${ran.status}`);
  return Number(process.hrtime.bigint() - began) / 1e9;
}

const dflow = (...args) => timed(process.execPath, [bin, ...args, '--quiet']);
const ask = (...args) => spawnSync('condor_q', args, { encoding: 'utf8' }).stdout.trim();

/** One condor_submit a job, as a script does it. */
function yardstick() {
  writeFileSync(
    join(folder, 'one.sub'),
    `executable = /bin/true\ntransfer_executable = false\nrequirements = false\nMy.DflowBench = true\nqueue\n`,
  );
  return timed('sh', ['-c', `for i in $(seq ${loop}); do condor_submit one.sub > /dev/null || exit 1; done`]);
}

prepare();
dflow('store', 'setup');
for (const step of ['register', 'transfer', 'enqueue']) dflow(step);
const handed = dflow('submit');
const pending = ask('-allusers', '-constraint', 'DflowStore =!= undefined && JobStatus == 1', '-af', 'DflowKey');
const monitors = [dflow('monitor'), dflow('monitor'), dflow('monitor')];
spawnSync('condor_rm', ['-constraint', 'DflowStore =!= undefined']);
const plain = (yardstick() * jobs) / loop;
spawnSync('condor_rm', ['-constraint', 'DflowBench =?= true']);
const scaled = loop < jobs ? `, scaled from ${loop}` : '';
console.log(`${jobs} jobs, ${pending.split('\n').length} pending in HTCondor`);
console.log(`dflow submit           ${handed.toFixed(2)} s`);
console.log(`loop of condor_submit  ${plain.toFixed(2)} s${scaled}  (ratio ${(plain / handed).toFixed(1)})`);
console.log(`dflow monitor          ${monitors.map((s) => s.toFixed(2)).join(', ')} s`);
rmSync(folder, { recursive: true, force: true });

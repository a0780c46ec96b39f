// 2,000 trivial jobs: RUNS runs x Processing -> Analysis through the whole chain and the local backend, beside the same
// payloads under `xargs -P2`, measured in the same call. Usage: node bench/chain.mjs [RUNS] [FOLDER]
// Prints wall seconds and their ratio; a larger RUNS shows whether it grows linearly.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const bin = join(dirname(fileURLToPath(import.meta.url)), '..', 'bin', 'run.js');
const runs = Number(process.argv[2] ?? 1000);
const folder = process.argv[3] ?? mkdtempSync(join(tmpdir(), 'dflow-bench-'));

const CONFIG = `buffer: {path: ./raw, pattern: 'run{run:7}.dat'}
storage: {disk: ./store}
farms: {here: {backend: local, slots: 2, pending: 400}}
`;
const MODULES = `modules:
  Processing: {run: 'wc -c "$@" > "$OUT_counts"', outputs: {counts: counts.txt}}
  Analysis: {needs: Processing, run: 'wc -c "$@" > "$OUT_sum"', outputs: {sum: sum.txt}}
runTypes: {any: [Processing, Analysis]}
`;

function prepare() {
  mkdirSync(join(folder, 'raw'), { recursive: true });
  mkdirSync(join(folder, 'store'), { recursive: true });
  mkdirSync(join(folder, 'modules'), { recursive: true });
  writeFileSync(join(folder, 'dflow.yaml'), CONFIG);
  writeFileSync(join(folder, 'modules', '1.0.yaml'), MODULES);
  const old = new Date(Date.now() - 3_600_000);
  for (let run = 1; run <= runs; run++) {
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

/** The same payloads, two at a time: both passes of each run, each in a shell of its own, as the wrapper does. */
function yardstick() {
  mkdirSync(join(folder, 'plain'), { recursive: true });
  const names = readdirSync(join(folder, 'raw')).join('\n');
  const shell = (from, to) => ['-P2', '-I{}', 'sh', '-c', `wc -c "${from}/{}" > "plain/{}.${to}"`];
  return (
    timed('xargs', shell('raw', 'counts'), { input: names }) + timed('xargs', shell('raw', 'sum'), { input: names })
  );
}

prepare();
timed(process.execPath, [bin, 'store', 'setup']);
const plain = yardstick();
const chain = timed(process.execPath, [
  ...(process.env.BENCH_NODE ?? '').split(' ').filter(Boolean),
  bin,
  'chain',
  '--until-idle',
  '--quiet',
]);
const again = timed(process.execPath, [bin, 'chain', '--until-idle', '--quiet']);
const counted = spawnSync(process.execPath, [bin, 'list', 'jobs', '--state', 'completed', '--format', 'ids'], {
  cwd: folder,
  encoding: 'utf8',
  maxBuffer: 1e9,
});
const done = counted.stdout.split('\n').filter((line) => line !== '').length;
console.log(`${2 * runs} jobs, ${done} passes completed`);
console.log(`dflow chain --until-idle  ${chain.toFixed(1)} s  (${((2 * runs) / chain).toFixed(0)} jobs/s)`);
console.log(`xargs -P2, payloads only  ${plain.toFixed(1)} s  (ratio ${(chain / plain).toFixed(1)})`);
console.log(`a second call, nothing to do  ${again.toFixed(1)} s`);
if (!process.argv[3]) rmSync(folder, { recursive: true, force: true });

// What benchmarks share: an experiment in a folder of its own, the product in it, and what its calls cost.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../..');
export const bin = process.env.DFLOW_BIN ?? join(root, 'bin/run.js');

/** A store of trivial passes: two modules, the second needs the first. */
const TRIVIAL = `modules:
  Processing: {run: 'wc -c "$@" > "$OUT_counts"', outputs: {counts: counts.txt}}
  Analysis: {needs: Processing, run: 'wc -c "$@" > "$OUT_sum"', outputs: {sum: sum.txt}}
runTypes: {any: [Processing, Analysis]}
`;

export const median = (all) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)];

/** A temporary folder; `drop` removes it. */
export const newFolder = () => mkdtempSync(join(process.env.DFLOW_BENCH_TMP ?? tmpdir(), 'dflow-bench-'));

/** BENCH_KEEP=1 keeps it. */
export function drop(folder) {
  if (process.env.BENCH_KEEP) process.stderr.write(`kept: ${folder}\n`);
  else rmSync(folder, { recursive: true, force: true, maxRetries: 50, retryDelay: 200 });
}

/** A temporary folder, which goes when `use` ends. */
export async function withFolder(use) {
  const folder = newFolder();
  try {
    return await use(folder);
  } finally {
    drop(folder);
  }
}

/** The folders of an experiment and its configuration. */
export function makeExperiment(folder, config, modules = TRIVIAL) {
  for (const name of ['raw', 'store', 'tape', 'modules']) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'dflow.yaml'), config, { mode: 0o600 });
  writeFileSync(join(folder, 'modules/1.0.yaml'), modules);
}

/** Raw files of runs FIRST to LAST, an hour old, in the pattern `run{run:DIGITS}.dat`. */
export function makeRaw(folder, first, last, digits = 7) {
  const old = new Date(Date.now() - 3_600_000);
  for (let run = first; run <= last; run++) {
    const path = join(folder, 'raw', `run${String(run).padStart(digits, '0')}.dat`);
    writeFileSync(path, `run ${run}\n`);
    utimesSync(path, old, old);
  }
}

/** Wall seconds of some work. */
export async function timed(work) {
  const began = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - began) / 1e9;
}

/** Runs a program to its end. @throws Error it ended with another code than 0 */
export function ran(command, args, options = {}) {
  const done = spawnSync(command, args, { stdio: ['pipe', 'ignore', 'pipe'], encoding: 'utf8', ...options });
  if (done.error) throw done.error;
  if (done.status !== 0)
    throw new Error(`${command} ${args.slice(0, 4).join(' ')} ended with ${done.status}: ${done.stderr ?? ''}`);
  return done.stdout;
}

/** Wall seconds of a program. */
export function took(command, args, options = {}) {
  const began = process.hrtime.bigint();
  ran(command, args, options);
  return Number(process.hrtime.bigint() - began) / 1e9;
}

/** Processor seconds that Linux counts for a process, in fields of /proc/PID/stat after its name, from 0. */
export function processorOf(pid, fields) {
  const all = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return fields.reduce((sum, field) => sum + Number(all[field]), 0) / 100;
}

/** Of the children of this process that have ended. */
const childrenCpu = () => processorOf('self', [13, 14]);

/** Wall and processor seconds of work in child processes. */
export async function costs(work) {
  const before = childrenCpu();
  const seconds = await timed(work);
  return { seconds, cpu: childrenCpu() - before };
}

/** A command of the product in the folder, without reading its output; answers wall seconds. */
export function dflow(folder, args, options = {}) {
  const node = (process.env.BENCH_NODE ?? '').split(' ').filter(Boolean);
  return took(process.execPath, [...node, bin, ...args], { cwd: folder, ...options });
}

/** What a command prints. */
export function asked(folder, args, options = {}) {
  const pipes = { stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 2 ** 30 };
  return ran(process.execPath, [bin, ...args], { cwd: folder, ...pipes, ...options });
}

/**
 * Wall and processor seconds, peak memory (MiB), seconds until the first byte of standard output, and bytes printed.
 * `codes`: exit codes that are expected.
 */
export function used(folder, args, codes = [0]) {
  const note = join(folder, `usage-${process.pid}.json`);
  const before = process.hrtime.bigint();
  const since = () => Number(process.hrtime.bigint() - before) / 1e9;
  const node = (process.env.BENCH_NODE ?? '').split(' ').filter(Boolean);
  const words = [...node, '--require', join(import.meta.dirname, 'usage.cjs'), bin, ...args];
  const env = { ...process.env, BENCH_USAGE: note };
  const child = spawn(process.execPath, words, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let first;
  let bytes = 0;
  let said = '';
  child.stdout.on('data', (chunk) => {
    first ??= since();
    bytes += chunk.length;
  });
  child.stderr.on('data', (chunk) => {
    said = `${said}${chunk}`.slice(-2000);
  });
  return new Promise((resolve, reject) =>
    child.on('close', (code) => {
      const seconds = since();
      if (!codes.includes(code)) return reject(new Error(`dflow ${args.join(' ')} ended with ${code}: ${said}`));
      if (!existsSync(note)) return reject(new Error(`dflow ${args.join(' ')} did not say what it has used: ${said}`));
      const usage = JSON.parse(readFileSync(note, 'utf8'));
      rmSync(note);
      resolve({ seconds, first: first ?? seconds, bytes, ...usage });
    }),
  );
}

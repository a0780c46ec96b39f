// What benches of copies have in common: files on a buffer, and how long `dflow transfer` takes for them.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const bin = process.env.DFLOW_BIN ?? join(import.meta.dirname, '..', 'bin', 'run.js');

export function ran(command, args, options = {}) {
  const done = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'], ...options });
  if (done.status !== 0) throw new Error(`${command} ${args.slice(0, 4).join(' ')} ended with ${done.status}`);
}

/** A folder of `count` random files of `size` bytes. */
export function source(count, size) {
  const folder = mkdtempSync(join(process.env.DFLOW_BENCH_TMP ?? tmpdir(), 'dflow-bench-copies-'));
  mkdirSync(join(folder, 'raw'));
  const names = Array.from({ length: count }, (_, run) => `run${String(run + 1).padStart(6, '0')}.dat`);
  const old = new Date(Date.now() - 3_600_000);
  const bytes = randomBytes(size);
  for (const [at, name] of names.entries()) {
    bytes.writeUInt32LE(at + 1, 0);
    writeFileSync(join(folder, 'raw', name), bytes);
    utimesSync(join(folder, 'raw', name), old, old);
  }
  return { folder, names };
}

/** Wall seconds of some work. */
export async function timed(work) {
  const began = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - began) / 1e9;
}

export const median = (all) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)];

/**
 * Seconds of `dflow transfer`, with its start and all its bookkeeping. The files are registered before, and every copy
 * is verified afterwards. `config`: lines of dflow.yaml about storage and transfer.
 */
export async function transferred({ folder, names }, config, env = process.env) {
  const buffer = `buffer: {path: ./raw, pattern: 'run{run:6}.dat', settle: 0s}`;
  writeFileSync(join(folder, 'dflow.yaml'), `${[buffer, ...config].join('\n')}\n`);
  mkdirSync(join(folder, 'modules'), { recursive: true });
  rmSync(join(folder, 'dflow.db'), { force: true });
  const call = (args) => ran(process.execPath, [bin, ...args], { cwd: folder, env });
  call(['store', 'setup']);
  call(['register', '--quiet']);
  const seconds = await timed(() => call(['transfer', '--quiet']));
  const list = [bin, 'list', 'replicas', '--run', `1-${names.length}`, '--json'];
  const asked = spawnSync(process.execPath, list, { cwd: folder, env, encoding: 'utf8', maxBuffer: 1e9 });
  const good = asked.stdout.split('\n').filter((line) => line !== '' && JSON.parse(line).state === 'verified').length;
  if (good !== names.length) throw new Error(`dflow verified ${good} of ${names.length}`);
  return seconds;
}

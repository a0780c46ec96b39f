// `dflow register` against `xrdadler32`, side by side in one run: one big file, and several files with two xrdadler32
// at once. xrdadler32 remembers its answer in an extended attribute: that is removed before each run.
// Usage: node bench/register.mjs [MIB=2048] [FILES=8] [ROUNDS=3]
// Targets: 1.2 times as fast on one file, 1.8 times as fast as one xrdadler32 after the other with two workers.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, utimesSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const bin = process.env.DFLOW_BIN ?? join(dirname(fileURLToPath(import.meta.url)), '..', 'bin', 'run.js');
const [mib = 2048, files = 8, rounds = 3] = process.argv.slice(2).map(Number);
const base = process.env.DFLOW_BENCH_TMP ?? tmpdir();

/** `count` random files of `size` MiB together. */
function world(count, size) {
  const folder = mkdtempSync(join(base, 'dflow-bench-register-'));
  mkdirSync(join(folder, 'raw'));
  mkdirSync(join(folder, 'store'));
  writeFileSync(
    join(folder, 'dflow.yaml'),
    "buffer: {path: ./raw, pattern: 'run{run:6}.dat'}\nstorage: {disk: ./store}\n",
  );
  const block = randomBytes(2 ** 20);
  const old = new Date(Date.now() - 3_600_000);
  const paths = Array.from({ length: count }, (_, index) =>
    join(folder, 'raw', `run${String(index + 1).padStart(6, '0')}.dat`),
  );
  for (const path of paths) {
    const handle = openSync(path, 'w');
    for (let done = 0; done < size / count; done++) {
      block.writeUInt32LE(done, 0);
      writeSync(handle, block);
    }
    closeSync(handle);
    utimesSync(path, old, old);
  }
  return { folder, paths };
}

function timed(command, args, options = {}) {
  const began = process.hrtime.bigint();
  const ran = spawnSync(command, args, { encoding: 'utf8', ...options });
  if (ran.status !== 0) throw new Error(`${command} ended with ${ran.status}: ${ran.stderr}`);
  return { seconds: Number(process.hrtime.bigint() - began) / 1e9, out: ran.stdout };
}

/** What xrdadler32 remembers by: any attribute of the user's. */
function forget(paths) {
  for (const path of paths) {
    const listed = spawnSync('python3', [
      '-c',
      'import os,sys\nfor p in sys.argv[1:]:\n for a in os.listxattr(p): os.removexattr(p, a)',
      path,
    ]);
    if (listed.status !== 0) throw new Error(`attributes of ${path} cannot be removed`);
  }
}

function register({ folder }) {
  rmSync(join(folder, 'dflow.db'), { force: true });
  timed(process.execPath, [bin, 'store', 'setup'], { cwd: folder });
  return timed(process.execPath, [bin, 'register', '--quiet'], { cwd: folder }).seconds;
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const input = (paths) => ({ input: paths.join('\n') });

function compare(what, count, goal) {
  const one = world(count, mib);
  const times = { dflow: [], xrdadler32: [], 'xargs -P2': [] };
  const read = [];
  // Everything is in the page cache for all of them; a plain reading says what the disk and cache give.
  timed('cat', one.paths, { stdio: ['ignore', 'ignore', 'inherit'] });
  for (let round = 0; round < rounds; round++) {
    times.dflow.push(register(one));
    forget(one.paths);
    times.xrdadler32.push(timed('xargs', ['-d', '\n', '-n1', 'xrdadler32'], input(one.paths)).seconds);
    forget(one.paths);
    times['xargs -P2'].push(timed('xargs', ['-d', '\n', '-n1', '-P2', 'xrdadler32'], input(one.paths)).seconds);
    read.push(timed('cat', one.paths, { stdio: ['ignore', 'ignore', 'inherit'] }).seconds);
  }
  rmSync(one.folder, { recursive: true, force: true });
  const seconds = Object.fromEntries(Object.entries(times).map(([name, all]) => [name, median(all)]));
  console.log(`${what}: ${count} files, ${mib} MiB, median of ${rounds}; cat ${median(read).toFixed(2)} s`);
  for (const [name, s] of Object.entries(seconds)) {
    const ratio = name === 'dflow' ? '' : `  dflow is ${(s / seconds.dflow).toFixed(2)} times as fast`;
    console.log(`  ${name.padEnd(10)} ${s.toFixed(2).padStart(7)} s  ${(mib / s).toFixed(0)} MiB/s${ratio}`);
  }
  const ratio = seconds.xrdadler32 / seconds.dflow;
  console.log(`  target ${goal}: ${ratio >= goal ? 'met' : 'MISSED'} (${ratio.toFixed(2)})`);
}

compare('one file', 1, 1.2);
compare('two workers', files, 1.8);

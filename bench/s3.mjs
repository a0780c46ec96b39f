// To a real S3 server, side by side in one run: `dflow transfer` against `rclone copy --transfers 32`. dflow registers first;
// its start, its claims and its records are timed with the copies.
// Usage: node bench/s3.mjs [--large 8] [--large-mib 256] [--small 2000] [--small-kib 100] [--rounds 1] [--server versitygw]
// The server is test/systems/s3-up.sh, whose rclone is the other program, too. Target: no slower than rclone.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
const bin = process.env.DFLOW_BIN ?? join(here, '..', 'bin', 'run.js');
const number = (fallback) => ({ type: 'string', default: String(fallback) });
const { values } = parseArgs({
  options: {
    large: number(8),
    'large-mib': number(256),
    small: number(2000),
    'small-kib': number(100),
    rounds: number(1),
    server: { type: 'string', default: 'versitygw' },
  },
});
const rounds = Number(values.rounds);
const port = { rclone: 22900, versitygw: 22901 }[values.server];
if (!port) throw new Error(`--server must be rclone or versitygw, not ${values.server}`);
const systems = join(process.env.DFLOW_SYSTEMS ?? '/opt/dflow-systems', 's3');
const env = {
  ...process.env,
  AWS_ACCESS_KEY_ID: 'dflow-access-key',
  AWS_SECRET_ACCESS_KEY: 'dflow-secret-key',
  RCLONE_CONFIG_HERE_TYPE: 's3',
  RCLONE_CONFIG_HERE_PROVIDER: 'Other',
  RCLONE_CONFIG_HERE_ENV_AUTH: 'true',
  RCLONE_CONFIG_HERE_ENDPOINT: `http://127.0.0.1:${port}`,
  RCLONE_CONFIG_HERE_NO_CHECK_BUCKET: 'true',
  RCLONE_CONFIG: '/dev/null',
};
ran('bash', [join(here, '..', 'test/systems/s3-up.sh'), values.server]);

function ran(command, args, options = {}) {
  const done = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'], env, ...options });
  if (done.status !== 0) throw new Error(`${command} ${args.slice(0, 4).join(' ')} ended with ${done.status}`);
}

/** A folder of `count` random files of `size` bytes. */
function source(count, size) {
  const folder = mkdtempSync(join(process.env.DFLOW_BENCH_TMP ?? tmpdir(), 'dflow-bench-s3-'));
  mkdirSync(join(folder, 'raw'));
  const old = new Date(Date.now() - 3_600_000);
  const bytes = randomBytes(size);
  for (let run = 1; run <= count; run++) {
    bytes.writeUInt32LE(run, 0);
    const path = join(folder, 'raw', `run${String(run).padStart(6, '0')}.dat`);
    writeFileSync(path, bytes);
    utimesSync(path, old, old);
  }
  return { folder, count };
}

const prefixes = [];
function target() {
  prefixes.push(`bench${process.pid}-${prefixes.length}`);
  return prefixes.at(-1);
}

/** Wall seconds of some work. */
function timed(work) {
  const began = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - began) / 1e9;
}

const rclone = join(systems, 'venv/bin/rclone');

function byRclone({ folder }) {
  const to = `here:dflow/${target()}`;
  return timed(() => ran(rclone, ['copy', '--transfers', '32', '--quiet', join(folder, 'raw'), to]));
}

function byDflow({ folder, count }) {
  const storage = `storage: {cloud: {url: 's3://dflow/${target()}', options: {endpoint: 'http://127.0.0.1:${port}'}}}`;
  const buffer = `buffer: {path: ./raw, pattern: 'run{run:6}.dat'}`;
  writeFileSync(join(folder, 'dflow.yaml'), `${buffer}\n${storage}\ntransfer: {parallel: 32, perStorage: 32}\n`);
  mkdirSync(join(folder, 'modules'), { recursive: true });
  rmSync(join(folder, 'dflow.db'), { force: true });
  const call = (args) => ran(process.execPath, [bin, ...args], { cwd: folder });
  call(['store', 'setup']);
  call(['register', '--quiet']);
  const seconds = timed(() => call(['transfer', '--quiet']));
  const asked = spawnSync(process.execPath, [bin, 'list', 'replicas', '--run', `1-${count}`, '--json'], {
    cwd: folder,
    env,
    encoding: 'utf8',
    maxBuffer: 1e9,
  });
  const good = asked.stdout.split('\n').filter((line) => line !== '' && JSON.parse(line).state === 'verified').length;
  if (good !== count) throw new Error(`dflow verified ${good} of ${count}`);
  return seconds;
}

const median = (all) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)];

function compare(what, count, size) {
  const files = source(count, size);
  const times = { dflow: [], rclone: [] };
  try {
    // Interleaved, so that what else the machine does meets both.
    for (let round = 0; round < rounds; round++) {
      spawnSync('sync');
      times.dflow.push(byDflow(files));
      spawnSync('sync');
      times.rclone.push(byRclone(files));
    }
  } finally {
    rmSync(files.folder, { recursive: true, force: true });
    for (const prefix of prefixes.splice(0)) ran(rclone, ['purge', '--quiet', `here:dflow/${prefix}`]);
  }
  const mib = (count * size) / 2 ** 20;
  const [ours, theirs] = [median(times.dflow), median(times.rclone)];
  console.log(`${what}: ${count} files, ${mib.toFixed(0)} MiB, ${values.server}, median of ${rounds}`);
  for (const [name, s] of [
    ['dflow', ours],
    ['rclone', theirs],
  ])
    console.log(
      `  ${name.padEnd(6)} ${s.toFixed(2).padStart(7)} s  ${(mib / s).toFixed(0)} MiB/s, ${(count / s).toFixed(0)} files/s`,
    );
  console.log(`  dflow is ${(theirs / ours).toFixed(2)} times as fast as rclone copy --transfers 32`);
}

if (Number(values.small) > 0) compare('small', Number(values.small), Number(values['small-kib']) * 2 ** 10);
if (Number(values.large) > 0) compare('large', Number(values.large), Number(values['large-mib']) * 2 ** 20);

// To a real S3 server, side by side in one run: `dflow transfer` against `rclone copy --transfers 32`. dflow registers first;
// its start, its claims and its records are timed with the copies.
// Usage: node bench/s3.mjs [--large 8] [--large-mib 256] [--small 2000] [--small-kib 100] [--rounds 1] [--server versitygw]
// The server is test/systems/s3-up.sh, whose rclone is the other program, too. Target: no slower than rclone.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { median, ran, source, timed, transferred } from './copying.mjs';

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
ran('bash', [join(import.meta.dirname, '..', 'test/systems/s3-up.sh'), values.server], { env });

const prefixes = [];
function target() {
  prefixes.push(`bench${process.pid}-${prefixes.length}`);
  return prefixes.at(-1);
}

const rclone = join(systems, 'venv/bin/rclone');

function byRclone({ folder }) {
  const to = `here:dflow/${target()}`;
  return timed(() => ran(rclone, ['copy', '--transfers', '32', '--quiet', join(folder, 'raw'), to], { env }));
}

function byDflow(files) {
  const endpoint = `http://127.0.0.1:${port}`;
  const storage = `storage: {cloud: {url: 's3://dflow/${target()}', options: {endpoint: '${endpoint}'}}}`;
  return transferred(files, [storage, 'transfer: {parallel: 32, perStorage: 32}'], env);
}

async function compare(what, count, size) {
  const files = source(count, size);
  const times = { dflow: [], rclone: [] };
  try {
    // Interleaved, so that what else the machine does meets both.
    for (let round = 0; round < rounds; round++) {
      spawnSync('sync');
      times.dflow.push(await byDflow(files));
      spawnSync('sync');
      times.rclone.push(await byRclone(files));
    }
  } finally {
    rmSync(files.folder, { recursive: true, force: true });
    for (const prefix of prefixes.splice(0)) ran(rclone, ['purge', '--quiet', `here:dflow/${prefix}`], { env });
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

if (Number(values.small) > 0) await compare('small', Number(values.small), Number(values['small-kib']) * 2 ** 10);
if (Number(values.large) > 0) await compare('large', Number(values.large), Number(values['large-mib']) * 2 ** 20);

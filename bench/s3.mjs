// To a real S3 server, side by side in one run: `dflow transfer` against `rclone copy --transfers 32`. dflow registers
// first; its start, its claims and its records are timed with the copies. The server is test/systems/s3-up.sh.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { SIZES, sizesOf, source, transferred } from './shared/copying.mjs';
import { median, ran, root, timed } from './shared/experiment.mjs';
import { programPath } from './shared/tools.mjs';

const PORTS = { rclone: 22900, versitygw: 22901 };

const environment = (port) => ({
  ...process.env,
  AWS_ACCESS_KEY_ID: 'dflow-access-key',
  AWS_SECRET_ACCESS_KEY: 'dflow-secret-key',
  RCLONE_CONFIG_HERE_TYPE: 's3',
  RCLONE_CONFIG_HERE_PROVIDER: 'Other',
  RCLONE_CONFIG_HERE_ENV_AUTH: 'true',
  RCLONE_CONFIG_HERE_ENDPOINT: `http://127.0.0.1:${port}`,
  RCLONE_CONFIG_HERE_NO_CHECK_BUCKET: 'true',
  RCLONE_CONFIG: '/dev/null',
});

const prefixes = [];
function target() {
  prefixes.push(`bench${process.pid}-${prefixes.length}`);
  return prefixes.at(-1);
}

function byRclone({ folder }, env) {
  const to = `here:dflow/${target()}`;
  const words = ['copy', '--transfers', '32', '--quiet', join(folder, 'raw'), to];
  return timed(() => ran(programPath('rclone'), words, { env }));
}

function byDflow(files, env) {
  const endpoint = env.RCLONE_CONFIG_HERE_ENDPOINT;
  const storage = `storage: {cloud: {url: 's3://dflow/${target()}', options: {endpoint: '${endpoint}'}}}`;
  return transferred(files, [storage, 'transfer: {parallel: 32, perStorage: 32}'], env);
}

/** Interleaved, so that what else the machine does meets both. */
async function compare(env, { count, size, rounds }) {
  const files = source(count, size);
  const times = { dflow: [], rclone: [] };
  try {
    for (let round = 0; round < rounds; round++) {
      spawnSync('sync');
      times.dflow.push(await byDflow(files, env));
      spawnSync('sync');
      times.rclone.push(await byRclone(files, env));
    }
  } finally {
    rmSync(files.folder, { recursive: true, force: true });
    for (const prefix of prefixes.splice(0))
      ran(programPath('rclone'), ['purge', '--quiet', `here:dflow/${prefix}`], { env });
  }
  return { value: median(times.dflow), yardstick: { name: 'rclone --transfers 32', value: median(times.rclone) } };
}

export default {
  about: 'copies to a real S3 server, against rclone copy --transfers 32',
  needs: ['rclone'],
  options: {
    ...SIZES,
    server: { fallback: 'versitygw', about: 'rclone or versitygw' },
  },
  async *run(given) {
    const port = PORTS[given.server];
    if (!port) throw new Error(`--server must be rclone or versitygw, not '${given.server}'`);
    const env = environment(port);
    ran('bash', [join(root, 'test/systems/s3-up.sh'), given.server], { env });
    const sets = sizesOf(given);
    for (const { count, size, words } of sets.filter((set) => set.count > 0)) {
      const measured = await compare(env, { count, size, rounds: Number(given.rounds) });
      yield { what: `${count} files of ${words} to ${given.server}`, ...measured, target: { atLeast: 1 } };
    }
  },
};

// What benches of copies have in common: files on a buffer, and how long `dflow transfer` takes for them.
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asked, dflow, timed } from './experiment.mjs';

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

/**
 * Seconds of `dflow transfer`, with its start and all its bookkeeping. The files are registered before, and every copy
 * is verified afterwards. `config`: lines of dflow.yaml about storage and transfer.
 */
export async function transferred({ folder, names }, config, env = process.env) {
  const buffer = `buffer: {path: ./raw, pattern: 'run{run:6}.dat', settle: 0s}`;
  writeFileSync(join(folder, 'dflow.yaml'), `${[buffer, ...config].join('\n')}\n`);
  mkdirSync(join(folder, 'modules'), { recursive: true });
  rmSync(join(folder, 'dflow.db'), { force: true });
  dflow(folder, ['store', 'setup'], { env });
  dflow(folder, ['register', '--quiet'], { env });
  const seconds = await timed(() => dflow(folder, ['transfer', '--quiet'], { env }));
  const rows = asked(folder, ['list', 'replicas', '--run', `1-${names.length}`, '--json'], { env }).split('\n');
  const good = rows.filter((line) => line !== '' && JSON.parse(line).state === 'verified').length;
  if (good !== names.length) throw new Error(`dflow verified ${good} of ${names.length}`);
  return seconds;
}

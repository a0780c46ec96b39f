// What benches of copies have in common: files on a buffer, and how long `dflow transfer` takes for them.
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asked, dflow, timed } from './experiment.mjs';

const pad = (number, width) => String(number).padStart(width, '0');

/** Sizes that benches of copies have as options. */
export const SIZES = {
  large: { fallback: '8', about: 'how many large files' },
  'large-mib': { fallback: '256', about: 'MiB of each' },
  small: { fallback: '2000', about: 'how many small files' },
  'small-kib': { fallback: '100', about: 'KiB of each' },
  rounds: { fallback: '1', about: 'rounds; the median counts' },
};

/** The sets of files that these options ask for: many small ones, then few large ones. */
export function sizesOf(given) {
  return [
    { count: Number(given.small), size: Number(given['small-kib']) * 2 ** 10, words: `${given['small-kib']} KiB` },
    { count: Number(given.large), size: Number(given['large-mib']) * 2 ** 20, words: `${given['large-mib']} MiB` },
  ];
}

/** A folder of `count` random files of `size` bytes, so many of each run. */
export function source(count, size, subruns = 1) {
  const folder = mkdtempSync(join(process.env.DFLOW_BENCH_TMP ?? tmpdir(), 'dflow-bench-copies-'));
  mkdirSync(join(folder, 'raw'));
  const names = Array.from({ length: count }, (_, at) => {
    return `run${pad(Math.floor(at / subruns) + 1, 6)}_${pad(at % subruns, 3)}.dat`;
  });
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
 * is verified afterwards. `config`: lines of dflow.yaml about storage and transfer; `copies` of each file are wanted.
 */
export async function transferred({ folder, names }, config, env = process.env, copies = 1) {
  const buffer = `buffer: {path: ./raw, pattern: 'run{run:6}_{subrun:3}.dat', settle: 0s}`;
  writeFileSync(join(folder, 'dflow.yaml'), `${[buffer, ...config].join('\n')}\n`);
  mkdirSync(join(folder, 'modules'), { recursive: true });
  rmSync(join(folder, 'dflow.db'), { force: true });
  dflow(folder, ['store', 'setup'], { env });
  dflow(folder, ['register', '--quiet'], { env });
  const seconds = await timed(() => dflow(folder, ['transfer', '--quiet'], { env }));
  const rows = asked(folder, ['list', 'replicas', '--run', `1-${names.length}`, '--json'], { env }).split('\n');
  const good = rows.filter((line) => line !== '' && JSON.parse(line).state === 'verified').length;
  const wanted = copies * names.length;
  if (good !== wanted) throw new Error(`dflow verified ${good} of ${wanted}`);
  return seconds;
}

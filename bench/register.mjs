// `dflow register` beside `xrdadler32` and `cat`, in one run: one large file, several large ones, many small ones.
// xrdadler32 remembers its answer in an extended attribute, which is removed before each round.
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, rmSync, utimesSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { dflow, makeExperiment, median, ran, took, withFolder } from './shared/experiment.mjs';

const CONFIG = "buffer: {path: ./raw, pattern: 'run{run:6}.dat', settle: 0s}\nstorage: {disk: ./store}\n";

/** `count` random files of `size` bytes. */
function fill(folder, count, size) {
  const block = randomBytes(Math.min(size, 2 ** 20));
  const old = new Date(Date.now() - 3_600_000);
  return Array.from({ length: count }, (_, index) => {
    const path = join(folder, 'raw', `run${String(index + 1).padStart(6, '0')}.dat`);
    const handle = openSync(path, 'w');
    for (let done = 0; done < size; done += block.length) {
      block.writeUInt32LE(index + done, 0);
      writeSync(handle, block);
    }
    closeSync(handle);
    utimesSync(path, old, old);
    return path;
  });
}

/** What xrdadler32 remembers by: any attribute of the user's. */
const FORGET = 'import os,sys\nfor p in sys.stdin.read().split():\n for a in os.listxattr(p): os.removexattr(p, a)';

function xrdadler32(paths, atOnce) {
  const input = paths.join('\n');
  ran('python3', ['-c', FORGET], { input });
  return took('xargs', ['-d', '\n', '-n1', `-P${atOnce}`, 'xrdadler32'], { input });
}

function register(folder) {
  for (const name of ['dflow.db', 'dflow.db-seen']) rmSync(join(folder, name), { force: true });
  dflow(folder, ['store', 'setup', '--quiet']);
  return dflow(folder, ['register', '--quiet']);
}

async function* compare(what, { count, size, rounds, lacks, atLeast }) {
  const times = await withFolder((folder) => {
    makeExperiment(folder, CONFIG);
    const paths = fill(folder, count, size);
    // Everything is in the page cache for all of them; `cat` says what disk and cache give.
    const input = paths.join('\n');
    const cat = () => took('xargs', ['-d', '\n', 'cat'], { input });
    cat();
    const all = { dflow: [], cat: [], xrdadler32: [] };
    for (let round = 0; round < rounds; round++) {
      all.dflow.push(register(folder));
      if (!lacks.includes('xrootd')) all.xrdadler32.push(xrdadler32(paths, 2));
      all.cat.push(cat());
    }
    return all;
  });
  const value = median(times.dflow);
  yield { what: `${what}, against cat`, value, yardstick: { name: 'cat', value: median(times.cat) } };
  if (times.xrdadler32.length === 0) return;
  const yardstick = { name: 'xargs -P2 xrdadler32', value: median(times.xrdadler32) };
  yield { what: `${what}, against xrdadler32`, value, yardstick, target: { atLeast } };
}

export default {
  about: 'register of large and of small files, against xrdadler32 and cat',
  needs: ['xrootd'],
  options: {
    mib: { fallback: '2048', about: 'MiB of the large files together' },
    files: { fallback: '8', about: 'how many large files' },
    small: { fallback: '10000', about: 'how many small files, 1 KiB each' },
    rounds: { fallback: '3', about: 'rounds; the median counts' },
  },
  async *run({ mib, files, small, rounds, lacks }) {
    const [size, more] = [Number(mib) * 2 ** 20, { rounds: Number(rounds), lacks }];
    yield* compare(`1 file of ${mib} MiB`, { count: 1, size, atLeast: 1.2, ...more });
    const share = Math.ceil(size / Number(files) / 2 ** 20) * 2 ** 20;
    yield* compare(`${files} files, ${mib} MiB`, { count: Number(files), size: share, atLeast: 1, ...more });
    yield* compare(`${small} files of 1 KiB`, { count: Number(small), size: 1024, atLeast: 1, ...more });
  },
};

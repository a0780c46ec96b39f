// A second `dflow register` over a buffer of registered files that have not changed, beside `find -printf`, which asks the
// file system for the same of each file.
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { costs, dflow, makeExperiment, median, ran, withFolder } from './shared/experiment.mjs';

const CONFIG = "buffer: {path: ./raw, pattern: 'run{run:7}.dat', settle: 0s}\nstorage: {disk: ./store}\n";

function fill(folder, count) {
  const old = new Date(Date.now() - 3_600_000);
  for (let run = 1; run <= count; run++) {
    const night = join(folder, 'raw', String(Math.floor(run / 1000)).padStart(3, '0'));
    if (run === 1 || run % 1000 === 0) mkdirSync(night, { recursive: true });
    const path = join(night, `run${String(run).padStart(7, '0')}.dat`);
    writeFileSync(path, `${run}\n`);
    utimesSync(path, old, old);
  }
}

export default {
  about: 'register over a buffer without anything new, against find -printf',
  options: {
    files: { fallback: '100000', about: 'how many registered files' },
    rounds: { fallback: '3', about: 'rounds; the median counts' },
  },
  async *run({ files, rounds }) {
    const { ours, theirs } = await withFolder(async (folder) => {
      makeExperiment(folder, CONFIG);
      fill(folder, Number(files));
      dflow(folder, ['store', 'setup', '--quiet']);
      dflow(folder, ['register', '--quiet']);
      const all = { ours: [], theirs: [] };
      for (let round = 0; round < Number(rounds); round++) {
        all.ours.push(await costs(() => dflow(folder, ['register', '--quiet'])));
        const words = [join(folder, 'raw'), '-type', 'f', '-printf', '%p %s %T@ %C@ %i\n'];
        all.theirs.push(
          await costs(() => ran('find', words, { stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 2 ** 30 })),
        );
      }
      return all;
    });
    const middle = (all, field) => median(all.map((one) => one[field]));
    for (const [field, words] of [
      ['seconds', ''],
      ['cpu', ', processor'],
    ]) {
      const yardstick = { name: 'find -printf', value: middle(theirs, field) };
      const target = field === 'seconds' ? { under: 1 } : undefined;
      yield { what: `${files} unchanged files${words}`, value: middle(ours, field), yardstick, target };
    }
  },
};

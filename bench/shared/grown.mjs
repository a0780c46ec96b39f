// A store that has grown for years: one run goes through the real chain, and its documents are written again for every
// other run. So they are always such as the product writes.
import { once } from 'node:events';
import { createWriteStream, rmSync } from 'node:fs';
import { join } from 'node:path';
import { asked, dflow, makeExperiment, makeRaw } from './experiment.mjs';

export const DIGITS = 10;
const pad = (run) => String(run).padStart(DIGITS, '0');

/** Jobs end at once, unless the file `hold` is in the experiment's folder. */
const modules = (folder) => {
  const wait = `[ ! -e '${folder}/hold' ] || sleep 3600`;
  return `modules:
  Processing: {run: "${wait}; wc -c \\"$@\\" > \\"$OUT_counts\\"", outputs: {counts: counts.txt}}
  Analysis: {needs: Processing, run: 'wc -c "$@" > "$OUT_sum"', outputs: {sum: sum.txt}}
runTypes: {any: [Processing, Analysis]}
`;
};

const GROWN = `experiment: bench
buffer: {path: ./raw, pattern: 'run{run:10}.dat', settle: 0s}
storage: {disk: ./store, tape: ./tape}
copies: {raw: 2}
runs: {quiet: 1s}
farms: {here: {backend: local, slots: 2, pending: 400}}
`;

/** Documents of run 1, which is done: completed passes, verified copies, an original that was purged. */
function template(folder) {
  makeRaw(folder, 1, 1, DIGITS);
  dflow(folder, ['chain', '--until-idle', '--quiet']);
  // All of the disk cannot become free, which purge says with exit 1.
  try {
    dflow(folder, ['purge', '--yes', '--until-free', '100%', '--quiet']);
  } catch {}
  const docs = asked(folder, ['store', 'export']).split('\n').filter(Boolean);
  const own = docs.filter((line) => JSON.parse(line)._id.includes(`:${pad(1)}`));
  if (own.length < 4 || !own.some((line) => line.includes('"state":"purged"')))
    throw new Error(`the run that all others are made of is not done: ${own.length} documents`);
  return own;
}

/** The experiment of `passes` finished passes, two of each run, and a buffer that is empty. */
export async function grow(folder, passes, { say = () => {} } = {}) {
  makeExperiment(folder, GROWN, modules(folder));
  dflow(folder, ['store', 'setup', '--quiet']);
  const own = template(folder);
  const file = join(folder, 'all.jsonl');
  const out = createWriteStream(file);
  for (let run = 2; run <= passes / 2; run++) {
    const text = own.map((line) => line.replaceAll(pad(1), pad(run)).replace('"run":1,', `"run":${run},`)).join('\n');
    if (!out.write(`${text}\n`)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'finish');
  say(`${(passes / 2 - 1) * own.length} documents are written; importing`);
  const seconds = dflow(folder, ['store', 'import', file, '--quiet']);
  rmSync(file);
  say(`imported in ${seconds.toFixed(0)} s`);
  // Views are made by the first command that asks them.
  const views = dflow(folder, ['status']);
  say(`views made in ${views.toFixed(0)} s`);
  return { documents: (passes / 2) * own.length, importing: seconds, views };
}

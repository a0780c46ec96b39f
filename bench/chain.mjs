// Trivial jobs through the whole chain and the local backend, beside the same payloads under `xargs -P2` and, where it is
// installed, under `snakemake -c2`. Several sizes in one call show whether it grows linearly.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asked, costs, dflow, makeExperiment, makeRaw, ran, withFolder } from './shared/experiment.mjs';
import { programPath } from './shared/tools.mjs';

const CONFIG = `buffer: {path: ./raw, pattern: 'run{run:7}.dat'}
storage: {disk: ./store}
farms: {here: {backend: local, slots: 2, pending: 400}}
`;
const SNAKEFILE = `RUNS = glob_wildcards('raw/run{run}.dat').run
rule all:
    input: expand('snake/{run}.sum', run=RUNS)
rule counts:
    input: 'raw/run{run}.dat'
    output: 'snake/{run}.counts'
    shell: 'wc -c {input} > {output}'
rule sum:
    input: 'snake/{run}.counts'
    output: 'snake/{run}.sum'
    shell: 'wc -c {input} > {output}'
`;

/** The same payloads, two at a time: both passes of each run, each in a shell of its own, as the wrapper does. */
async function byXargs(folder) {
  mkdirSync(join(folder, 'plain'), { recursive: true });
  const input = readdirSync(join(folder, 'raw')).join('\n');
  const words = (from, to) => ['-P2', '-I{}', 'sh', '-c', `wc -c "${from}/{}" > "plain/{}.${to}"`];
  return costs(() => {
    ran('xargs', words('raw', 'counts'), { cwd: folder, input });
    ran('xargs', words('raw', 'sum'), { cwd: folder, input });
  });
}

function bySnakemake(folder) {
  writeFileSync(join(folder, 'Snakefile'), SNAKEFILE);
  return costs(() => ran(programPath('snakemake'), ['-c2', '--quiet', 'all'], { cwd: folder }));
}

async function byDflow(folder, runs) {
  dflow(folder, ['store', 'setup', '--quiet']);
  const spent = await costs(() => dflow(folder, ['chain', '--until-idle', '--quiet']));
  const done = asked(folder, ['list', 'jobs', '--state', 'completed', '--format', 'ids']).split('\n').filter(Boolean);
  if (done.length !== 2 * runs) throw new Error(`${done.length} of ${2 * runs} passes are completed`);
  return spent;
}

function* rows(runs, ours, theirs, name, atLeast) {
  const what = `${runs} runs x 2 jobs`;
  const target = { atLeast };
  yield { what: `${what}, against ${name}`, value: ours.seconds, yardstick: { name, value: theirs.seconds }, target };
  // The machine may be shared: seconds of the processor do not tell what others did.
  const cpu = { value: ours.cpu, yardstick: { name, value: theirs.cpu } };
  yield { what: `${what}, processor, against ${name}`, ...cpu };
}

export default {
  about: 'runs x 2 trivial jobs by the chain and the local backend, against xargs -P2 and snakemake -c2',
  needs: ['snakemake'],
  options: {
    runs: { fallback: '300,1000,3000', about: 'how many runs, one experiment each' },
  },
  async *run({ runs, lacks }) {
    for (const count of runs.split(',').map(Number)) {
      const measured = await withFolder(async (folder) => {
        makeExperiment(folder, CONFIG);
        makeRaw(folder, 1, count);
        const xargs = await byXargs(folder);
        const ours = await byDflow(folder, count);
        const snakemake = lacks.includes('snakemake') ? undefined : await bySnakemake(folder);
        rmSync(join(folder, 'raw'), { recursive: true });
        return { xargs, ours, snakemake };
      });
      yield* rows(count, measured.ours, measured.xargs, 'xargs -P2', 0.25);
      if (measured.snakemake) yield* rows(count, measured.ours, measured.snakemake, 'snakemake -c2', 5);
    }
  },
};

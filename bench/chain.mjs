// Trivial jobs through the whole chain and the local backend, beside the same payloads under `xargs -P2` and, where it is
// installed, under `snakemake -c2`. Several sizes in one call show whether it grows linearly.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  asked,
  costs,
  dflow,
  makeExperiment,
  makeRaw,
  processorOf,
  ran,
  used,
  withFolder,
} from './shared/experiment.mjs';
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

/** Processor seconds of the backend's supervisors and of the jobs that ended under them: they are nobody's children here. */
function supervisors(folder) {
  const spent = new Map();
  const look = () => {
    try {
      const pid = readFileSync(join(folder, '.dflow/here/supervisor.pid'), 'utf8').trim();
      spent.set(pid, processorOf(pid, [11, 12, 13, 14]));
    } catch {
      // There is none now.
    }
  };
  const timer = setInterval(look, 100);
  return () => {
    look();
    clearInterval(timer);
    return [...spent.values()].reduce((sum, one) => sum + one, 0);
  };
}

/** Seconds, and seconds of the processor: the chain's own, and those of the backend with all that it started. */
async function byDflow(folder, runs) {
  dflow(folder, ['store', 'setup', '--quiet']);
  const backend = supervisors(folder);
  const own = await used(folder, ['chain', '--until-idle', '--quiet']);
  const jobs = backend();
  const spent = { seconds: own.seconds, cpu: own.cpu + jobs, own: own.cpu, jobs };
  const done = asked(folder, ['list', 'jobs', '--state', 'completed', '--format', 'ids']).split('\n').filter(Boolean);
  if (done.length !== 2 * runs) throw new Error(`${done.length} of ${2 * runs} passes are completed`);
  return spent;
}

function* rows(runs, ours, theirs, name, atLeast) {
  const what = `${runs} runs x 2 jobs`;
  const target = { atLeast };
  yield { what: `${what}, against ${name}`, value: ours.seconds, yardstick: { name, value: theirs.seconds }, target };
  // The machine may be shared: seconds of the processor do not tell what others did.
  const perJob = (cpu) => `${((1000 * cpu) / (2 * runs)).toFixed(1)} ms`;
  const also = `a job: chain ${perJob(ours.own)}, backend and wrapper ${perJob(ours.jobs)}`;
  const cpu = { value: ours.cpu, also, yardstick: { name, value: theirs.cpu } };
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

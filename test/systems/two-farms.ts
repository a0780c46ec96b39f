// One experiment, one store, two farms that are real batch systems: `cedar` is Slurm, `birch` HTCondor, and either may
// take any job. Starts dflow's steps so that they are struck at a point, and knows where their traces are.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { BIN, environment } from '../support/cli.ts';
import { filesBelow } from '../support/picture.ts';
import { SYSTEM as CONDOR, condor } from './condor-world.ts';
import { Experiment } from './experiment.ts';
import { SYSTEM as SLURM, slurm } from './slurm-world.ts';

export const SITES = ['cedar', 'birch'] as const;
export type Site = (typeof SITES)[number];
export type StepName = 'submit' | 'monitor' | 'reset';

/** What each step of submit and monitor calls at a site. */
export const TOOLS: Readonly<Record<Site, Readonly<Record<'submit' | 'release' | 'cancel', string>>>> = {
  cedar: { submit: 'sbatch', release: 'scontrol release', cancel: 'scancel' },
  birch: { submit: 'condor_submit', release: 'condor_release', cancel: 'condor_rm' },
};

export interface Launch {
  readonly step: StepName;
  readonly site: Site;
  /** At most so many jobs. */
  readonly limit?: number;
  /** Submit without the lease: the built program always takes it, so this is the child. */
  readonly free?: boolean;
  /** For the stand-ins: `<program>:<fault>`. */
  readonly fault?: string;
  /** Between two writes: `<call>:<fault>`. */
  readonly point?: string;
  /** Gets the pid of who was struck. */
  readonly struck?: string;
}

export class TwoFarms extends Experiment {
  #child = '';

  constructor(runs: number, modules: readonly string[]) {
    // A line is appended in one write, so lines of jobs that run at once do not mix.
    const run =
      'echo "$DFLOW_RUN/$DFLOW_MODULE/$DFLOW_PASS/$DFLOW_SUBRUN $DFLOW_EXECUTION" >> $MARKS; echo ok > "$OUT_out"';
    const programs = { ...SLURM.programs, ...CONDOR.programs };
    super({ backend: 'two', programs }, runs, Object.fromEntries(modules.map((name) => [name, { run }])));
    mkdirSync(join(this.folder, 'struck-by'));
  }

  override configure(): void {
    const text = `buffer: {path: ./raw, pattern: 'run{run}_{subrun}.dat', settle: 1s}
runs: {quiet: 0s}
storage: {disk: ./store}
farms:
  cedar: {backend: ${SLURM.backend}, slots: 2000}
  birch: {backend: ${CONDOR.backend}, slots: 2000}
limits: {grace: 1s, submitting: 1s, stale: 1s}
`;
    writeFileSync(join(this.folder, 'dflow.yaml'), text);
  }

  /** Bundles the child, as the program itself is bundled. Below node_modules, where its packages are found. */
  async bundle(): Promise<void> {
    const root = join(import.meta.dirname, '../..');
    const outdir = join(root, `node_modules/.cache/dflow-test/step-child-${process.pid}`);
    await build({
      entryPoints: [join(import.meta.dirname, 'step-child.ts')],
      outdir,
      bundle: true,
      splitting: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      // As the build says: the store compares the texts of the views' functions, and refuses who has others.
      minifySyntax: true,
      packages: 'external',
      loader: { '.sh': 'text', '.py': 'text', '.mjs': 'text' },
      outExtension: { '.js': '.mjs' },
      logLevel: 'error',
    });
    this.#child = join(outdir, 'step-child.mjs');
  }

  override remove(): void {
    if (this.#child !== '') rmSync(dirname(this.#child), { recursive: true, force: true });
    super.remove();
  }

  /** Starts a step. What it prints is kept; what goes wrong too. */
  launch({ step, site, limit, free, fault = '', point, struck = '' }: Launch): ChildProcess {
    const own = free || point !== undefined;
    const built = [BIN, step, '--site', site, '--json', ...(limit === undefined ? [] : ['--limit', String(limit)])];
    const child = [this.#child, step, site, free ? 'free' : 'leased', String(limit ?? 1)];
    const env = { ...this.env(fault), STRUCK: struck, POINT: point ?? '', RACES: this.path('races') };
    return spawn(process.execPath, own ? child : built, {
      cwd: this.folder,
      env: environment(env, this.folder),
      stdio: ['ignore', openSync(this.path(`out-${step}`), 'a'), openSync(this.path('errors'), 'a')],
    });
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  lines(name: string): string[] {
    const path = this.path(name);
    return existsSync(path)
      ? readFileSync(path, 'utf8')
          .split('\n')
          .filter((line) => line !== '')
      : [];
  }

  /** How often each thing was done by a step, by what it printed. A line that a blow has cut is none. */
  did(step: StepName): Map<string, number> {
    const words = this.lines(`out-${step}`).flatMap((line) => /"did":"([^"]+)"/.exec(line)?.[1] ?? []);
    return counts(words);
  }

  /** Keys of a site that wrappers started, by their own marks, with the execution; or that were fenced: never started. */
  marksOf(site: Site, what: 'started' | 'fenced'): Map<string, string> {
    const folder = this.path('.dflow', site, 'started');
    const all = readdirSync(folder).map(
      (key) => [key, readFileSync(join(folder, key), 'utf8').trim().split(/\s+/)] as const,
    );
    const fitting = all.filter(([, words]) => (words[0] === 'started') === (what === 'started'));
    return new Map(fitting.map(([key, words]) => [key, words[4] ?? words[0]!]));
  }

  /** Keys of a site that were told to stop after they had started. */
  stopped(site: Site): string[] {
    const folder = this.path('.dflow', site, 'started');
    return readdirSync(folder).filter((key) => /^started .*\ncanceled/.test(readFileSync(join(folder, key), 'utf8')));
  }

  /** Files of jobs that may still start. */
  jobFiles(site: Site): string[] {
    return filesBelow(this.path('.dflow', site, 'jobs'));
  }

  /** Jobs of this experiment that a batch system still has. */
  leftovers(): string[] {
    const listing = [
      ...slurm('squeue', '-h', '-r', '-O', 'JobArrayID:30,STDOUT:300').split('\n'),
      ...condor('condor_q', '-allusers', '-constraint', 'true', '-af', 'Out').split('\n'),
    ];
    return listing.filter((line) => line.includes(this.folder));
  }
}

export function counts(words: readonly string[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const word of words) found.set(word, (found.get(word) ?? 0) + 1);
  return found;
}

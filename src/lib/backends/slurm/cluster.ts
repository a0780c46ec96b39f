// Questions to Slurm and orders for it: one command for many keys. Knows keys, not files; marks and records are
// somebody else's.
import type { BackendAbout } from '../../backend.ts';
import { partsOf } from '../shared/folder/jobfolder.ts';
import { type ArrayPart, jobName, namesOf, packIds } from './arrays.ts';
import { batchScript, type JobPaths, sacctArgs, sbatchArgs } from './commands.ts';
import type { SlurmOptions } from './options.ts';
import {
  EXIT_FORMAT,
  parseConfig,
  parseExits,
  parseJobcomp,
  parseSacct,
  parseSbatch,
  parseSqueue,
  type Queue,
  type Row,
  refusalOf,
  type SlurmConfig,
  SQUEUE_FORMAT,
  withExit,
} from './parse.ts';
import { judgePartition, parsePartitions } from './partitions.ts';
import { must, type Run, unreachable } from './run.ts';

/** States in which a job has ended and an exit code says more. */
const UNWELL = 'FAILED,TIMEOUT,OUT_OF_MEMORY,CANCELLED,PREEMPTED,NODE_FAIL,BOOT_FAIL,DEADLINE';

export class Cluster {
  readonly #run: Run;
  readonly #prefix: string;
  readonly #options: SlurmOptions;
  readonly #user = String(process.getuid?.() ?? '');
  #config: Promise<SlurmConfig> | undefined;

  constructor(run: Run, prefix: string, options: SlurmOptions) {
    this.#run = run;
    this.#prefix = prefix;
    this.#options = options;
  }

  /** Asked once per process: limits, and who this is. */
  config(): Promise<SlurmConfig> {
    this.#config ??= must(this.#run, 'scontrol', ['show', 'config']).then((result) => parseConfig(result.stdout));
    // A controller that was down is asked again.
    this.#config.catch(() => {
      this.#config = undefined;
    });
    return this.#config;
  }

  /** Version, partition and limits, for a person. */
  async about(): Promise<BackendAbout> {
    const [{ stdout }, { maxArraySize, maxJobCount, accounting }, partitions] = await Promise.all([
      must(this.#run, 'sbatch', ['--version']),
      this.config(),
      must(this.#run, 'scontrol', ['show', 'partition', '-o']),
    ]);
    const { partition } = this.#options;
    const asked = judgePartition(parsePartitions(partitions.stdout), partition);
    const limits = [`at most ${maxJobCount} jobs, arrays of ${maxArraySize - 1}`, `accounting: ${accounting}`];
    return { version: stdout.trim(), notes: [...asked.notes, ...limits], wrong: asked.wrong };
  }

  /**
   * Submits one held array. Answers its job id, or why it was refused.
   */
  async submit(part: ArrayPart, paths: JobPaths): Promise<{ readonly job: string } | { readonly refused: string }> {
    const name = jobName(this.#prefix, part.claim, part.base);
    const args = sbatchArgs(name, part, paths, this.#options);
    const result = await this.#run('sbatch', args, batchScript(part, paths, this.#options));
    const refused = result.exit === undefined || result.exit === 0 ? undefined : refusalOf(result.stderr);
    if (refused !== undefined) return { refused };
    const job = result.failure === undefined ? parseSbatch(result.stdout) : undefined;
    if (job === undefined) throw unreachable('sbatch', result);
    return { job };
  }

  /** Everything of this farm that the controller still has, ended jobs (for MinJobAge) among it. */
  async queue(): Promise<Queue> {
    const result = await must(this.#run, 'squeue', ['-h', '-u', this.#user, '-t', 'all', '-o', SQUEUE_FORMAT]);
    return parseSqueue(result.stdout, this.#prefix);
  }

  /** Ended rows with their exit codes, which squeue's listing does not have. */
  async exits(rows: readonly Row[]): Promise<Row[]> {
    if (rows.length === 0) return [];
    const result = await must(this.#run, 'squeue', ['-h', '-u', this.#user, '-t', UNWELL, '-O', EXIT_FORMAT]);
    const exits = parseExits(result.stdout);
    return rows.map((row) => withExit(row, exits.get(row.id)));
  }

  /** Lets held jobs run. Answers false when Slurm complained of some: they may have been released before. */
  async release(ids: readonly string[]): Promise<boolean> {
    let all = true;
    for (const list of packIds(ids)) {
      const result = await this.#run('scontrol', ['release', list.join(',')]);
      all &&= result.failure === undefined;
    }
    return all;
  }

  /** Ids that are unknown or ended do not disturb scancel. */
  async cancel(ids: readonly string[]): Promise<void> {
    for (const list of packIds(ids)) await must(this.#run, 'scancel', list);
  }

  /**
   * What accounting remembers of keys that the controller no longer has: ends, and that one runs for all it knows.
   * `jobs`: the job numbers of started keys, by which jobcomp knows them; `age`: ms since the first was submitted.
   * Answers `undefined` when it could not be asked; nothing is in it where there is no accounting.
   */
  async remembered(keys: readonly string[], jobs: ReadonlyMap<string, string>, age: number): Promise<Rows | undefined> {
    const { accounting, maxArraySize } = await this.config();
    if (accounting === 'slurmdbd') {
      // An hour earlier: the clocks of two hosts differ.
      const args = sacctArgs(this.#user, namesOf(this.#prefix, keys, maxArraySize), age + 3_600_000);
      const result = await this.#run('sacct', args);
      return result.failure === undefined ? parseSacct(result.stdout, this.#prefix) : undefined;
    }
    return accounting === 'jobcomp' ? this.#jobcomp(keys, jobs) : new Map();
  }

  /** The completion log may be readable on the controller only: not having it is not a failure. */
  async #jobcomp(keys: readonly string[], jobs: ReadonlyMap<string, string>): Promise<Rows> {
    const numbers = keys.flatMap((key) => jobs.get(key) ?? []);
    if (numbers.length === 0) return new Map();
    const claims = [...new Set(keys.map((key) => partsOf(key).claim))];
    const names = claims.map((claim) => jobName(this.#prefix, claim, 0));
    const result = await this.#run('sacct', [
      '-c',
      '-n',
      '-P',
      '-o',
      'jobid,state,exitcode',
      `--name=${names.join(',')}`,
    ]);
    if (result.failure !== undefined) return new Map();
    const rows = parseJobcomp(result.stdout);
    const found = new Map<string, Row>();
    for (const key of keys) {
      const job = jobs.get(key);
      const raw = job === undefined ? undefined : rows.get(job);
      if (job !== undefined && raw !== undefined) found.set(key, { key, id: job, state: 'ended', raw });
    }
    return found;
  }
}

export type Rows = ReadonlyMap<string, Row>;

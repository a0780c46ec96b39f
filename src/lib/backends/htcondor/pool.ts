// Questions to HTCondor and orders for it: one command for many keys. Knows keys, not files.
import type { BackendAbout, Refused } from '../../backend.ts';
import type { Identity } from '../../domain/farms/farm.ts';
import { UnreachableError } from '../../util/errors.ts';
import { SECOND } from '../../util/time.ts';
import { ofKeys, ofStore } from './constraint.ts';
import type { CondorOptions } from './options.ts';
import {
  ATTRIBUTES,
  LIMIT_NAMES,
  type Limits,
  parseHistory,
  parseLimits,
  parseQueue,
  parseSchedd,
  parseSubmit,
  parseUser,
  type Row,
  refusalOf,
  type Wants,
} from './parse.ts';
import { must, type Run, unreachable } from './run.ts';
import { type JobPaths, type Part, submitDescription } from './submission.ts';

/** A clock that is an hour off must not hide a job from a question about the past. */
const SLACK = 3_600;

export class Pool {
  readonly store: string;
  readonly #run: Run;
  readonly #options: CondorOptions;
  /** Which schedd, as arguments. */
  readonly #where: readonly string[];
  #limits: Promise<Limits> | undefined;
  #identity: Promise<Identity> | undefined;

  constructor(run: Run, store: string, options: CondorOptions) {
    this.#run = run;
    this.store = store;
    this.#options = options;
    const { pool, schedd } = options;
    this.#where = [...(pool === undefined ? [] : ['-pool', pool]), ...(schedd === undefined ? [] : ['-name', schedd])];
  }

  /** Asked of the schedd itself, once per process: its name, and whom it takes us for. */
  identity(): Promise<Identity> {
    this.#identity ??= this.#askIdentity();
    // A schedd that was down is asked again.
    this.#identity.catch(() => {
      this.#identity = undefined;
    });
    return this.#identity;
  }

  async #askIdentity(): Promise<Identity> {
    const [heading, ping] = await Promise.all([
      must(this.#run, 'condor_q', [...this.#where, '-constraint', 'false']),
      must(this.#run, 'condor_ping', [...this.#where, '-type', 'SCHEDD', 'WRITE']),
    ]);
    const [cluster, user] = [parseSchedd(heading), parseUser(ping)];
    if (cluster !== undefined && user !== undefined) return { cluster, user };
    throw new UnreachableError(`HTCondor does not say who it is: ${heading.trim() || ping.trim()}`.slice(0, 300), {
      hint: 'condor_ping -type SCHEDD WRITE',
    });
  }

  /** Version, machines and limits, for a person. */
  async about(): Promise<BackendAbout> {
    const [version, limits, anyMachine] = await Promise.all([
      must(this.#run, 'condor_version', []),
      this.limits(),
      this.hasMachine({ memory: 0, cpus: 0 }),
    ]);
    const named = /CondorVersion: (\S+)/.exec(version)?.[1] ?? 'of an unknown version';
    const most = Math.min(limits.owner, limits.all);
    const note = Number.isFinite(most) ? [`at most ${most} jobs`] : [];
    const wrong = {
      text: 'the pool has no machine, so no job ever starts',
      fix: 'condor_status; start condor_startd on the workers',
    };
    return { version: `HTCondor ${named}`, notes: note, wrong: anyMachine ? [] : [wrong] };
  }

  /** Of this host's configuration, once per process: the schedd checks by itself. */
  limits(): Promise<Limits> {
    this.#limits ??= this.#run('condor_config_val', LIMIT_NAMES).then((result) => {
      return parseLimits(result.failure === undefined ? result.stdout : '');
    });
    return this.#limits;
  }

  /**
   * Submits one part, held: all of it or nothing. Answers the backend id of each task in order, or why it was refused.
   * @throws UnreachableError it may have been taken
   */
  async submit(part: Part, paths: JobPaths): Promise<readonly string[] | Refused> {
    const description = submitDescription(this.store, part, paths, this.#options);
    const result = await this.#run('condor_submit', [...this.#where, '-terse'], description);
    const refused = result.exit === undefined || result.exit === 0 ? undefined : refusalOf(result.stderr);
    if (refused !== undefined) return { refused };
    const ids = result.failure === undefined ? parseSubmit(result.stdout) : undefined;
    if (!ids || ids.last - ids.first + 1 !== part.tasks.length) throw unreachable('condor_submit', result);
    return part.tasks.map((_, at) => `${ids.cluster}.${ids.first + at}`);
  }

  /** Every job of this farm that the schedd still has. */
  async queue(): Promise<Map<string, Row>> {
    const what = ['-allusers', '-json', '-attributes', ATTRIBUTES, '-constraint', ofStore(this.store)];
    return parseQueue(await must(this.#run, 'condor_q', [...this.#where, ...what]));
  }

  /**
   * Whether any machine of the pool is large enough, however busy it is; true where that cannot be asked. The collector
   * stops at the first, so a large pool costs no more than a small one.
   */
  async hasMachine({ memory, cpus }: Wants): Promise<boolean> {
    const { pool } = this.#options;
    const large = `TotalSlotMemory >= ${memory} && TotalSlotCpus >= ${cpus}`;
    const what = ['-constraint', large, '-limit', '1', '-af', 'Name'];
    const result = await this.#run('condor_status', [...(pool === undefined ? [] : ['-pool', pool]), ...what]);
    return result.failure !== undefined || result.stdout.trim() !== '';
  }

  /**
   * What is remembered of keys that have left the queue; `undefined` when it could not be asked.
   * `age`: ms since the first was submitted. Reads the newest first, and no further back than needed.
   */
  async history(keys: readonly string[], age: number): Promise<Map<string, Row> | undefined> {
    const before = Math.ceil(age / SECOND) + SLACK;
    // Of our own jobs: others' may lie there in any order.
    const since = `${ofStore(this.store)} && CompletionDate > 0 && CompletionDate < time() - ${before}`;
    const found = new Map<string, Row>();
    for (const constraint of ofKeys(this.store, keys)) {
      const what = ['-json', '-attributes', ATTRIBUTES, '-constraint', constraint, '-since', since];
      const result = await this.#run('condor_history', [...this.#where, ...what, '-match', String(keys.length)]);
      if (result.failure !== undefined) return undefined;
      for (const [key, row] of parseHistory(result.stdout)) found.set(key, row);
    }
    return found;
  }

  /**
   * Lets those run that are held since their submission. Answers false when that was not said of some: they may have
   * been released before, or the schedd may be down: the words are the same.
   */
  release(keys: readonly string[]): Promise<boolean> {
    return this.#act('condor_release', keys, ' && HoldReasonCode == 15');
  }

  /** The same for stopping. */
  cancel(keys: readonly string[]): Promise<boolean> {
    return this.#act('condor_rm', keys, '');
  }

  async #act(program: string, keys: readonly string[], more: string): Promise<boolean> {
    let all = true;
    for (const constraint of ofKeys(this.store, keys)) {
      const result = await this.#run(program, [...this.#where, '-constraint', `${constraint}${more}`]);
      all &&= result.failure === undefined;
    }
    return all;
  }
}

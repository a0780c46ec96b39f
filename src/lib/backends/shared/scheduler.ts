// What a batch system must do whose jobs share a folder with dflow (onfolder.ts is the rest of a backend). A new one is
// this interface, a builder of its submission and a parser of its listing.

import type { BackendAbout, Refused, Status, Task } from '../../backend.ts';
import type { Identity } from '../../domain/farms/farm.ts';
import { given } from '../../util/values/given.ts';
import type { ResultRecord } from '../../wrapper/record.ts';
import type { JobSpec } from '../../wrapper/spec.ts';

/** One job as the batch system lists it. */
export interface Listed {
  readonly key: string;
  /** The system's own id. */
  readonly id: string;
  readonly state: Status['state'];
  /** The system's own word and reason; absent for a job that merely waits, or runs. */
  readonly raw?: string;
}

/** What became of some tasks that were handed over in one call: the system's id of each key, or why it refused all. */
export interface Given {
  readonly keys: readonly string[];
  readonly answer: readonly string[] | Refused;
}

/** Errors: UnreachableError. A call that fails or times out is unknown: it may have happened. */
export interface Scheduler<R extends Listed = Listed> {
  /** In messages: `Slurm`. */
  readonly name: string;
  /** The command by which a person looks at its jobs: `scontrol show job`. */
  readonly inspect: string;
  /** Where keys are that it does not list: `no longer in squeue`. */
  readonly unlisted: string;
  identity(): Promise<Identity>;
  about(): Promise<BackendAbout>;
  /**
   * The text of a job file, or why this job cannot be handed over.
   * @throws ConfigError the whole claim cannot
   */
  render(spec: JobSpec): string | Refused;
  /** Asked before anything is written for a hand-over: it answers, and its limits are known. */
  ready(): Promise<unknown>;
  /** Hands tasks of one claim over, held; their job files are written. Never called twice for a task. */
  submit(claim: string, tasks: readonly Task[]): Promise<readonly Given[]>;
  /** Everything of this farm that it lists, ended jobs among it where it lists them. */
  queue(): Promise<ReadonlyMap<string, R>>;
  /** Lets held keys run. Answers false when it complained of some: they may have been released before. */
  release(keys: readonly string[]): Promise<boolean>;
  /** Stops listed jobs. Answers false when it complained of some. */
  cancel(rows: readonly R[]): Promise<boolean>;
  /** Whether a listed job is still to be stopped by a cancel. */
  isLive(row: R): boolean;
  /** What it can say beyond its listing, entered into `found`: exit codes, why a job waits. */
  explain(rows: readonly R[], found: Map<string, Status>): Promise<void>;
  /**
   * What it remembers of keys that it does not list: ends, and that one runs for all it knows. `age`: ms since the
   * first was submitted. Answers `undefined` when it could not be asked.
   */
  remembered(keys: readonly string[], age: number): Promise<ReadonlyMap<string, R> | undefined>;
  /** Its memory lags behind: a key that ended just now may be unknown to it for a while. */
  lags?(): Promise<boolean>;
  /** The words of a job that ended while nothing else is known of it. */
  lastWord?(key: string): string | undefined;
  /** The system's id of a key that it does not list, if it was seen before. */
  idOf?(key: string): string | undefined;
  /** These words mean that it has lost the job's node: whether the job has ended nobody has told it. */
  hasLost?(raw: string): boolean;
  /** A record with what this system's signals mean. */
  reading?(record: ResultRecord): ResultRecord;
  /** Where the logs of these keys lie; those that have none are left out. */
  logs(keys: readonly string[]): ReadonlyMap<string, string>;
}

export function statusOf({ state, id, raw }: Listed): Status {
  return { state, backendId: id, ...given({ raw }) };
}

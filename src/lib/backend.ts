// Batch systems: contract. Implementations are the files of backends/; one suite tests them all.
// Everything takes many. A key is `<claim nonce>.<index>` and names one attempt of one subjob for ever.
import type { Identity } from './domain/farms/farm.ts';
import type { FarmSettings } from './domain/settings.ts';
import type { ResultRecord } from './wrapper/record.ts';
import type { JobSpec } from './wrapper/spec.ts';

export interface Task {
  readonly key: string;
  readonly spec: JobSpec;
}

/**
 * What the batch system says of one key.
 * `held` was submitted and never released; `pending` waits for a slot; `running`; `ended` left the batch system (its
 * record, if the wrapper wrote one, comes from `records`); `absent` is not known to it at all, by a query that succeeded.
 */
export interface Status {
  readonly state: 'held' | 'pending' | 'running' | 'ended' | 'absent';
  readonly backendId?: string;
  /** The system's own word and reason: `OUT_OF_MEMORY`, `exit 137`, ... */
  readonly raw?: string;
  /**
   * `ended` is a conclusion: it had started and is listed no more, but neither the system nor a silent heartbeat says that
   * it ended. Like absence it counts only twice, and of many at once not at all.
   */
  readonly inferred?: true;
}

/** The batch system refused a task for certain: it was not taken, and will not be as it is. */
export interface Refused {
  /** Its own words. */
  readonly refused: string;
}

/** A batch system in words. */
export interface BackendAbout {
  /** `Slurm 22.05.8` */
  readonly version: string;
  /** Queue and limits: `partition main is up`. */
  readonly notes: readonly string[];
  /** What keeps jobs of this farm from running there, and what mends it. */
  readonly wrong: readonly { readonly text: string; readonly fix: string }[];
}

/** Errors: UnreachableError. A call that fails or times out is unknown: it may have happened. */
export interface Backend {
  /** Most tasks of one claim, where handing them over is slow: a claim that takes minutes looks abandoned. */
  readonly most?: number;
  /** Who it is and who we are there. */
  identity(): Promise<Identity>;
  /**
   * Hands tasks over, held: none may start before `release`. Answers the backend id of each key, or why it was refused.
   * All tasks belong to one claim. Never retried by the caller.
   */
  submit(claim: string, tasks: readonly Task[]): Promise<Map<string, string | Refused>>;
  /** Lets held keys run. Idempotent; unknown and already released keys are ignored. */
  release(keys: readonly string[]): Promise<void>;
  /**
   * Status of these keys and no others. A key without an answer could not be asked about (its batch system's accounting
   * is down, say): that is unknown, not absent.
   */
  status(keys: readonly string[]): Promise<Map<string, Status>>;
  /** Every key of this farm that is there now, held, pending or running: what nobody knows of is found by it. */
  alive(): Promise<string[]>;
  /** Stops held, pending and running keys; idempotent; confirmed only by `status`. */
  cancel(keys: readonly string[]): Promise<void>;
  /** Result records that nobody has acknowledged, at most `limit`. */
  records(limit: number): Promise<ResultRecord[]>;
  /** The records' changes are confirmed: they may be archived. Idempotent. */
  acknowledge(records: readonly ResultRecord[]): Promise<void>;
  /** Every record that is still there, acknowledged or not; absent where records are not kept. */
  kept?(): Promise<ResultRecord[]>;
  /** The last `bytes` bytes of each key's output (stdout and stderr together); a key without any is absent. */
  logs(keys: readonly string[], bytes: number): Promise<Map<string, string>>;
  /** What a person who examines the set-up wants to know of it; absent where there is nothing to ask. */
  about?(): Promise<BackendAbout>;
  /** Wakes whatever must be alive for work to go on (the local supervisor); idempotent. */
  ensure(): Promise<void>;
  close(): Promise<void>;
}

/** What `backends/NAME/NAME.ts` exports. It validates its own options. */
export interface BackendModule {
  /** Looks at the farm's settings alone. @throws ConfigError something in them is wrong */
  check(farm: FarmSettings, context: Pick<BackendContext, 'folder'>): void;
  open(farm: FarmSettings, context: BackendContext): Promise<Backend>;
}

export interface BackendContext {
  /** Folder for the backend's own files (spool, job files, logs). */
  readonly folder: string;
  /** Unique id of the store: prefixes names at shared batch systems. */
  readonly uuid: string;
  readonly nonce: () => string;
  /** Opened to look, for a dry run: folders that are not there are empty, and none is made. */
  readonly looking?: boolean;
}

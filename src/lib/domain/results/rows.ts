// What is looked up: one closed type for each kind of row, and which of them each list has. The JSON lines of `list`
// and its like are these (docs/json.md). A row says no `did`: nothing was done.
import type { Iso } from '../../util/time.ts';
import type { HistoryEntry } from '../doc.ts';
import type { HoldWhat } from '../hold.ts';
import type { PassState } from '../jobs/states.ts';
import type { ModuleLevel } from '../modules/modules.ts';
import type { Item } from './items.ts';

interface Row<Kind extends string> {
  readonly kind: Kind;
  /** What can be pasted into another command. */
  readonly ref: string;
}

/** A run. */
export interface RunRow extends Row<'run'> {
  readonly run: number;
  /** Names of its run types. */
  readonly types: readonly string[];
  readonly state: 'open' | 'complete';
  readonly levels: readonly string[];
  /** Number of raw files, of all levels. */
  readonly files: number;
  /** Why it is not complete. */
  readonly blocked?: string;
  readonly firstSeen: Iso;
  /** Names of files that came after it was complete. */
  readonly late?: readonly string[];
  /** Versions that it has automatic passes of. */
  readonly automatic?: readonly string[];
}

/** The raw files of a run and level. */
export interface DataRow extends Row<'data'> {
  readonly run: number;
  readonly level: string;
  /** Number of files. */
  readonly files: number;
  /** Bytes. */
  readonly size: number;
  /** False: sampled out. */
  readonly kept: boolean;
  /** Storage elements that have a verified copy of every file. */
  readonly done: readonly string[];
  /** States of the files on the buffer, joined by `+`. */
  readonly original: string;
  /** Host of the buffer. */
  readonly host: string;
}

/** A copy of one raw file, or one output of a pass, at a storage element. */
export interface ReplicaRow extends Row<'replica'> {
  readonly run: number;
  /** Absent: an output. */
  readonly level?: string;
  /** Name of the file. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly guid: string;
  /** Logical file name. */
  readonly lfn: string;
  /** Storage element. */
  readonly storage: string;
  readonly state: 'copying' | 'verified' | 'bad' | 'failed';
  readonly since: Iso;
  /** Path at the storage element. */
  readonly path?: string;
  readonly checkedAt?: Iso;
  readonly why?: string;
}

/** A pass. */
export interface JobRow extends Row<'job'> {
  readonly run: number;
  readonly module: string;
  readonly pass: number;
  /** Software version. */
  readonly version: string;
  readonly state: PassState;
  /** Number of completed subjobs. */
  readonly done: number;
  /** Number of subjobs. */
  readonly subjobs: number;
  /** Farms that have it or had it last, joined by commas. */
  readonly site?: string;
  /** Attempts of the subjob that had the most. */
  readonly tries: number;
  /** Causes of its failures, joined by commas. */
  readonly cause?: string;
  readonly since: Iso;
  readonly request?: string;
}

/** A farm. */
export interface FarmRow extends Row<'farm'> {
  readonly backend: string;
  /** Jobs that it runs at once. */
  readonly slots: number;
  /** Subjobs that it has now. */
  readonly active: number;
  readonly state: 'ok' | 'drained' | 'silent' | 'never seen';
  /** Software versions installed there. */
  readonly versions?: readonly string[];
  readonly host?: string;
  readonly heartbeat?: Iso;
  readonly epoch?: number;
  /** Why it is drained. */
  readonly why?: string;
  readonly until?: Iso;
  readonly next?: string;
}

/** A storage element. */
export interface StorageRow extends Row<'storage'> {
  readonly protocol: string;
  readonly primary: boolean;
  readonly tape: boolean;
  /** Number of verified copies. */
  readonly verified: number;
  /** Number of copies under way. */
  readonly copying: number;
  /** Number of copies that failed. */
  readonly failed: number;
  /** Number of bad copies. */
  readonly bad: number;
  /** `ok`, `disabled` or `breaker since TIME`. */
  readonly state: string;
  /** Without credentials. */
  readonly url: string;
}

/** A request with how far it is. */
export interface RequestRow extends Row<'request'> {
  readonly name: string;
  readonly version: string;
  readonly modules: readonly string[];
  readonly priority: number;
  /** Number of passes in its plan. */
  readonly passes: number;
  /** Number of completed passes. */
  readonly done: number;
  /** Number of passes that failed, also in part. */
  readonly failed: number;
  readonly state: 'being made' | 'open' | 'done';
  readonly by: string;
  readonly created: Iso;
}

/** A hold. */
export interface HoldRow extends Row<'hold'> {
  readonly what: HoldWhat;
  /** What it covers, in words. */
  readonly covers: string;
  readonly why: string;
  readonly by: string;
  readonly since: Iso;
  readonly until?: Iso;
  /** Absent: it has no end. */
  readonly state?: 'in force' | 'expired';
}

/** A step of a host, as it ended last. */
export interface LoopRow extends Row<'loop'> {
  readonly host: string;
  readonly loop: string;
  readonly at: Iso;
  /** Digest of the configuration. */
  readonly hash: string;
  /** `ok`, or what went wrong. */
  readonly outcome: string;
}

/** A module of one software version. */
export interface ModuleRow extends Row<'module'> {
  readonly version: string;
  /** Names of the modules that must be completed before. */
  readonly needs: readonly string[];
  readonly level: ModuleLevel;
  /** Types of its outputs. */
  readonly outputs: readonly string[];
  /** Run types that ask for it. */
  readonly runTypes: readonly string[];
  /** Its command. */
  readonly run: string;
  readonly macro?: string;
  /** Names of its parameters. */
  readonly parameters?: readonly string[];
}

/** A file that cannot be registered. */
export interface QuarantineRow extends Row<'quarantine'> {
  readonly level: string;
  readonly name: string;
  readonly reason: string;
  readonly detail: string;
  readonly at: Iso;
  readonly run?: number;
  /** Bytes. */
  readonly size?: number;
  readonly next: string;
}

/** A file in the trash of a buffer. */
export interface TrashRow extends Row<'trash'> {
  readonly level: string;
  readonly name: string;
  readonly host: string;
  /** Bytes. */
  readonly size: number;
  readonly reason: string;
  readonly detail: string;
  readonly at: Iso;
  /** Kept at least so long. */
  readonly until: Iso;
  /** Path below the folder of the buffer. */
  readonly path?: string;
  readonly run?: number;
  readonly why?: string;
}

/** A table of the run database. */
export interface TableRow extends Row<'table'> {
  readonly name: string;
  readonly index: string;
  /** First run; 0 with `last` 0 for the default. */
  readonly first: number;
  readonly last: number;
  readonly pass: number;
  /** Which of its contents it has. */
  readonly revision: string;
  readonly at: Iso;
  /** File or command that it came from. */
  readonly from: string;
}

/** One change of a document. */
export interface HistoryRow extends Row<'history'>, HistoryEntry {}

/** What the policy says of a failure. */
export interface VerdictRow extends Row<'verdict'> {
  readonly cause: string;
  readonly action: 'retry' | 'later' | 'more' | 'hold' | 'fail';
  /** The action in words. */
  readonly verdict: string;
  /** Which rule decided: `2 of 9`. */
  readonly rule: string;
  /** The reason that was recorded. */
  readonly text: string;
}

/** Why things stand still. */
export interface ReasonRow extends Row<'reason'> {
  readonly gate: string;
  /** How many stand still for it. */
  readonly count: number;
  readonly unit?: 'subjobs' | 'runs';
  readonly text: string;
  readonly next: string;
}

/** A request with its passes by state, one field for each state that some are in. */
export interface ProgressRow extends Row<'request'>, Readonly<Partial<Record<PassState, number>>> {
  readonly name: string;
  readonly version: string;
  readonly passes: number;
}

/** The rows of each list, by its word. */
export interface Lists {
  runs: RunRow;
  data: DataRow;
  replicas: ReplicaRow;
  jobs: JobRow;
  farms: FarmRow;
  storage: StorageRow;
  requests: RequestRow;
  holds: HoldRow;
  loops: LoopRow;
  modules: ModuleRow;
  quarantine: QuarantineRow;
  trash: TrashRow;
  tables: TableRow;
  reasons: ReasonRow;
  history: HistoryRow;
  verdict: VerdictRow;
  progress: ProgressRow;
}

export type AnyRow = Lists[keyof Lists];
/** Rows as they are found; a failed item says what was asked for and is not there. */
export type Rows<R extends AnyRow = AnyRow> = AsyncGenerator<R | Item, void, void>;

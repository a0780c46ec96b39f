// What steps yield: one closed type for each kind of thing. The JSON lines of commands are these, so a change here is
// a change of the contract that docs/json.md describes.
import type { Iso } from '../../util/time.ts';
import type { PassState, SubjobStateName } from '../jobs/states.ts';
import type { Did } from './did.ts';

/** One thing that a step did, or with `dryRun` would do. Failed items make the exit code 1. */
interface Said<Kind extends string, Word extends Did> {
  readonly kind: Kind;
  /** What can be pasted into another command. */
  readonly ref: string;
  readonly did: Word;
  /** Only what would be done. */
  readonly dryRun?: boolean;
  readonly failed?: boolean;
  /** One line for people; may change in any version. */
  readonly text?: string;
  /** What to type next, where something is wrong. */
  readonly next?: string;
  /** Step that says it, in `chain`. */
  readonly step?: string;
}

type CopyWords = 'verified' | 'adopted' | 'failed' | 'canceled' | 'released' | 'lost' | 'skipped' | 'removed' | 'kept';
type VerifyWords = 'bad' | 'unreadable' | 'catalogue' | 'repaired' | 'restored';

/** A copy of one file at one storage element. */
export interface ReplicaItem extends Said<'replica', CopyWords | VerifyWords> {
  readonly run: number;
  /** `outputs` for outputs of jobs. */
  readonly level?: string;
  /** Name of the file; absent for all outputs of a pass. */
  readonly file?: string;
  readonly storage: string;
  /** Bytes that arrived, or left; 0 where nothing did. */
  readonly bytes?: number;
  readonly receipt?: string;
}

/** Outputs: a copy that verify looked at, or what a trial made. */
export interface OutputItem extends Said<'output', VerifyWords | 'failed' | 'made'> {
  readonly run?: number;
  readonly storage?: string;
  readonly file?: string;
  /** Bytes that arrived; 0 where nothing did. */
  readonly bytes?: number;
  /** Type of the output in its module. */
  readonly type?: string;
  readonly name?: string;
  /** Bytes. */
  readonly size?: number;
  /** `md5:...` or `adler32:...`. */
  readonly checksum?: string;
}

/** The raw files of a run and level as a whole. */
export interface DataItem extends Said<'data', 'skipped'> {}

/** The file of the event builder on its buffer. */
export interface OriginalItem extends Said<'original', 'purged' | 'kept' | 'restored' | 'changed' | 'accepted'> {
  readonly run?: number;
  readonly level?: string;
  readonly file?: string;
  /** Bytes freed. */
  readonly bytes?: number;
  /** Why it may go: `copies` or `sampled`. */
  readonly rule?: string;
  readonly receipt?: string;
}

/** A run. */
export interface RunItem
  extends Said<
    'run',
    | 'typed'
    | 'completed'
    | 'blocked'
    | 'late'
    | 'forgotten'
    | 'unchanged'
    | 'unknown'
    | 'not-ready'
    | 'nothing-asked'
    | 'tabled'
    | 'failed'
    | 'lost'
    | 'frozen'
  > {
  readonly run?: number;
  readonly level?: string;
  /** Bits of the run types. */
  readonly mask?: number;
  readonly types?: readonly string[];
  /** How many subruns it has. */
  readonly subruns?: number;
  /** What says that it is complete. */
  readonly evidence?: string;
  /** Names of files that came late. */
  readonly files?: readonly string[];
  /** What is missing. */
  readonly gate?: string;
}

/** A pass, or one subjob. */
export interface JobItem
  extends Said<
    'job',
    | 'made'
    | 'not-made'
    | 'not-planned'
    | 'submitted'
    | 'not-submitted'
    | 'started'
    | 'completed'
    | 'failed'
    | 'retried'
    | 'held'
    | 'released'
    | 'reset'
    | 'put-back'
    | 'woken'
    | 'wanted'
    | 'canceled'
    | 'deleted'
    | 'restored'
    | 'kept'
    | 'refused'
    | 'unchanged'
    | 'unknown'
  > {
  readonly run?: number;
  readonly module?: string;
  readonly pass?: number;
  /** Software version. */
  readonly version?: string;
  /** Number of subjobs. */
  readonly subjobs?: number;
  readonly state?: PassState;
  readonly request?: string;
  /** Farm. */
  readonly site?: string;
  /** Cause of the failure, as in the policy. */
  readonly cause?: string;
  /** State that it is to have once the batch system has let go of it. */
  readonly wanted?: SubjobStateName;
  /** Number of jobs that were woken. */
  readonly jobs?: number;
  /** Number of outputs. */
  readonly outputs?: number;
  /** Bytes of these outputs. */
  readonly bytes?: number;
  readonly receipt?: string;
  /** Name of the batch job. */
  readonly key?: string;
}

/** A request for new passes. */
export interface RequestItem extends Said<'request', 'planned' | 'continued' | 'unchanged'> {
  /** Passes of its plan. */
  readonly passes?: number;
  readonly version?: string;
}

/** A hold: a pause, a drain, a calibration lock. */
export interface HoldItem
  extends Said<'hold', 'paused' | 'held' | 'changed' | 'unchanged' | 'resumed' | 'expired' | 'released' | 'unknown'> {
  readonly until?: Iso;
  readonly run?: number;
  /** Jobs that look again. */
  readonly woken?: number;
  readonly cause?: string;
  /** Farm. */
  readonly site?: string;
}

/** A farm. */
export interface FarmItem
  extends Said<
    'farm',
    | 'took-over'
    | 'drained'
    | 'empty'
    | 'unlocked'
    | 'unknown'
    | 'dated-back'
    | 'site-fault'
    | 'orphan-canceled'
    | 'not-submitted'
  > {
  /** Jobs that the batch system does not know any more. */
  readonly absent?: number;
  /** Jobs that it was asked for. */
  readonly asked?: number;
  readonly subjobs?: number;
}

/** A storage element as a whole. */
export interface StorageItem
  extends Said<'storage', 'skipped' | 'aside' | 'kept' | 'checked' | 'unlisted' | 'site-fault' | 'unreachable'> {
  readonly storage?: string;
  readonly until?: Iso;
  readonly cause?: string;
  /** It cannot be reached: exit 5 when nothing else could be done. */
  readonly unreachable?: boolean;
  /** Copies looked at. */
  readonly checked?: number;
  /** Bad ones among them. */
  readonly bad?: number;
  /** Copies of which nothing is known. */
  readonly unreadable?: number;
  /** Bytes read. */
  readonly bytes?: number;
}

/** A file of the buffer as register found it, one at a storage element that is not in the catalogue, or one made here. */
export interface FileItem
  extends Said<
    'file',
    | 'registered'
    | 'moved'
    | 'touched'
    | 'restored'
    | 'renewed'
    | 'changed'
    | 'unreadable'
    | 'still changing'
    | 'lost'
    | 'frozen'
    | 'left'
    | 'dark'
    | 'former'
    | 'unpublished'
    | 'partial'
    | 'leaving'
    | 'probe'
    | 'written'
  > {
  readonly run?: number;
  readonly level?: string;
  readonly subrun?: number;
  readonly name?: string;
  /** Bytes. */
  readonly size?: number;
  /** Eight hexadecimal digits. */
  readonly adler32?: string;
  /** False: sampled out, no copy is made. */
  readonly kept?: boolean;
  readonly storage?: string;
  /** Path at the storage element. */
  readonly path?: string;
  /** Bytes of a file that is not in the catalogue. */
  readonly bytes?: number;
  /** Id of the job whose output it is. */
  readonly job?: string;
}

/** A file of the buffer that is not registered. */
export interface QuarantineItem
  extends Said<
    'quarantine',
    'quarantined' | 'released' | 'gone' | 'trashed' | 'kept' | 'skipped' | 'unknown' | 'accepted' | 'rejected'
  > {
  readonly level?: string;
  readonly name?: string;
  readonly run?: number;
  readonly reason?: string;
  readonly bytes?: number;
  /** Number of files with this reason. */
  readonly files?: number;
  readonly receipt?: string;
  /** Id in the trash. */
  readonly trash?: string;
}

/** A file in the trash of a buffer. */
export interface TrashItem extends Said<'trash', 'purged' | 'kept' | 'restored' | 'unknown'> {
  readonly level?: string;
  readonly name?: string;
  readonly run?: number;
  /** Why it was in the quarantine. */
  readonly reason?: string;
  readonly bytes?: number;
  readonly receipt?: string;
}

/** A notice about a file that a copy was interrupted for. */
export interface NoticeItem extends Said<'notice', 'accepted'> {
  readonly run?: number;
  readonly name: string;
}

/** The buffer of a level. */
export interface BufferItem extends Said<'buffer', 'waiting' | 'short'> {
  readonly level?: string;
  /** Files that wait for a second look. */
  readonly files?: number;
  readonly until?: Iso;
}

/** A table of the run database. */
export interface TableItem extends Said<'table', 'loaded' | 'replaced' | 'unchanged' | 'failed' | 'not-loaded'> {
  readonly name?: string;
  readonly index?: string;
  /** First run; 0 with `last` 0 for the default. */
  readonly first?: number;
  readonly last?: number;
  readonly pass?: number;
  /** Which of its contents it has. */
  readonly revision?: string | null;
}

/** A file of tables. */
export interface SourceItem extends Said<'source', 'refused'> {}

/** A name for the state of all tables. */
export interface TagItem extends Said<'tag', 'tagged' | 'unchanged'> {
  /** Number of tables. */
  readonly tables: number;
}

/** A step of `chain`. */
export interface LoopItem extends Said<'loop', 'waiting' | 'skipped'> {
  readonly until?: Iso;
}

/** The credentials of this host. */
export interface CredentialItem extends Said<'credential', 'unchanged'> {
  readonly state: 'low';
}

/** A document of the store. */
export interface DocumentItem
  extends Said<'document', 'imported' | 'refused' | 'skipped' | 'dropped' | 'missing' | 'kept' | 'unreadable'> {
  /** Number of documents. */
  readonly count?: number;
  readonly receipt?: string;
}

/** A module run on this machine, on one run. */
export interface TrialItem extends Said<'trial', 'done' | 'failed'> {
  /** Phase that it ended in. */
  readonly phase: string;
  readonly exit: number;
  /** Seconds. */
  readonly wall: number;
  /** Seconds. */
  readonly cpu?: number;
  /** KiB. */
  readonly maxRss?: number;
  readonly host: string;
}

/** The document store. */
export interface StoreItem extends Said<'store', 'set-up'> {
  /** Address without credentials, or path of the file. */
  readonly where?: string;
  readonly engine?: string;
  readonly writable?: boolean;
  /** Why nothing may write it. */
  readonly unsafe?: string;
  readonly experiment?: string;
  /** Unique id of the store. */
  readonly uuid?: string;
  readonly schema?: number;
  /** Number of documents. */
  readonly documents?: number;
  /** Size of the store. */
  readonly bytes?: number;
}

/** The views of one version of dflow in the store. */
export interface ViewsItem extends Said<'views', 'deployed' | 'repaired' | 'unchanged' | 'pruned'> {}

/** The configuration. */
export interface ConfigItem extends Said<'config', 'checked' | 'changed'> {
  /** Digest of the whole configuration. */
  readonly hash?: string;
}

/** A module file. */
export interface ModuleItem extends Said<'module', 'made' | 'skipped'> {}

/** One setting. */
export interface SettingItem extends Said<'setting', 'shown'> {
  readonly value: string;
  /** `file:line`, the environment or `default`. */
  readonly origin: string;
}

export type Item =
  | ReplicaItem
  | OutputItem
  | DataItem
  | OriginalItem
  | RunItem
  | JobItem
  | RequestItem
  | HoldItem
  | FarmItem
  | StorageItem
  | FileItem
  | QuarantineItem
  | TrashItem
  | NoticeItem
  | BufferItem
  | TableItem
  | SourceItem
  | TagItem
  | LoopItem
  | CredentialItem
  | DocumentItem
  | TrialItem
  | StoreItem
  | ViewsItem
  | ConfigItem
  | ModuleItem
  | SettingItem;

/** The item of one kind. */
export type ItemOf<Kind extends Item['kind']> = Extract<Item, { readonly kind: Kind }>;
/** What an item is about, before it is known what was done. */
export type About<Kind extends Item['kind']> = Omit<ItemOf<Kind>, 'did'>;

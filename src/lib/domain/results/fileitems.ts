// What steps yield about files: copies, outputs, originals, the quarantine and the trash.
import type { Iso } from '../../util/time.ts';
import type { Said } from './baseitem.ts';

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

/** Outputs: a copy that verify looked at, what a trial made, or what get fetched. */
export interface OutputItem
  extends Said<'output', VerifyWords | 'failed' | 'made' | 'fetched' | 'found' | 'unchanged'> {
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
  /** Where it can be read, without credentials. */
  readonly url?: string;
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

/** A notice: a copy of a file was interrupted, or a pass was made with run tables that have changed since. */
export interface NoticeItem extends Said<'notice', 'accepted' | 'changed'> {
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

export type FileItems =
  | ReplicaItem
  | OutputItem
  | DataItem
  | OriginalItem
  | FileItem
  | QuarantineItem
  | TrashItem
  | NoticeItem
  | BufferItem;

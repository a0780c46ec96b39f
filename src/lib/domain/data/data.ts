// A data document: the raw files of one (level, run), where their copies are, and what is known of them.

import type { Iso } from '../../util/time.ts';
import type { Said } from '../catalogue/said.ts';
import type { Doc, HistoryEntry } from '../doc.ts';
import type { CopyClaim } from './copyclaim.ts';

/** A copy at a storage element. */
export type Replica =
  | (CopyClaim & {
      /** A slot that one process has claimed until `expires`. */
      readonly state: 'copying';
      /** The temporary name carries it. */
      readonly attempt: number;
      /** Tries that failed in a row; one that was stopped or killed does not count. */
      readonly failures?: number;
      readonly since: Iso;
      /** Where the bytes come from: a storage element, or `buffer L1`. */
      readonly source?: string;
      /** A bad copy is being replaced: what it was. Purge keeps away, and only another repair takes the slot over. */
      readonly repair?: { readonly path: string; readonly why: string };
    })
  | {
      /** The destination's own checksum of what was written was equal. */
      readonly state: 'verified';
      readonly attempt: number;
      readonly path: string;
      readonly since: Iso;
      readonly checkedAt: Iso;
    }
  | {
      /** A later check found the copy missing or different. */
      readonly state: 'bad';
      readonly attempt: number;
      readonly path: string;
      readonly since: Iso;
      readonly why: string;
    }
  | {
      /** The last try failed; the next one comes after `retryAt`. */
      readonly state: 'failed';
      readonly attempt: number;
      readonly failures?: number;
      readonly since: Iso;
      readonly why: string;
      readonly retryAt: Iso;
    };

/**
 * The original on the buffer. `changed`: what is on disk is no longer what was registered. `purging`: a purge has
 * claimed it; nobody else reads it. With `receipt` its deletion may have begun: the receipt says what was meant to go.
 */
export type Original =
  | { readonly state: 'present' }
  | {
      readonly state: 'purging';
      readonly nonce: string;
      readonly host: string;
      /** Folder of the configuration whose lock the purge holds. */
      readonly lock?: string;
      readonly since: Iso;
      readonly receipt?: string;
    }
  | { readonly state: 'changed'; readonly since: Iso; readonly why: string }
  | { readonly state: 'purged'; readonly since: Iso; readonly receipt: string };

export interface RawFile {
  readonly name: string;
  /** Path below the buffer's folder. */
  readonly path: string;
  readonly subrun: number;
  readonly size: number;
  /** Eight lower-case hex digits. */
  readonly adler32: string;
  readonly guid: string;
  readonly lfn: string;
  /** Modification time on the buffer when it was registered. */
  readonly modified: Iso;
  /** Its ctime then, where the buffer knows it. */
  readonly changed?: Iso;
  readonly registered: Iso;
  /** True when it turned up after the run was complete. */
  readonly late: boolean;
  readonly original: Original;
  /** By storage element name. */
  readonly replicas: Readonly<Record<string, Replica>>;
}

export interface DataDoc extends Doc {
  readonly kind: 'data';
  readonly level: string;
  readonly run: number;
  /** Ascending by subrun. */
  readonly files: readonly RawFile[];
  /** The keep rule's decision for this run and level: sampled-out data are registered, not copied. */
  readonly keep: { readonly kept: boolean; readonly rule: string };
  /** Storage elements at which every file is verified, sorted; derived by `withDone`, read by the transfer view. */
  readonly done: readonly string[];
  /** Host whose buffer holds the originals. */
  readonly host: string;
  /** What the catalogue of the collaboration was told. */
  readonly catalogue?: Said;
  readonly history: readonly HistoryEntry[];
}

/** The same document with `done` derived anew; every change of replicas or files goes through here. */
export function withDone(doc: DataDoc): DataDoc {
  const names = new Set(doc.files.flatMap((file) => Object.keys(file.replicas)));
  const done = [...names].filter((name) => doc.files.every((file) => file.replicas[name]?.state === 'verified'));
  return { ...doc, done: done.sort() };
}

const indexes = new WeakMap<readonly RawFile[], Map<number, RawFile>>();

/**
 * The registered file with this subrun. A run may have thousands of files, and callers look up each of them: the index of a
 * list is built once.
 */
export function fileOf(doc: Pick<DataDoc, 'files'> | undefined, subrun: number): RawFile | undefined {
  if (!doc) return undefined;
  let index = indexes.get(doc.files);
  if (!index) {
    index = new Map();
    for (const file of doc.files) if (!index.has(file.subrun)) index.set(file.subrun, file);
    indexes.set(doc.files, index);
  }
  return index.get(subrun);
}

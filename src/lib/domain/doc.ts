// What every document has in common. `_rev` belongs to the store: nobody else reads or writes it.
import { nth } from '../util/values/have.ts';

/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** The schema version this program writes; a store with a newer one is refused. */
export const SCHEMA = 1;

export interface Doc {
  readonly _id: string;
  readonly _rev?: string;
  /** What the document is: `run`, `data`, `job`, `table`, `farm`, `request`, `hold`, `claim`, `quarantine`. */
  readonly kind: string;
  /** Schema version of the document. */
  readonly v: number;
  /** Ids of the last operations written to it: how a lost reply is recognised. Kept by the store. */
  readonly ops?: readonly string[];
  /** Revisions that lost a replication conflict (CouchDB). A document that has any is frozen and shown. */
  readonly _conflicts?: readonly string[];
}

/** True for a document of this kind: its kind says its type, and its fields were checked as it was read. */
export function isA<D extends Doc>(doc: Doc | undefined, kind: D['kind']): doc is D {
  return doc?.kind === kind;
}

/** The document, where it is of this kind. */
export function asA<D extends Doc>(doc: Doc | undefined, kind: D['kind']): D | undefined {
  return isA<D>(doc, kind) ? doc : undefined;
}

/** One line of a document's bounded history. */
export interface HistoryEntry {
  readonly at: string;
  readonly from?: string;
  readonly to: string;
  /** `person@host (command)`. */
  readonly by: string;
  readonly why?: string;
  readonly subjob?: number;
}

/** Entries kept per document; the oldest go first, but the first of all (the creation) stays. */
export const HISTORY_LIMIT = 40;

export function appendHistory(history: readonly HistoryEntry[], entry: HistoryEntry): readonly HistoryEntry[] {
  const next = [...history, entry];
  return next.length <= HISTORY_LIMIT ? next : [nth(next, 0), ...next.slice(next.length - HISTORY_LIMIT + 1)];
}

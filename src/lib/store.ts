// The document store: contract. Implementations are the files of stores/, one per scheme; one suite tests them all.
// The only shared state of dflow. Every write is compare-and-swap; only the store knows `_rev`.
import type { Doc, Json } from './domain/doc.ts';
import { type IdRange, type IdSpan, rangeAfter } from './domain/idranges.ts';
import type { StoreFile } from './storefile.ts';
import type { Compacted, StoreKeeping, StoreReplication, StoreRights } from './storekeeping.ts';
import type { Iso } from './util/time.ts';
import type { Bound, Head, Level, Prefix, Within } from './views/keys.ts';
import type { View } from './views/view.ts';

export {
  denseSpansOfRuns,
  type IdRange,
  type IdSpan,
  idsOfRuns,
  idsWith,
  rangeAfter,
  spansOfRuns,
} from './domain/idranges.ts';
export type * from './storekeeping.ts';

/**
 * What a change function answers. It must be pure: it is called again on the newer document after a conflict.
 * `skip` means "no longer applies", with the reason; nothing is written. `note` is for the caller: what was decided, and
 * is not to be read from the document.
 */
export type Decision<D extends Doc = Doc, N = unknown> = (
  | { readonly write: D }
  | { readonly remove: true }
  | { readonly skip: string }
) & { readonly note?: N };

export interface Change<D extends Doc = Doc, N = unknown> {
  readonly id: string;
  /** Called with the document as it stands, `undefined` where there is none. */
  readonly change: (doc: D | undefined) => Decision<D, N>;
  /**
   * A freshly read document to try first, which saves a read; `null`: there was none. On conflict it is read again, and
   * also where `change` says that it no longer applies.
   */
  readonly base?: D | null;
}

/** What became of a change. */
export interface Outcome<D extends Doc = Doc, N = unknown> {
  readonly id: string;
  readonly result:
    | 'written'
    | 'already' // a reply had been lost: the document holds this operation's id
    | 'skipped' // the change function said that it no longer applies (`why`)
    | 'lost' // others changed the document at every try; nothing was written
    | 'frozen'; // the document has replication conflicts; a person must look
  /** The document as it now stands, where known. */
  readonly doc?: D;
  readonly why?: string;
  /** Of the last decision. */
  readonly note?: N;
}

/** True when the change took effect. */
export function tookEffect(outcome: Outcome): boolean {
  return outcome.result === 'written' || outcome.result === 'already';
}

export interface KeyRange<Key = Json, Begin = Prefix<Key>> {
  readonly start?: Bound<Key>;
  readonly end?: Bound<Key>;
  /** Array keys that begin with these elements. */
  readonly prefix?: Begin;
}

/**
 * Keys collate as in CouchDB: null < false < true < numbers < strings < arrays < objects. Ranges are inclusive;
 * `start` is the lower end also where `descending` turns the answer round. `prefix` narrows a range further.
 */
export interface ViewQuery<Key = Json, Begin = Prefix<Key>> extends KeyRange<Key, Begin> {
  readonly key?: Key;
  readonly keys?: readonly Key[];
  readonly descending?: boolean;
  readonly limit?: number;
  readonly skip?: number;
}

export interface Row<Key = Json, Value = Json> {
  readonly key: Key;
  readonly value: Value;
  readonly id: string;
}

export interface Group<Key = Json> {
  readonly key: Key;
  readonly value: number;
}

/** What is asked of a view and what it answers, by its handle: `GroupOf<typeof views.causes, 3>`. */
export type QueryOf<V> = V extends View<infer Key, Json> ? ViewQuery<Key> : never;
export type RowOf<V> = V extends View<infer Key, infer Value> ? Row<Key, Value> : never;
export type GroupOf<V, Count extends Level> = V extends View<infer Key, Json> ? Group<Head<Key, Count>> : never;

/** Documents of a range, `size` at a time, or ever more of them up to `most`: who stops early has read little. */
export async function* pages<D extends Doc>(
  store: Pick<ReadStore, 'range'>,
  range: IdRange,
  size: number,
  most = size,
): AsyncGenerator<D[], void, void> {
  let left = range;
  for (let limit = size; ; limit = Math.min(2 * limit, most)) {
    const page = await store.range<D>({ ...left, limit });
    const last = page.at(-1);
    if (!last) return;
    yield page;
    if (page.length < limit) return;
    left = rangeAfter(left, last._id);
  }
}

export interface StoreInfo {
  /** URL without credentials, or file path. */
  readonly where: string;
  readonly engine: string;
  /** Set up as the one writable database of the experiment. */
  readonly writable: boolean;
  /** Why nothing may write it, although it is not a replica: it cannot keep two writers apart. */
  readonly unsafe?: string;
  readonly experiment?: string;
  /** Unique id of the writable database, made at setup: prefixes our names at batch systems. */
  readonly uuid?: string;
  readonly schema?: number;
  readonly documents: number;
  readonly bytes?: number;
  /** Who is logged in at the server. */
  readonly user?: string;
  /** What the user may do there: `read and write`, or `read` and why. */
  readonly rights?: string;
}

/** A document that was changed or removed. */
export interface ChangedId {
  readonly id: string;
  readonly deleted: boolean;
  /** Opaque; given back as `since`, everything after this change follows. */
  readonly cursor: string;
}

/** The part of the information that never changes. */
export type StoreIdentity = Pick<StoreInfo, 'where' | 'uuid'>;

export interface ChangesPage {
  readonly changes: readonly ChangedId[];
  /** Opaque; give it back as `since`. */
  readonly last: string;
}

/** What may be asked of a store. Reports are given no more: one that writes does not compile. */
export interface ReadStore {
  /** Documents that exist among `ids`, by id. Takes many; order does not matter. `_conflicts` is filled in. */
  get<D extends Doc = Doc>(ids: readonly string[]): Promise<Map<string, D>>;
  /** Documents by id range. */
  range<D extends Doc = Doc>(range: IdRange): Promise<D[]>;
  /** Documents of many ranges, those of each in order: hundreds of ranges in a request, where there are requests. */
  ranges<D extends Doc = Doc>(spans: readonly IdSpan[]): Promise<D[]>;
  /** Rows of a view: hints. Whoever decides on them reads the documents again. */
  view<Key extends Json, Value extends Json, const Begin extends Prefix<Key> = Prefix<Key>>(
    view: View<Key, Value>,
    query?: ViewQuery<NoInfer<Key>, Begin>,
  ): Promise<Row<Within<Key, Begin>, Value>[]>;
  /** The view's built-in reduce, grouped by the first `level` elements of array keys; level 0: one total. */
  count<Key extends Json, Value extends Json, Count extends Level>(
    view: View<Key, Value>,
    level: Count,
    query?: KeyRange<NoInfer<Key>>,
  ): Promise<Group<Head<Key, Count>>[]>;
  /**
   * Ids changed after `since` (from the beginning without it), oldest first, each once. `now`: none, and `last` is where
   * the next change follows.
   * @throws UsageError when `since` is not a cursor of this store
   */
  changes(since?: string, limit?: number): Promise<ChangesPage>;
  /** The store's clock: the only one for leases. */
  now(): Promise<Iso>;
  identity(): Promise<StoreIdentity>;
  info(): Promise<StoreInfo>;
  /** What is wrong with the store as a whole: damage, an older content. Reads all of it. Absent: nothing can be asked. */
  check?(): Promise<readonly StoreFault[]>;
  /** What an earlier look has found wrong with the store as a whole, and costs nothing to say again. */
  remembered?(): Promise<readonly StoreFault[]>;
}

export interface StoreFault {
  /** What is stored is damaged. */
  readonly damage?: true;
  readonly text: string;
  /** What a person types or does about it. */
  readonly next: string;
}

export interface Store extends ReadStore {
  /** One compare-and-swap change with bounded retries. */
  update<D extends Doc = Doc, N = unknown>(id: string, change: Change<D, N>['change']): Promise<Outcome<D, N>>;
  /** The same for thousands, in batches of 1000; outcomes in the order of the changes; an id may appear once. */
  bulk<D extends Doc = Doc, N = unknown>(changes: readonly Change<D, N>[]): Promise<Outcome<D, N>[]>;
  /**
   * Marks the database as the one writable database of `experiment` and installs the views; idempotent. One that holds
   * documents and has no mark is a replica or a copy: it is refused unless `force` is the experiment's name. A store
   * without a mark gets the unique id `uuid`, where a restored one shall be what it was.
   */
  setup(experiment: string, force?: string, uuid?: string): Promise<StoreInfo>;
  /** What a store needs that does not keep itself in order. */
  readonly keeping?: StoreKeeping;
  /** Users and their roles: only CouchDB has them. */
  readonly rights?: StoreRights;
  /** Replicas that the server of the store makes: only CouchDB does. */
  readonly replication?: StoreReplication;
  /** Gives back the room of what was changed and removed; each part with its size before and after. */
  compact?(options: { readonly dryRun?: boolean }): AsyncGenerator<Compacted, void, void>;
  close(): Promise<void>;
}

/** What a file of stores/ exports. */
export interface StoreModule {
  /**
   * Opens a store.
   * @throws ReadOnlyStoreError when `write` is asked and the store is a replica, newer, unsafe, or not set up
   * @throws StoreError when it cannot be reached
   */
  open(url: string, options: StoreOptions): Promise<Store>;
  readonly file?: StoreFile;
}

export interface StoreOptions {
  /** `true`: for changing commands; `false`: any store that can be read; `setup`: about to be set up. */
  readonly write: boolean | 'setup';
  /** Whose store it must be to be written; any, where absent. */
  readonly experiment?: string;
  /** Where this host keeps its own state: which logins were refused lately. */
  readonly folder?: string;
  /** A word to a person, about what is waited for. */
  readonly say?: (text: string) => void;
  /** Clock and random source, for tests. */
  readonly now?: () => number;
  readonly nonce?: () => string;
}

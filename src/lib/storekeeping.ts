// The document store: what a person does now and then, and who may do what. A part of its contract, store.ts.
import type { Doc } from './domain/doc.ts';
import type { Role } from './domain/roles.ts';
import { counted } from './util/text/counted.ts';

/** A set of views in the store, and what was done: this version's, or (`kept`, `pruned`) another version's. */
export interface ViewSet {
  readonly id: string;
  readonly did: 'deployed' | 'repaired' | 'unchanged' | 'kept' | 'pruned';
}

/** A document as one revision has it. */
export interface Revision {
  readonly rev: string;
  readonly doc: Doc;
}

/** What a person does now and then for a store that several versions of dflow may use at once: CouchDB, PostgreSQL. */
export interface StoreKeeping {
  /** This version's views: bytes on disk, and changes that are not in them yet. @throws UsageError they are missing */
  index?(): Promise<{ readonly bytes: number; readonly pending: number }>;
  /** Builds this version's views beside those of other versions; with `prune`, removes the others then. */
  deploy(options: { readonly prune?: boolean; readonly dryRun?: boolean }): AsyncGenerator<ViewSet, void, void>;
  /** Absent where a document has one revision only. */
  readonly conflicts?: StoreConflicts;
}

export interface StoreConflicts {
  /** Choosing a revision takes an operator. @throws ReadOnlyStoreError for another user */
  assertMayKeep(): Promise<void>;
  /** The revisions of a document: the one that everybody sees, then those that lost a replication conflict. */
  revisions(id: string): Promise<Revision[]>;
  /** Makes `rev` the only one. False: the document was changed meanwhile, and is as it was. */
  keep(id: string, rev: string): Promise<boolean>;
}

/** A user who may work with the store. */
export interface StoreUser {
  readonly name: string;
  /** `admin` of the database: no rule limits that. `elsewhere`: the account is not of this server's users. */
  readonly role?: Role | 'admin' | 'elsewhere';
}

/** Who is logged in. */
export interface Mine {
  readonly user?: string;
  readonly role?: StoreUser['role'];
}

/** What became of a grant. */
export interface Granted {
  readonly did: 'made' | 'granted' | 'unchanged';
  readonly before?: StoreUser['role'];
  /** An admin of the database, whom no role limits. */
  readonly admin: boolean;
  /** The rules that give roles a meaning; `waiting` until the users `without` a role have one. */
  readonly rules: {
    readonly did: 'deployed' | 'repaired' | 'unchanged' | 'waiting';
    readonly without: readonly string[];
  };
}

/** Users of a store and their roles. All but `mine` takes an admin of the server. */
export interface StoreRights {
  mine(): Promise<Mine>;
  /** Users who may work with the store; whether the rules are in force. */
  users(): Promise<{ readonly users: readonly StoreUser[]; readonly inForce: boolean }>;
  /** Gives a user this role alone; with a password, makes one that is missing. */
  grant(
    user: string,
    role: Role,
    options: { readonly password?: string | undefined; readonly dryRun?: boolean },
  ): Promise<Granted>;
  /** Takes every right to this store away; the account stays. */
  revoke(user: string, dryRun?: boolean): Promise<{ readonly before?: StoreUser['role'] }>;
}

/** A copy that the server of the store makes, as it says itself. */
export interface Replication {
  readonly id: string;
  /** Addresses without logins. */
  readonly source: string;
  readonly target: string;
  readonly continuous: boolean;
  /** `running`, `pending`, `crashing` (tried again and again), `failed`, `completed`, `planned`... */
  readonly state: string;
  /** Changes that are not copied yet; absent while the server does not say. */
  readonly lag?: number;
  readonly error?: string;
}

export interface ReplicateOptions {
  readonly continuous?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
}

/** Replicas of a store. */
export interface StoreReplication {
  /** Those from and to this store; `undefined` where this user may not look. */
  list(): Promise<readonly Replication[] | undefined>;
  /**
   * Copies the store to a database that does not exist, or is its replica already. `fresh` is false where that runs already.
   * @throws ReadOnlyStoreError for a target that is writable or holds something else
   */
  start(target: string, options: ReplicateOptions): Promise<Replication & { readonly fresh: boolean }>;
  /** Ends it; false where there is none. */
  stop(target: string, dryRun?: boolean): Promise<boolean>;
}

/** A part of a store that was compacted. */
export interface Compacted {
  /** `documents`, or the id of a set of views. */
  readonly part: string;
  /** Bytes. */
  readonly before: number;
  /** Absent in a dry run. */
  readonly after?: number;
}

/** States of a replication in which the server does not copy. */
const BROKEN: ReadonlySet<string> = new Set(['crashing', 'failed', 'error']);

export const isBroken = ({ state }: Replication): boolean => BROKEN.has(state);

/** `running (continuous), 12 changes to go` */
export function replicationText({ state, continuous, lag, error }: Replication): string {
  const kind = continuous ? 'continuous' : 'once';
  const left = lag === undefined ? '' : `, ${counted(lag, 'change')} to go`;
  return `${state} (${kind})${left}${error === undefined ? '' : `: ${error}`}`;
}

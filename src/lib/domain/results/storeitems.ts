// What commands yield about the store, its tables and the configuration.
import type { Said } from './baseitem.ts';

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

/** A file of tables, or the database that has them. */
export interface SourceItem extends Said<'source', 'refused' | 'unreachable'> {
  /** Nobody knows which tables there are. */
  readonly unreachable?: true;
}

/** A name for the state of all tables. */
export interface TagItem extends Said<'tag', 'tagged' | 'unchanged'> {
  /** Number of tables. */
  readonly tables: number;
}

/** A document of the store. */
export interface DocumentItem
  extends Said<
    'document',
    | 'imported'
    | 'refused'
    | 'skipped'
    | 'dropped'
    | 'missing'
    | 'kept'
    | 'unreadable'
    | 'frozen'
    | 'settled'
    | 'dangling'
    | 'impossible'
    | 'abandoned'
    | 'mended'
    | 'migrated'
  > {
  /** Number of documents; of one in conflict: of its revisions. */
  readonly count?: number;
  readonly receipt?: string;
}

/** The document store. */
export interface StoreItem extends Said<'store', 'set-up' | 'restored' | 'checked' | 'compacted' | 'unchanged'> {
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
  /** Size before it was compacted. */
  readonly before?: number;
}

/** A copy of the store that its server makes; `ref` is the target. */
export interface ReplicationItem
  extends Said<'replication', 'started' | 'copied' | 'unchanged' | 'failed' | 'stopped'> {
  /** CouchDB's word: `running`, `completed`, `crashing`...; `none` without a replication. */
  readonly state: string;
  readonly source: string;
  /** Changes that are not copied yet. */
  readonly lag?: number;
}

/** A file with the whole store, or with the runs that left it. */
export interface BackupItem extends Said<'backup', 'backed-up' | 'outdated' | 'rescued' | 'archived' | 'unchanged'> {
  /** Number of documents. */
  readonly documents?: number;
  /** Size of the file. */
  readonly bytes?: number;
  /** Number of documents that cannot be read. */
  readonly lost?: number;
}

/** The views of one version of dflow in the store. */
export interface ViewsItem
  extends Said<'views', 'deployed' | 'repaired' | 'unchanged' | 'pruned' | 'differing' | 'not-checked'> {}

/** A user of the store. */
export interface UserItem extends Said<'user', 'made' | 'granted' | 'revoked' | 'unchanged' | 'shown'> {
  /** What the user may do: `reader`, `site`, `operator`, `admin`, `none`, or `elsewhere` where the server does not tell. */
  readonly role: string;
}

/** The rules of the store that give roles a meaning. */
export interface RulesItem extends Said<'rules', 'deployed' | 'repaired' | 'unchanged' | 'waiting' | 'missing'> {}

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

export type StoreItems =
  | TableItem
  | SourceItem
  | TagItem
  | DocumentItem
  | StoreItem
  | BackupItem
  | ViewsItem
  | ReplicationItem
  | UserItem
  | RulesItem
  | ConfigItem
  | ModuleItem
  | SettingItem;

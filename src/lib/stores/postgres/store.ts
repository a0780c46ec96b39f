// A collaboration's store with failover: one PostgreSQL database. Glues connection, documents and views to the contract.
import { type Doc, SCHEMA } from '../../domain/doc.ts';
import type {
  Change,
  ChangesPage,
  Group,
  IdRange,
  IdSpan,
  KeyRange,
  Outcome,
  Row,
  Store,
  StoreIdentity,
  StoreInfo,
  StoreKeeping,
  ViewQuery,
} from '../../store.ts';
import { ReadOnlyStoreError } from '../../util/errors.ts';
import { type Iso, iso } from '../../util/time.ts';
import type { View } from '../../views/view.ts';
import { inBatches } from '../shared/changes.ts';
import { assertWritable } from '../shared/experiment.ts';
import { MadeDocs } from '../shared/made.ts';
import { ServerClock } from '../shared/server/clock.ts';
import type { Say } from '../shared/server/patience.ts';
import { writeBatch } from '../shared/swap.ts';
import { ViewStore } from '../shared/viewstore.ts';
import { Seen } from './progress.ts';
import { Documents } from './read.ts';
import type { Connection } from './server/connection.ts';
import { wentBack } from './server/meaning.ts';
import { readSelf, requireLayout, setUp } from './setup.ts';
import { named } from './tables.ts';
import { Views } from './views/views.ts';
import { Writer } from './write.ts';

export interface PostgresOptions {
  readonly views: readonly View[];
  /** Operation ids. */
  readonly nonce: () => string;
  /** In place of the server's clock, for tests. */
  readonly now?: () => number;
  readonly write: boolean | 'setup';
  /** Whose store it must be to be written. */
  readonly experiment?: string;
  readonly say?: Say;
  /** The file that says how far the store had come. */
  readonly mark?: string;
}

export class PostgresStore extends ViewStore implements Store {
  readonly #connection: Connection;
  readonly #options: PostgresOptions;
  readonly #clock = new ServerClock({ mono: () => performance.now(), wall: Date.now }, 1);
  readonly #documents: Documents;
  readonly #views: Views;
  readonly #writer: Writer;
  readonly #seen: Seen;
  #writable = false;
  #uuid: string | undefined;

  constructor(connection: Connection, options: PostgresOptions) {
    super();
    this.#connection = connection;
    this.#options = options;
    this.#seen = new Seen(options.mark);
    this.#documents = new Documents(connection, new MadeDocs());
    const { views, write, say = () => undefined } = options;
    this.#views = new Views(connection, { views, write: write !== false, say });
    this.#writer = new Writer(connection, this.#documents, this.#views, this.#seen);
  }

  /** Reaches the database, and for a writer looks at the marker and how far the store has come. */
  async begin(): Promise<this> {
    await this.#connection.server();
    if (this.#options.write === 'setup') return this;
    const self = requireLayout(this.#connection, await readSelf(this.#connection));
    this.#uuid = self.marker?.uuid;
    if (!this.#options.write) return this;
    assertWritable(this.#connection.where, self.marker, this.#options.experiment);
    this.#goOn(self.marker?.uuid, self.seq);
    return this;
  }

  async get<D extends Doc>(ids: readonly string[]): Promise<Map<string, D>> {
    const docs = new Map<string, D>();
    for (const [id, { doc }] of await this.#documents.stored<D>(ids)) if (doc) docs.set(id, doc);
    return docs;
  }

  range<D extends Doc>(range: IdRange): Promise<D[]> {
    return this.#documents.range<D>(range);
  }

  override ranges<D extends Doc>(spans: readonly IdSpan[]): Promise<D[]> {
    return this.#documents.ranges<D>(spans);
  }

  async bulk<D extends Doc = Doc, N = unknown>(changes: readonly Change<D, N>[]): Promise<Outcome<D, N>[]> {
    if (!this.#writable) {
      const detail = { where: this.#connection.where, hint: 'dflow store setup' };
      throw new ReadOnlyStoreError('the store was opened for reading, or is not set up', detail);
    }
    return inBatches(changes, (batch) => writeBatch(this.#writer, batch, this.#options.nonce()));
  }

  protected rows(name: string, query: ViewQuery): Promise<Row[]> {
    return this.#views.rows(name, query);
  }

  protected groups(name: string, level: number, query: KeyRange): Promise<Group[]> {
    return this.#views.groups(name, level, query);
  }

  changes(since?: string, limit?: number): Promise<ChangesPage> {
    return this.#documents.changes(since, limit);
  }

  /** By the server's clock, asked once in a while. */
  async now(): Promise<Iso> {
    if (this.#options.now) return iso(this.#options.now());
    if (!this.#clock.fresh) {
      const sent = performance.now();
      const [row] = await this.#connection.read(
        'SELECT to_char(clock_timestamp() AT TIME ZONE \'UTC\', \'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"\') AS date',
      );
      this.#clock.observe({ date: String(row?.date), sent, received: performance.now() });
    }
    return iso(this.#clock.now());
  }

  async setup(experiment: string, force?: string, uuid?: string): Promise<StoreInfo> {
    const { where } = this.#connection;
    if (this.#options.write === false) throw new ReadOnlyStoreError('opened for reading', { where });
    await setUp(this.#connection, await this.#connection.server(), experiment, { force, uuid });
    const self = requireLayout(this.#connection, await readSelf(this.#connection));
    this.#goOn(self.marker?.uuid, self.seq);
    for await (const _ of this.#views.deploy());
    return this.info();
  }

  readonly keeping: StoreKeeping = {
    deploy: ({ prune, dryRun }) => this.#views.deploy(prune, dryRun),
  };

  override async identity(): Promise<StoreIdentity> {
    return this.#uuid === undefined ? this.info() : { where: this.#connection.where, uuid: this.#uuid };
  }

  async info(): Promise<StoreInfo> {
    const { where, schema, user } = this.#connection.asked;
    const server = await this.#connection.server();
    const { marker } = requireLayout(this.#connection, await readSelf(this.#connection));
    const docs = named(schema, 'docs');
    const [row] = await this.#connection.read(
      `SELECT (SELECT count(*) FROM ${docs} WHERE body IS NOT NULL) AS documents,
        (SELECT sum(pg_total_relation_size(c.oid)) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n
          ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind = 'r') AS bytes,
        has_table_privilege($2, 'INSERT') AND has_table_privilege($2, 'UPDATE') AS writes`,
      [schema, docs],
    );
    const only = server.standby ? 'a standby' : server.readonly ? 'a server set to reading' : undefined;
    const writes = row?.writes === 't' && only === undefined;
    return {
      where,
      engine: `PostgreSQL ${server.version}`,
      writable: marker !== undefined && marker.schema <= SCHEMA && only === undefined,
      ...marker,
      documents: Number(row?.documents),
      bytes: Number(row?.bytes),
      user,
      rights: writes ? 'read and write' : `read${only === undefined ? '' : `: ${only}`}`,
    };
  }

  async close(): Promise<void> {
    this.#seen.close();
    await this.#connection.close();
  }

  /** @throws StoreError where the store lacks changes that were made on this host */
  #goOn(uuid: string | undefined, seq: number): void {
    const behind = this.#seen.behind(uuid ?? '-', seq);
    if (behind > 0) throw wentBack(behind, this.#connection.asked);
    this.#seen.note(seq);
    this.#writable = true;
  }
}

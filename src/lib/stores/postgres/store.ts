// A collaboration's store with failover: one PostgreSQL database. Glues connection, documents and views to the contract.
import { SCHEMA } from '../../domain/doc.ts';
import type {
  ChangesPage,
  Group,
  KeyRange,
  Row,
  Store,
  StoreIdentity,
  StoreInfo,
  StoreKeeping,
  ViewQuery,
} from '../../store.ts';
import { ReadOnlyStoreError } from '../../util/errors.ts';
import { assertWritable } from '../shared/experiment.ts';
import { MadeDocs } from '../shared/made.ts';
import { ServerClock } from '../shared/server/clock.ts';
import { type ServerOptions, ServerStore } from '../shared/serverstore.ts';
import { Seen } from './progress.ts';
import { Documents } from './read.ts';
import type { Connection } from './server/connection.ts';
import { wentBack } from './server/meaning.ts';
import { readSelf, requireLayout, type Self, setUp } from './setup.ts';
import { named } from './tables.ts';
import { Views } from './views/views.ts';
import { Writer } from './write.ts';

export interface PostgresOptions extends ServerOptions {
  /** The file that says how far the store had come. */
  readonly mark?: string | undefined;
}

export class PostgresStore extends ServerStore<PostgresOptions> implements Store {
  readonly #connection: Connection;
  readonly #views: Views;
  readonly #seen: Seen;
  protected readonly documents: Documents;
  protected readonly swapping: Writer;
  #uuid: string | undefined;

  constructor(connection: Connection, options: PostgresOptions) {
    super(options, new ServerClock({ mono: () => performance.now(), wall: Date.now }, 1));
    this.#connection = connection;
    this.#seen = new Seen(options.mark);
    this.documents = new Documents(connection, new MadeDocs());
    const { views, write, say = () => undefined } = options;
    this.#views = new Views(connection, { views, write: write !== false, say });
    this.swapping = new Writer(connection, this.documents, this.#views, this.#seen);
  }

  protected get where(): string {
    return this.#connection.where;
  }

  /** Reaches the database, and for a writer looks at the marker and how far the store has come. */
  async begin(): Promise<this> {
    await this.#connection.server();
    if (this.options.write === 'setup') return this;
    const self = requireLayout(this.#connection, await readSelf(this.#connection));
    this.#uuid = self.marker?.uuid;
    if (!this.options.write) return this;
    assertWritable(this.where, self.marker, this.options.experiment);
    this.#goOn(self);
    return this;
  }

  protected rows(name: string, query: ViewQuery): Promise<Row[]> {
    return this.#views.rows(name, query);
  }

  protected groups(name: string, level: number, query: KeyRange): Promise<Group[]> {
    return this.#views.groups(name, level, query);
  }

  changes(since?: string, limit?: number): Promise<ChangesPage> {
    return this.documents.changes(since, limit);
  }

  protected async askClock(): Promise<void> {
    const sent = performance.now();
    const [row] = await this.#connection.read(
      'SELECT to_char(clock_timestamp() AT TIME ZONE \'UTC\', \'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"\') AS date',
    );
    this.clock.observe({ date: String(row?.date), sent, received: performance.now() });
  }

  async setup(experiment: string, force?: string, uuid?: string): Promise<StoreInfo> {
    const { where } = this;
    if (this.options.write === false) throw new ReadOnlyStoreError('opened for reading', { where });
    this.#goOn(await setUp(this.#connection, await this.#connection.server(), experiment, { force, uuid }));
    for await (const _ of this.#views.deploy());
    return this.info();
  }

  readonly keeping: StoreKeeping = {
    deploy: ({ prune, dryRun }) => this.#views.deploy(prune, dryRun),
  };

  override async identity(): Promise<StoreIdentity> {
    return this.#uuid === undefined ? this.info() : { where: this.where, uuid: this.#uuid };
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
  #goOn({ marker, seq }: Self): void {
    const behind = this.#seen.behind(marker?.uuid ?? '-', seq);
    if (behind > 0) throw wentBack(behind, this.#connection.asked);
    this.#seen.note(seq);
    this.writable = true;
  }
}

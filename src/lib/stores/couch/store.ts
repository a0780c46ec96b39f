// The store of a collaboration: one CouchDB database. Glues connection, reading, writing and views to the contract.

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
import { field } from '../../util/values/field.ts';
import { given } from '../../util/values/given.ts';
import type { View } from '../../views/view.ts';
import { requireCursor } from '../shared/cursor.ts';
import { assertSetupMeant, assertWritable, type Marker } from '../shared/experiment.ts';
import type { ServerClock } from '../shared/server/clock.ts';
import { type ServerOptions, ServerStore } from '../shared/serverstore.ts';
import type { Swapping } from '../shared/swap.ts';
import { requireView } from '../shared/viewstore.ts';
import { Access } from './admin/access.ts';
import { compact } from './admin/compaction.ts';
import { type ReplicationOptions, Replications } from './admin/replication.ts';
import { assertOneCopy, severalCopies } from './cluster.ts';
import { groupOf, levelOf, queryOf, rowOf } from './combined.ts';
import { keepRevision, revisionsOf } from './conflicts.ts';
import { readMarker, readReplicaMark, removeReplicaMark, writeMarker } from './marker.ts';
import { Documents, listIn } from './read.ts';
import type { Connection } from './server/connection.ts';
import { mayNotCreate } from './server/meaning.ts';
import { ViewSets } from './viewsets.ts';
import { swappingOn } from './write.ts';

export interface CouchOptions extends ServerOptions {
  readonly replication: ReplicationOptions;
}

export class CouchStore extends ServerStore<CouchOptions> implements Store {
  readonly #connection: Connection;
  readonly #sets: ViewSets;
  protected readonly documents: Documents;
  protected readonly swapping: Swapping;
  readonly rights: Access;
  readonly replication: Replications;
  /** Once a writer has read it: it stays as it is. */
  #marker: Marker | undefined;

  constructor(connection: Connection, clock: ServerClock, options: CouchOptions) {
    super(options, clock);
    this.#connection = connection;
    this.rights = new Access(connection, options.replication.place.database);
    this.replication = new Replications(connection, options.replication);
    this.documents = new Documents(connection);
    this.swapping = swappingOn(this.documents);
    this.#sets = new ViewSets(connection, options.views, options.say);
  }

  protected get where(): string {
    return this.#connection.where;
  }

  /** Reaches the database, and for a writer looks at the marker. */
  async begin(): Promise<this> {
    const { write } = this.options;
    if (write === 'setup') return this;
    // One request alone first: two refusals of a wrong password would lock the account twice as soon.
    if (!write) {
      if (!(await this.#sets.look())) await this.#connection.read({ path: '' });
      return this;
    }
    const { body } = await this.#connection.read({ path: '' });
    assertOneCopy(this.#connection.where, body);
    const [marker] = await Promise.all([readMarker(this.#connection), this.rights.refuseReader(), this.#sets.look()]);
    this.#accept(marker);
    return this;
  }

  protected async rows(name: string, query: ViewQuery): Promise<Row[]> {
    const { limit, skip, descending } = query;
    const asked = {
      reduce: false,
      ...queryOf(name, query),
      ...given({ limit, skip }),
      ...(descending && { descending }),
    };
    return (await this.#sets.rows<Row>(this.#view(name), asked)).map(rowOf);
  }

  protected async groups(name: string, level: number, query: KeyRange): Promise<Group[]> {
    const asked = { reduce: true, ...levelOf(level), ...queryOf(name, query) };
    const rows = await this.#sets.rows<Group>(this.#view(name), asked);
    if (level === 0) return [{ key: null, value: rows[0]?.value ?? 0 }];
    return rows.map(groupOf);
  }

  async changes(since = '0', limit = 1000): Promise<ChangesPage> {
    if (since !== 'now') requireCursor(since, /^\d+(-[\w-]+)?$/, this.#connection.where);
    let last = since;
    for (;;) {
      const { body } = await this.#connection.read({ path: '_changes', query: { since: last, limit } });
      const results = listIn<{ id: string; seq: string | number; deleted?: boolean }>(
        this.#connection,
        body,
        'results',
      );
      const changes = results
        .filter(({ id }) => !id.startsWith('_design/'))
        .map(({ id, seq, deleted }) => ({ id, deleted: deleted === true, cursor: String(seq) }));
      // Where nothing has changed the given mark stays: CouchDB words the same place anew at every call.
      if (results.length === 0) return { changes, last: since === 'now' ? String(field(body, 'last_seq')) : last };
      last = String(field(body, 'last_seq'));
      if (changes.length > 0) return { changes, last };
    }
  }

  /** By the server's `Date` header. */
  protected askClock(): Promise<void> {
    return this.#connection.readDate();
  }

  async setup(experiment: string, force?: string, uuid?: string): Promise<StoreInfo> {
    const { where } = this.#connection;
    if (this.options.write === false) throw new ReadOnlyStoreError('opened for reading', { where });
    await this.#create();
    let marker = await readMarker(this.#connection);
    if (!marker) {
      const [{ documents }, replica] = await Promise.all([this.info(), readReplicaMark(this.#connection)]);
      assertSetupMeant(where, documents, experiment, force, replica?.source);
      marker = await writeMarker(this.#connection, experiment, uuid);
      if (replica) await removeReplicaMark(this.#connection);
    }
    assertWritable(where, marker, experiment);
    this.writable = true;
    for await (const _ of this.#sets.deploy());
    return this.info();
  }

  readonly keeping: StoreKeeping = {
    index: () => this.#sets.index(),
    deploy: (options) => this.#sets.deploy(options),
    conflicts: {
      revisions: (id) => revisionsOf(this.documents, id),
      assertMayKeep: () => this.rights.assertOperator('to choose a revision'),
      keep: (id, rev) => keepRevision(this.documents, id, rev),
    },
  };

  override async identity(): Promise<StoreIdentity> {
    this.#marker ??= await readMarker(this.#connection);
    return { where: this.#connection.where, ...given({ uuid: this.#marker?.uuid }) };
  }

  async info(): Promise<StoreInfo> {
    const [server, database, designs, marker] = await Promise.all([
      this.#connection.read({ path: '/' }),
      this.#connection.read({ path: '' }),
      this.#connection.read({ path: '_all_docs', query: { startkey: '_design/', endkey: '_design0' } }),
      readMarker(this.#connection),
    ]);
    const bytes = field(field(database.body, 'sizes'), 'file');
    const unsafe = severalCopies(database.body);
    const rows = listIn(this.#connection, designs.body, 'rows');
    return {
      where: this.#connection.where,
      engine:
        `${field(server.body, 'couchdb') ? 'CouchDB' : 'CouchDB protocol'} ${field(server.body, 'version') ?? ''}`.trim(),
      writable: marker !== undefined && marker.schema <= SCHEMA && unsafe === undefined,
      ...given({ unsafe }),
      ...(marker && { experiment: marker.experiment, uuid: marker.uuid, schema: marker.schema }),
      documents: Number(field(database.body, 'doc_count')) - rows.length,
      ...(typeof bytes === 'number' && { bytes }),
    };
  }

  compact({ dryRun = false }: { readonly dryRun?: boolean } = {}): ReturnType<typeof compact> {
    return compact(this.#connection, dryRun, this.options.say ?? (() => undefined));
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  /** Makes the database where there is none: only admins of the server may. @throws ReadOnlyStoreError */
  async #create(): Promise<void> {
    const { where, asked } = this.#connection;
    let found = await this.#connection.read({ path: '', accept: [404] });
    if (found.status === 404) {
      try {
        // One copy of each shard, also on a cluster whose default are three. 412: another process was faster.
        await this.#connection.read({ method: 'PUT', path: '', query: { n: 1 }, accept: [412] });
      } catch (error) {
        throw error instanceof ReadOnlyStoreError ? mayNotCreate(asked, error) : error;
      }
      found = await this.#connection.read({ path: '' });
    }
    assertOneCopy(where, found.body);
  }

  #accept(marker: Marker | undefined): void {
    assertWritable(this.#connection.where, marker, this.options.experiment);
    this.#marker = marker;
    this.writable = true;
  }

  #view(name: string): View {
    return requireView(this.options.views, name);
  }
}

// The embedded store: documents, view rows and counts in one SQLite file, shared by the processes of one host.
// A change runs inside the write transaction, so it never loses against another; only the lock is waited for.

import { statSync } from 'node:fs';
import { type Doc, SCHEMA } from '../../domain/doc.ts';
import type {
  Change,
  ChangesPage,
  Compacted,
  Group,
  IdRange,
  KeyRange,
  Outcome,
  Row,
  Store,
  StoreFault,
  StoreIdentity,
  StoreInfo,
  ViewQuery,
} from '../../store.ts';
import { ReadOnlyStoreError, StoreError } from '../../util/errors.ts';
import type { SqlDatabase } from '../../util/sqlite.ts';
import { type Iso, iso } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import type { View } from '../../views/view.ts';
import { decide, hasOp, inBatches, withOp } from '../shared/changes.ts';
import { requireCursor } from '../shared/cursor.ts';
import { assertSetupMeant, assertWritable, openedForReading } from '../shared/experiment.ts';
import type { Progress } from '../shared/mark.ts';
import { type Installed, RowWriter } from '../shared/rows.ts';
import { requireView, ViewStore } from '../shared/viewstore.ts';
import { compactFile } from './compact.ts';
import { countDocuments, Documents } from './documents.ts';
import { indexRemoved } from './file.ts';
import { faultsOf, rememberedFaults, WriteAheadLog } from './health.ts';
import { Meta } from './meta.ts';
import type { Patience } from './patience.ts';
import { Place } from './place.ts';
import { readCounts, readRows } from './query.ts';
import { rowStatements, SqliteRows, type Statements } from './rows.ts';
import { installedViews, installViews, PrivateViews, requireSameViews, viewsStamp } from './views.ts';

export interface SqliteOptions {
  readonly views: readonly View[];
  readonly now: () => number;
  /** Operation ids. */
  readonly nonce: () => string;
  readonly write: boolean | 'setup';
  /** Whose store it must be to be written. */
  readonly experiment?: string;
  readonly patience: Patience;
  readonly say?: (text: string) => void;
}

export class SqliteStore extends ViewStore implements Store {
  readonly #db: SqlDatabase;
  readonly #place: Place;
  readonly #meta: Meta;
  readonly #log: WriteAheadLog;
  readonly #options: SqliteOptions;
  #views: readonly Installed[] = [];
  /** What the views were when this writer opened; empty for a reader. */
  #stamp = '';
  #private: PrivateViews | undefined;
  #latest = 0;
  #prepared: { readonly documents: Documents; readonly rows: Statements } | undefined;

  constructor(db: SqlDatabase, options: SqliteOptions) {
    super();
    this.#db = db;
    this.#place = new Place(db.path);
    this.#meta = new Meta(db);
    this.#log = new WriteAheadLog(db);
    this.#options = options;
  }

  /** Checks what the marker says and, for a writer, puts the views in place. A reader is told of an older content. */
  async begin(): Promise<this> {
    const { write, experiment, say } = this.#options;
    if (write === true) {
      await this.#read(() => {
        assertWritable(this.#db.path, this.#meta.marker, experiment);
        this.#place.requireWhole(() => this.#progress());
      });
      await this.#install();
    } else if (write === false) {
      const older = await this.#read(() => this.#place.older(() => this.#progress()));
      if (older !== undefined) say?.(`${older} (${this.#db.path}); what is shown is of then`);
    }
    return this;
  }

  async get<D extends Doc>(ids: readonly string[]): Promise<Map<string, D>> {
    return this.#read(() => this.#tables.documents.get<D>(ids));
  }

  async range<D extends Doc>(range: IdRange): Promise<D[]> {
    return this.#read(() => this.#tables.documents.range<D>(range));
  }

  async bulk<D extends Doc = Doc, N = unknown>(changes: readonly Change<D, N>[]): Promise<Outcome<D, N>[]> {
    this.#requireOpenForWriting();
    return inBatches(changes, (batch) => this.#batch(batch));
  }

  /** An unclear commit is tried again with the same operation id, which then answers `already`. */
  async #batch<D extends Doc>(batch: readonly Change<D>[]): Promise<Outcome<D>[]> {
    const op = this.#options.nonce();
    const outcomes = await this.#transact(() => {
      requireSameViews(this.#db, this.#stamp);
      this.#place.requireWhole(() => this.#progress());
      return this.#apply(batch, op);
    });
    if (outcomes.some(({ result }) => result === 'written')) {
      this.#place.note(await this.#read(() => this.#progress()));
      this.#log.keepSmall();
    }
    return outcomes;
  }

  #progress(): Progress {
    return { ...this.#meta.identity, seq: this.#tables.documents.lastSeq() };
  }

  #apply<D extends Doc>(batch: readonly Change<D>[], op: string): Outcome<D>[] {
    const { documents, rows } = this.#tables;
    const stored = documents.current(batch);
    const sink = new SqliteRows(rows);
    const writer = new RowWriter(sink);
    let seq = documents.lastSeq();
    const outcomes = batch.map((change): Outcome<D> => {
      const { id } = change;
      const { rev: last = 0, doc: before } = stored.get(id) ?? {};
      if (before && hasOp(before, op)) return { id, result: 'already', doc: before };
      const decision = decide(change, before);
      if ('skip' in decision) return skipped(id, decision.skip, before);
      const rev = last + 1;
      if ('remove' in decision) {
        if (!before) return skipped(id, 'there is none');
        documents.put(id, rev, ++seq, null);
        writer.change(this.#views, id, before, undefined);
        return { id, result: 'written' };
      }
      const body = JSON.stringify(withOp(decision.write, before, op));
      documents.put(id, rev, ++seq, body);
      const after = documents.make<D>({ rev, body });
      writer.change(this.#views, id, before, after);
      return { id, result: 'written', doc: after };
    });
    writer.flush();
    sink.end();
    return outcomes;
  }

  protected async rows(name: string, query: ViewQuery): Promise<Row[]> {
    return this.#withView(name, (installed) => readRows(this.#db, installed, query));
  }

  protected async groups(name: string, level: number, query: KeyRange): Promise<Group[]> {
    return this.#withView(name, (installed) => readCounts(this.#db, installed, level, query));
  }

  async changes(since = '0', limit = 1000): Promise<ChangesPage> {
    const newest = await this.#read(() => this.#tables.documents.lastSeq());
    if (since === 'now') return { changes: [], last: String(newest) };
    requireCursor(since, /^\d{1,15}$/, this.#db.path, newest);
    const rows = await this.#read(() =>
      this.#db.all<{ id: string; seq: number; deleted: number }>(
        'SELECT id, seq, body IS NULL AS deleted FROM docs WHERE seq > ? ORDER BY seq LIMIT ?',
        Number(since),
        limit,
      ),
    );
    const changes = rows.map(({ id, seq, deleted }) => ({ id, deleted: deleted === 1, cursor: String(seq) }));
    return { changes, last: changes.at(-1)?.cursor ?? since };
  }

  /** This host's clock, which all users of the file share; never goes back within a process. */
  async now(): Promise<Iso> {
    this.#latest = Math.max(this.#latest, this.#options.now());
    return iso(this.#latest);
  }

  async setup(experiment: string, force?: string, uuid: string = crypto.randomUUID()): Promise<StoreInfo> {
    if (this.#options.write === false) throw new ReadOnlyStoreError('opened for reading', { where: this.#db.path });
    this.#place.sayFormer(this.#progress(), this.#options.say);
    await this.#transact(() => {
      const { marker } = this.#meta;
      if (marker) return assertWritable(this.#db.path, marker, experiment);
      assertSetupMeant(this.#db.path, countDocuments(this.#db), experiment, force);
      this.#meta.put({ experiment, uuid, schema: SCHEMA });
    });
    await this.#install();
    return this.info();
  }

  /** Documents are not counted: every page would pay for it. */
  override async identity(): Promise<StoreIdentity> {
    this.#place.requireSame();
    return this.#read(() => ({ where: this.#db.path, ...given({ uuid: this.#meta.marker?.uuid }) }));
  }

  async info(): Promise<StoreInfo> {
    this.#place.requireSame();
    return this.#read(() => {
      const documents = countDocuments(this.#db);
      const { marker } = this.#meta;
      const unsafe = this.#place.older(() => this.#progress());
      return {
        where: this.#db.path,
        engine: `SQLite ${this.#db.version} (${this.#db.driver})`,
        writable: marker !== undefined && marker.schema <= SCHEMA && unsafe === undefined,
        ...given({ unsafe }),
        ...marker,
        documents,
        bytes: statSync(this.#db.path).size,
      };
    });
  }

  check(): Promise<readonly StoreFault[]> {
    return this.#read(() => faultsOf(this.#db, this.#place.older(this.#progress.bind(this))));
  }
  remembered = async () => rememberedFaults(this.#db);

  async *compact({ dryRun = false }: { readonly dryRun?: boolean } = {}): AsyncGenerator<Compacted, void, void> {
    this.#place.requireSame();
    yield await this.#read(() => compactFile(this.#db, dryRun));
  }

  async close(): Promise<void> {
    this.#place.close();
    this.#db.close();
  }

  #requireOpenForWriting(): void {
    if (this.#stamp !== '') return;
    throw openedForReading(this.#db.path);
  }

  async #install(): Promise<void> {
    await this.#read(async () => {
      await indexRemoved(this.#db, (work) => this.#transact(work));
      this.#views = await installViews(this.#db, this.#options.views, (work) => this.#transact(work));
      this.#stamp = viewsStamp(this.#db);
    });
  }

  /** @throws UsageError for a view that there is not */
  #withView<T>(name: string, work: (installed: Installed) => T): Promise<T> {
    const { views } = this.#options;
    requireView(views, name);
    return this.#read(() => {
      if (this.#stamp === '' && !this.#private && !installedViews(this.#db, views)) {
        this.#private = new PrivateViews(this.#db, views);
      }
      this.#private?.update();
      // One transaction, so that the views are not swapped between looking for one and reading it.
      return this.#db.transaction('DEFERRED', () => work(this.#find(name)));
    });
  }

  #find(name: string): Installed {
    if (this.#stamp !== '') requireSameViews(this.#db, this.#stamp);
    else this.#views = this.#private?.installed ?? installedViews(this.#db, this.#options.views) ?? [];
    const found = this.#views.find(({ view }) => view.name === name);
    if (found) return found;
    throw new StoreError('another process changed the views of this store just now', {
      where: this.#db.path,
      hint: 'run the command again',
    });
  }

  get #tables(): { readonly documents: Documents; readonly rows: Statements } {
    this.#prepared ??= { documents: new Documents(this.#db), rows: rowStatements(this.#db) };
    return this.#prepared;
  }

  #read<T>(work: () => T | Promise<T>): Promise<T> {
    return this.#options.patience.wait(work);
  }

  /** A write transaction; while others hold the lock it is tried again, and other work of this process goes on. */
  #transact<T>(work: () => T): Promise<T> {
    return this.#options.patience.wait(() =>
      this.#db.transaction('IMMEDIATE', () => {
        this.#place.requireSame();
        return work();
      }),
    );
  }
}

function skipped<D extends Doc>(id: string, why: string, doc?: D): Outcome<D> {
  return { id, result: 'skipped', why, ...(doc && { doc }) };
}

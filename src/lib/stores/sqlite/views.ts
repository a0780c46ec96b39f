// Which views a SQLite store has, and putting a changed one in place: its rows are computed beside the old ones while
// others read and write, then swapped in one short transaction.
import type { Doc } from '../../domain/doc.ts';
import { StoreError } from '../../util/errors.ts';
import type { SqlDatabase, SqlStatement } from '../../util/sqlite.ts';
import type { View } from '../../views/view.ts';
import { deepFreeze, type Emitted, emitted } from '../shared/maps.ts';
import { type Installed, RowWriter, viewHash } from '../shared/rows.ts';
import { rowStatements, SqliteRows, VIEW_TABLES } from './rows.ts';

/** The views as the store has them, by name; `undefined` where one is missing or made by another definition. */
export function installedViews(db: SqlDatabase, views: readonly View[]): Installed[] | undefined {
  const stored = new Map(storedViews(db).map((row) => [row.name, row]));
  const found: Installed[] = [];
  for (const view of views) {
    const row = stored.get(view.name);
    if (row?.hash !== viewHash(view)) return undefined;
    found.push({ number: row.view, view });
  }
  return stored.size === views.length ? found : undefined;
}

interface StoredView {
  readonly view: number;
  readonly name: string;
  readonly hash: string;
}

function storedViews(db: SqlDatabase): StoredView[] {
  return db.all<StoredView>('SELECT view, name, hash FROM views ORDER BY view');
}

interface StoredDoc {
  readonly id: string;
  readonly seq: number;
  readonly body: string | null;
}

/** Documents read at a time while a view is built. */
const CHUNK = 5000;

/**
 * Views of a reader whose definitions are not those of the store: another version of dflow writes it. Built in tables
 * of this connection alone (TEMP, which hide those of the same name), brought up to date at every query. Slower than
 * the store's own, and no trouble to anybody.
 */
export class PrivateViews {
  readonly #db: SqlDatabase;
  readonly #build: Build;
  readonly installed: readonly Installed[];
  /** The last change that is in the tables. */
  #stored = -1;
  constructor(db: SqlDatabase, views: readonly View[]) {
    this.#db = db;
    this.#build = new Build(db, views);
    this.installed = views.map((view, i) => ({ number: i + 1, view }));
    db.exec(VIEW_TABLES.replaceAll('CREATE TABLE', 'CREATE TEMP TABLE'));
  }
  update(): void {
    while (this.#build.read());
    const { seen } = this.#build;
    if (seen === this.#stored) return;
    this.#db.transaction('DEFERRED', () => {
      this.#db.exec('DELETE FROM temp.rows; DELETE FROM temp.reduced');
      writeRows(this.#db, this.installed, this.#build);
    });
    this.#stored = seen;
  }
}

/** What `views` emit for every document, read chunk by chunk in the order of changes; a changed one is read again. */
class Build {
  readonly rows = new Map<string, readonly (readonly Emitted[])[]>();
  readonly #page: SqlStatement;
  readonly #views: readonly View[];
  /** The last change that was read. */
  seen = 0;
  constructor(db: SqlDatabase, views: readonly View[]) {
    this.#views = views;
    this.#page = db.prepare('SELECT id, seq, body FROM docs WHERE seq > ? ORDER BY seq LIMIT ?');
  }
  /** Reads on; false when it has caught up. */
  read(): boolean {
    const found = this.#page.all<StoredDoc>(this.seen, CHUNK);
    for (const { id, seq, body } of found) {
      this.seen = seq;
      this.rows.delete(id);
      if (body === null) continue;
      const doc: Doc = deepFreeze(JSON.parse(body));
      const rows = this.#views.map((view) => emitted(view, doc));
      if (rows.some((emits) => emits.length > 0)) this.rows.set(id, rows);
    }
    return found.length === CHUNK;
  }
}

/**
 * Installs `views`: builds what is missing or changed, removes what is no longer there. Others may write meanwhile;
 * from the swap on, those that still have the old definitions are stopped by `requireSameViews`.
 * `transact` runs its argument in a write transaction, however busy the store is.
 */
export async function installViews(
  db: SqlDatabase,
  views: readonly View[],
  transact: <T>(work: () => T) => Promise<T>,
): Promise<Installed[]> {
  for (;;) {
    const ready = installedViews(db, views);
    if (ready) return ready;
    const before = viewsStamp(db);
    const same = new Set(storedViews(db).map(({ name, hash }) => `${name} ${hash}`));
    const fresh = views.filter((view) => !same.has(`${view.name} ${viewHash(view)}`));
    const build = new Build(db, fresh);
    while (build.read()) await new Promise(setImmediate);
    await transact(() => {
      if (viewsStamp(db) !== before) return; // another process was faster: look again
      while (build.read());
      swap(db, views, fresh, build);
    });
  }
}

function swap(db: SqlDatabase, views: readonly View[], fresh: readonly View[], build: Build): void {
  const keep = new Set(views.filter((view) => !fresh.includes(view)).map((view) => view.name));
  const stored = storedViews(db);
  for (const { view, name } of stored) {
    if (keep.has(name)) continue;
    for (const table of ['rows', 'reduced', 'views']) db.run(`DELETE FROM ${table} WHERE view = ?`, view);
  }
  const first = (stored.at(-1)?.view ?? 0) + 1;
  const installed = fresh.map((view, i) => ({ number: first + i, view }));
  for (const { number, view } of installed) {
    db.run('INSERT INTO views (view, name, hash) VALUES (?, ?, ?)', number, view.name, viewHash(view));
  }
  writeRows(db, installed, build);
}

function writeRows(db: SqlDatabase, installed: readonly Installed[], build: Build): void {
  const sink = new SqliteRows(rowStatements(db));
  const writer = new RowWriter(sink);
  for (const [id, rows] of build.rows) {
    for (const [i, emits] of rows.entries()) if (installed[i]) writer.add(installed[i], id, emits);
  }
  writer.flush();
  sink.end();
}

/**
 * Inside a write transaction: the views are still those that this process keeps up to date.
 * @throws StoreError when another version of dflow has put its own in place
 */
export function requireSameViews(db: SqlDatabase, held: string): void {
  if (viewsStamp(db) === held) return;
  throw new StoreError('another version of dflow has changed the views of the store meanwhile', {
    where: db.path,
    hint: 'run the command again; use one version of dflow on this host',
  });
}

/** What `requireSameViews` compares. */
export function viewsStamp(db: SqlDatabase): string {
  return db.get<{ stamp: string }>(`SELECT group_concat(view || ' ' || hash) AS stamp FROM views`)?.stamp ?? '';
}

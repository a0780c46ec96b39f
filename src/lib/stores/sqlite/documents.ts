// The table of documents: rows as frozen JSON and back. Knows nothing of views.
import type { Doc } from '../../domain/doc.ts';
import type { Change, IdRange, Outcome } from '../../store.ts';
import type { SqlDatabase, SqlStatement, SqlValue } from '../../util/sqlite.ts';
import { deepFreeze } from '../shared/maps.ts';
import { Recent } from './recent.ts';

interface StoredDoc {
  readonly id: string;
  readonly rev: number;
  /** `null`: removed, or not read since it is the revision that was named. */
  readonly body: string | null;
}

/** A document as it stands in a transaction; `doc` absent: removed. */
export interface Current<D extends Doc> {
  readonly rev: number;
  readonly doc?: D;
}

/** Rows of one INSERT, and values of one row. */
const PUT_ROWS = 20;
const PUT_VALUES = 4;

export class Documents {
  readonly #db: SqlDatabase;
  readonly #byRevs: SqlStatement;
  readonly #lastSeq: SqlStatement;
  readonly #put: SqlStatement;
  readonly #putMany: SqlStatement;
  /**
   * Documents made here, and how long their text was. They are frozen, so one of them with the stored revision is what
   * is stored, and is neither read nor parsed again. A document of anybody else is never believed.
   */
  readonly #made = new WeakMap<Doc, number>();
  /** Those that were met last: a loop looks at the same ones in every round. */
  readonly #recent = new Recent();

  constructor(db: SqlDatabase) {
    const insert = 'INSERT INTO docs (id, rev, seq, body) VALUES ';
    const row = '(?, ?, ?, ?)';
    const replace = ' ON CONFLICT (id) DO UPDATE SET rev = excluded.rev, seq = excluded.seq, body = excluded.body';
    this.#db = db;
    this.#byRevs = db.prepare(
      `SELECT docs.id, rev, CASE WHEN rev = known.value THEN NULL ELSE body END AS body
       FROM json_each(?) AS known CROSS JOIN docs ON docs.id = known.key`,
    );
    this.#lastSeq = db.prepare('SELECT max(seq) AS seq FROM docs');
    this.#put = db.prepare(insert + row + replace);
    this.#putMany = db.prepare(insert + Array(PUT_ROWS).fill(row).join(', ') + replace);
  }

  get<D extends Doc>(ids: readonly string[]): Map<string, D> {
    const docs = new Map<string, D>();
    // In byte order, whatever order was asked for.
    for (const [id, { doc }] of this.#read<D>([...ids].sort(), () => undefined)) if (doc) docs.set(id, doc);
    return docs;
  }

  range<D extends Doc>(range: IdRange): D[] {
    const order = range.descending ? 'DESC' : 'ASC';
    const sql = `SELECT id, rev, body FROM docs WHERE id >= ? AND id <= ? AND body IS NOT NULL ORDER BY id ${order} LIMIT ?`;
    const rows = this.#db.all<StoredDoc>(sql, range.start, range.end, range.limit ?? -1);
    return rows.map((row) => this.make<D>(row));
  }

  /** What the changes apply to, removed ones too; inside their transaction, before anything is put. */
  current<D extends Doc>(batch: readonly Change<D>[]): Map<string, Current<D>> {
    const bases = new Map<string, D>();
    for (const { id, base } of batch) if (base?._id === id && this.#made.has(base)) bases.set(id, base);
    return this.#read<D>(
      batch.map(({ id }) => id),
      (id) => bases.get(id),
    );
  }

  /** One statement, so that all are of one moment; what is at hand in the stored revision is not read again. */
  #read<D extends Doc>(ids: readonly string[], baseOf: (id: string) => D | undefined): Map<string, Current<D>> {
    const known = new Map<string, D>();
    const revs: Record<string, number> = Object.create(null);
    for (const id of ids) {
      const doc = baseOf(id) ?? this.#recent.get<D>(id);
      if (doc) known.set(id, doc);
      revs[id] = Number(doc?._rev ?? 0);
    }
    const found = new Map<string, Current<D>>();
    for (const row of this.#byRevs.all<StoredDoc>(JSON.stringify(revs))) {
      const { id, rev, body } = row;
      const same = rev === revs[id] ? known.get(id) : undefined;
      const doc = same ?? (body === null ? undefined : this.make<D>(row));
      if (doc && !same) this.#recent.add(doc, this.#made.get(doc)!);
      found.set(id, doc ? { rev, doc } : { rev });
    }
    return found;
  }

  /** Remembers what a transaction has written, once it has been committed: before that, nothing of it is sure. */
  remember(outcomes: readonly Outcome[]): void {
    for (const { doc, result } of outcomes)
      if (doc && result === 'written') this.#recent.add(doc, this.#made.get(doc)!);
  }

  lastSeq(): number {
    return this.#lastSeq.get<{ seq: number | null }>()?.seq ?? 0;
  }

  /** For the documents that one transaction writes. */
  writer(): DocWriter {
    return new DocWriter(this.#put, this.#putMany);
  }

  /** Frozen through and through: map functions must not change it, and neither may a change function. */
  make<D extends Doc>(row: StoredDoc): D {
    const doc = JSON.parse(row.body ?? '') as { _rev: string };
    doc._rev = String(row.rev);
    const made = deepFreeze(doc) as unknown as D;
    this.#made.set(made, row.body?.length ?? 0);
    return made;
  }
}

/** Collects the documents that a transaction writes, since rows cost less together; an id may come once. */
export class DocWriter {
  readonly #one: SqlStatement;
  readonly #many: SqlStatement;
  readonly #values: SqlValue[] = [];

  constructor(one: SqlStatement, many: SqlStatement) {
    this.#one = one;
    this.#many = many;
  }

  /** `body` `null`: removed. */
  put(id: string, rev: number, seq: number, body: string | null): void {
    this.#values.push(id, rev, seq, body);
    if (this.#values.length === PUT_ROWS * PUT_VALUES) this.#many.run(...this.#values.splice(0));
  }

  /** Writes what is still to be written. */
  flush(): void {
    const left = this.#values.splice(0);
    for (let i = 0; i < left.length; i += PUT_VALUES) this.#one.run(...left.slice(i, i + PUT_VALUES));
  }
}

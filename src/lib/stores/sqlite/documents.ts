// The table of documents: rows as frozen JSON and back. Knows nothing of views.
import type { Doc } from '../../domain/doc.ts';
import type { Change, IdRange } from '../../store.ts';
import type { SqlDatabase, SqlStatement } from '../../util/sqlite.ts';
import { MadeDocs } from '../shared/made.ts';

interface StoredDoc {
  readonly id: string;
  readonly rev: number;
  /** `null`: removed. */
  readonly body: string | null;
}

/** A document as it stands in a transaction; `doc` absent: removed. */
export interface Current<D extends Doc> {
  readonly rev: number;
  readonly doc?: D;
}

/** How many there are: rows of small indexes are counted, never read with their texts. */
export function countDocuments(db: SqlDatabase): number {
  const count = 'SELECT (SELECT count(*) FROM docs) - (SELECT count(*) FROM docs WHERE body IS NULL) AS n';
  return db.get<{ n: number }>(count)?.n ?? 0;
}

export class Documents {
  readonly #byIds: SqlStatement;
  readonly #revs: SqlStatement;
  readonly #range: Readonly<Record<'ASC' | 'DESC', SqlStatement>>;
  readonly #lastSeq: SqlStatement;
  readonly #put: SqlStatement;
  readonly #made = new MadeDocs();

  constructor(db: SqlDatabase) {
    const these = 'FROM docs WHERE id IN (SELECT value FROM json_each(?))';
    this.#byIds = db.prepare(`SELECT id, rev, body ${these}`);
    this.#revs = db.prepare(`SELECT id, rev ${these} AND body IS NOT NULL`);
    const range = (order: string): SqlStatement =>
      db.prepare(
        `SELECT id, rev, body FROM docs WHERE id >= ? AND id <= ? AND body IS NOT NULL ORDER BY id ${order} LIMIT ?`,
      );
    this.#range = { ASC: range('ASC'), DESC: range('DESC') };
    this.#lastSeq = db.prepare('SELECT max(seq) AS seq FROM docs');
    this.#put = db.prepare(
      `INSERT INTO docs (id, rev, seq, body) VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET rev = excluded.rev, seq = excluded.seq, body = excluded.body`,
    );
  }

  get<D extends Doc>(ids: readonly string[]): Map<string, D> {
    const found = this.#byIds.all<StoredDoc>(JSON.stringify(ids));
    return new Map(found.filter((row) => row.body !== null).map((row) => [row.id, this.make<D>(row)]));
  }

  range<D extends Doc>(range: IdRange): D[] {
    const select = this.#range[range.descending ? 'DESC' : 'ASC'];
    const rows = select.all<StoredDoc>(range.start, range.end, range.limit ?? -1);
    return rows.map((row) => this.make<D>(row));
  }

  /** What the changes apply to, removed ones too; inside their transaction. */
  current<D extends Doc>(batch: readonly Change<D>[]): Map<string, Current<D>> {
    const found = new Map<string, Current<D>>();
    const held = new Map<string, D>();
    for (const { id, base } of batch) if (base?._id === id && this.#made.has(base)) held.set(id, base);
    if (held.size > 0) {
      for (const { id, rev } of this.#revs.all<{ id: string; rev: number }>(JSON.stringify([...held.keys()]))) {
        const doc = held.get(id);
        if (doc?._rev === String(rev)) found.set(id, { rev, doc });
      }
    }
    const others = batch.flatMap(({ id }) => (found.has(id) ? [] : [id]));
    if (others.length === 0) return found;
    for (const row of this.#byIds.all<StoredDoc>(JSON.stringify(others))) {
      found.set(row.id, row.body === null ? { rev: row.rev } : { rev: row.rev, doc: this.make<D>(row) });
    }
    return found;
  }

  lastSeq(): number {
    return this.#lastSeq.get<{ seq: number | null }>()?.seq ?? 0;
  }

  /** `body` `null`: removed. */
  put(id: string, rev: number, seq: number, body: string | null): void {
    this.#put.run(id, rev, seq, body);
  }

  make<D extends Doc>({ rev, body }: Omit<StoredDoc, 'id'>): D {
    return this.#made.make<D>(String(rev), body ?? '');
  }
}

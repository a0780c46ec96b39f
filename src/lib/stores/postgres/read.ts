// Documents in rows of PostgreSQL, read by id, by range, and in the order of changes.
import type { Doc } from '../../domain/doc.ts';
import type { ChangesPage, IdRange, IdSpan } from '../../store.ts';
import { batches } from '../../util/values/group.ts';
import { BATCH } from '../shared/changes.ts';
import { requireCursor } from '../shared/cursor.ts';
import type { MadeDocs } from '../shared/made.ts';
import type { Stored } from '../shared/swap.ts';
import type { Connection } from './server/connection.ts';
import { named } from './tables.ts';

/** Documents per answer of a range. */
const PAGE = 2000;
/** Ranges per statement. */
const SPANS = 200;

export class Documents {
  readonly #connection: Connection;
  readonly #table: string;
  readonly #head: string;
  readonly made: MadeDocs;

  constructor(connection: Connection, made: MadeDocs) {
    this.#connection = connection;
    this.#table = named(connection.asked.schema, 'docs');
    this.#head = named(connection.asked.schema, 'head');
    this.made = made;
  }

  /** A removal says its revision and the operation that made it. */
  async stored<D extends Doc>(ids: readonly string[]): Promise<Map<string, Stored<D>>> {
    const found = new Map<string, Stored<D>>();
    const sql = `SELECT id, rev, op, body FROM ${this.#table} WHERE id = ANY ($1::text[])`;
    for (const some of batches(ids.filter(isText), BATCH)) {
      for (const { id, rev, op, body } of await this.#connection.read(sql, [some])) {
        const stored = typeof body === 'string' ? { doc: this.made.make<D>(String(rev), body) } : undefined;
        found.set(String(id), stored ?? { tombstone: `${rev} ${op}` });
      }
    }
    return found;
  }

  async range<D extends Doc>(range: IdRange): Promise<D[]> {
    const docs: D[] = [];
    let { low, after, high } = boundsOf(range);
    let before = false;
    const limit = range.limit ?? Number.POSITIVE_INFINITY;
    while (docs.length < limit) {
      const page = Math.min(PAGE, limit - docs.length);
      const order = range.descending ? 'DESC' : 'ASC';
      const sql = `SELECT id, rev, body FROM ${this.#table} WHERE id ${after ? '>' : '>='} $1 AND id ${before ? '<' : '<='} $2
        AND body IS NOT NULL ORDER BY id ${order} LIMIT $3`;
      const rows = await this.#connection.read(sql, [low, high, page]);
      for (const { rev, body } of rows) docs.push(this.made.make<D>(String(rev), String(body)));
      const last = rows.at(-1);
      if (!last || rows.length < page) break;
      if (range.descending) [high, before] = [String(last.id), true];
      else [low, after] = [String(last.id), true];
    }
    return docs;
  }

  /** Of many ranges; one whose end has a NUL comes last. */
  async ranges<D extends Doc>(spans: readonly IdSpan[]): Promise<D[]> {
    const odd = spans.find(({ start, end }) => !isText(start) || !isText(end));
    if (odd) return [...(await this.ranges<D>(spans.filter((one) => one !== odd))), ...(await this.range<D>(odd))];
    const docs: D[] = [];
    const sql = `SELECT d.rev, d.body FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS s(low, high, place)
      JOIN ${this.#table} d ON d.id >= s.low AND d.id <= s.high WHERE d.body IS NOT NULL ORDER BY s.place, d.id`;
    for (const some of batches(spans, SPANS)) {
      const rows = await this.#connection.read(sql, [some.map(({ start }) => start), some.map(({ end }) => end)]);
      for (const { rev, body } of rows) docs.push(this.made.make<D>(String(rev), String(body)));
    }
    return docs;
  }

  /** Changes become visible in the order of their numbers: see the table `head`. */
  async changes(since = '0', limit = 1000): Promise<ChangesPage> {
    const { where } = this.#connection;
    if (since === 'now') return { changes: [], last: await this.#newest() };
    requireCursor(since, /^\d+$/, where);
    const sql = `SELECT id, seq, body IS NULL AS deleted FROM ${this.#table} WHERE seq > $1 ORDER BY seq LIMIT $2`;
    const rows = await this.#connection.read(sql, [since, limit]);
    if (rows.length === 0) requireCursor(since, /^\d+$/, where, Number(await this.#newest()));
    const changes = rows.map(({ id, seq, deleted }) => ({
      id: String(id),
      deleted: deleted === 't',
      cursor: String(seq),
    }));
    return { changes, last: changes.at(-1)?.cursor ?? since };
  }

  async #newest(): Promise<string> {
    const [row] = await this.#connection.read(`SELECT seq FROM ${this.#head}`);
    return String(row?.seq ?? 0);
  }
}

/** PostgreSQL has no text with a NUL: no document has such an id. */
function isText(text: string): boolean {
  return !text.includes('\0');
}

/** `after`: the lower end itself is not in it, since nothing lies between it and the same with a NUL. */
function boundsOf({ start, end }: IdRange): { low: string; after: boolean; high: string } {
  const [low = '', high = ''] = [start, end].map((text) => text.split('\0', 1)[0]);
  return { low, after: !isText(start), high };
}

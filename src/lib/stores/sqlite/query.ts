// Reading view rows and counts: from a query to SQL, always through the tables' primary keys. Pure but for the reading.
import type { Json } from '../../domain/doc.ts';
import type { Group, KeyRange, Row, ViewQuery } from '../../store.ts';
import type { SqlDatabase } from '../../util/sqlite.ts';
import { encodeKey } from '../shared/collate.ts';
import { boundsOf, keptLevel, mergedGroups } from '../shared/rowquery.ts';
import type { Installed } from '../shared/rows.ts';

interface StoredRow {
  readonly json: string;
  readonly value: string;
  readonly id: string;
}

const SELECT = 'SELECT json, value, id FROM rows WHERE view = ? AND key >= ? AND key <= ?';

/** Rows of a view, in the order of their keys, then of their documents' ids. */
export function readRows(db: SqlDatabase, { number }: Installed, query: ViewQuery): Row[] {
  const order = query.descending ? 'ORDER BY key DESC, id DESC, n DESC' : 'ORDER BY key, id, n';
  const limit = query.limit ?? -1;
  const skip = query.skip ?? 0;
  if (query.keys) return readKeys(db, number, query.keys, query.descending ?? false, limit, skip);
  const { low, high } = query.key === undefined ? boundsOf(query) : boundsOf({ start: query.key, end: query.key });
  return db.all<StoredRow>(`${SELECT} ${order} LIMIT ? OFFSET ?`, number, low, high, limit, skip).map(rowOf);
}

/** In the order of `keys`, as CouchDB answers them. */
function readKeys(
  db: SqlDatabase,
  number: number,
  keys: readonly Json[],
  descending: boolean,
  limit: number,
  skip: number,
): Row[] {
  const select = db.prepare(`SELECT json, value, id FROM rows WHERE view = ? AND key = ? ORDER BY id, n`);
  const rows: Row[] = [];
  for (const key of descending ? [...keys].reverse() : keys) {
    const found = select.all<StoredRow>(number, encodeKey(key)).map(rowOf);
    rows.push(...(descending ? found.reverse() : found));
    if (limit >= 0 && rows.length >= skip + limit) break;
  }
  return rows.slice(skip, limit < 0 ? undefined : skip + limit);
}

function rowOf(row: StoredRow): Row {
  return { key: JSON.parse(row.json), value: JSON.parse(row.value), id: row.id };
}

interface StoredGroup {
  readonly json: string;
  readonly value: number;
}

/**
 * The reduce by group. Kept counts answer it where the range is a prefix; otherwise the rows of the range are added up.
 */
export function readCounts(db: SqlDatabase, installed: Installed, level: number, query: KeyRange): Group[] {
  const kept = keptLevel(installed.view, level, query);
  const groups =
    kept === undefined ? countedGroups(db, installed, query, level) : keptGroups(db, installed.number, kept, query);
  return mergedGroups(groups, level);
}

function keptGroups(db: SqlDatabase, number: number, level: number, query: KeyRange): Group[] {
  const { low, high } = boundsOf(query);
  return db
    .all<StoredGroup>(
      'SELECT json, value FROM reduced WHERE view = ? AND level = ? AND key >= ? AND key <= ? ORDER BY key',
      number,
      level,
      low,
      high,
    )
    .map((row) => ({ key: JSON.parse(row.json), value: row.value }));
}

/** Of level 0 one group, so that a total of any number of rows takes no memory. */
function countedGroups(db: SqlDatabase, { number, view }: Installed, query: KeyRange, level: number): Group[] {
  const { low, high } = boundsOf(query);
  const sum =
    view.reduce === '_count'
      ? 'count(*)'
      : `sum(CASE json_type(value) WHEN 'integer' THEN value + 0 WHEN 'real' THEN value + 0 ELSE 0 END)`;
  const [json, group] = level === 0 ? [`'null'`, ''] : ['json', 'GROUP BY key ORDER BY key'];
  return db
    .all<StoredGroup>(
      `SELECT ${json} AS json, coalesce(${sum}, 0) AS value FROM rows WHERE view = ? AND key >= ? AND key <= ? ${group}`,
      number,
      low,
      high,
    )
    .map((row) => ({ key: JSON.parse(row.json), value: row.value }));
}

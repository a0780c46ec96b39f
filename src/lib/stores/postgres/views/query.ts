// Queries of view rows and counts as SQL: each a statement whose answer is one JSON list, in order. Pure.
import type { Json } from '../../../domain/doc.ts';
import type { KeyRange, ViewQuery } from '../../../store.ts';
import { encodeKey } from '../../shared/collate.ts';
import { boundsOf, keptLevel } from '../../shared/rowquery.ts';
import type { Installed } from '../../shared/rows.ts';
import type { SqlValue } from '../server/connection.ts';
import { named } from '../tables.ts';
import { indexEnd, indexKey, indexStart } from './sink.ts';

/** An expression that makes a JSON list; its parameters begin with the view's number, `$1`. */
export interface ListQuery {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/** A list of `[key, value, id, n]`. `lagging`: without rows of stale documents, and from the first on. */
export function rowsQuery(schema: string, { number }: Installed, query: ViewQuery, lagging: boolean): ListQuery {
  const { descending, limit, skip = 0 } = query;
  const way = descending ? 'DESC' : 'ASC';
  const rows = named(schema, 'rows');
  const fresh = lagging
    ? `AND NOT EXISTS (SELECT FROM ${named(schema, 'stale')} s WHERE s.view = $1 AND s.id = r.id)`
    : '';
  const [most, from] = lagging ? [limit === undefined || query.keys ? null : limit + skip, 0] : [limit ?? null, skip];
  const list = (inner: string): string =>
    `(SELECT json_agg(json_build_array(x.json::json, x.value::json, x.id, x.n)) FROM (${inner}) x)`;
  if (query.keys) {
    const keys = query.keys.map((key) => indexKey(encodeKey(key)));
    return {
      sql: list(`SELECT r.json, r.value, r.id, r.n FROM unnest($2::text[]) WITH ORDINALITY AS k(key, place)
        JOIN ${rows} r ON r.view = $1 AND r.key = k.key ${fresh} ORDER BY k.place, r.id ${way}, r.n ${way} LIMIT $3 OFFSET $4`),
      values: [number, descending ? keys.reverse() : keys, most, from],
    };
  }
  return {
    sql: list(`SELECT r.json, r.value, r.id, r.n FROM ${rows} r WHERE r.view = $1 AND r.key >= $2 AND r.key <= $3 ${fresh}
      ORDER BY r.key ${way}, r.id ${way}, r.n ${way} LIMIT $4 OFFSET $5`),
    values: [number, ...keyBounds(query), most, from],
  };
}

/** A list of `[key, value, rows]`, finer than the level that is asked for. */
export function groupsQuery(schema: string, { number, view }: Installed, level: number, query: KeyRange): ListQuery {
  const list = (inner: string): string =>
    `(SELECT json_agg(json_build_array(x.json::json, x.value, x.rows)) FROM (${inner}) x)`;
  const kept = keptLevel(view, level, query);
  const [low, high] = keyBounds(query);
  if (kept !== undefined) {
    return {
      sql: list(`SELECT json, value, rows FROM ${named(schema, 'reduced')}
        WHERE view = $1 AND key >= $2 AND key <= $3 AND level = $4 ORDER BY key`),
      values: [number, low, high, kept],
    };
  }
  const value =
    view.reduce === '_count' ? 'count(*)' : `sum(CASE WHEN value ~ '^-?[0-9]' THEN value::numeric ELSE 0 END)`;
  // Of level 0 one group, so that a total of any number of rows takes no memory.
  const [json, group] = level === 0 ? [`'null'`, ''] : ['min(json)', 'GROUP BY key ORDER BY key'];
  return {
    sql: list(`SELECT ${json} AS json, coalesce(${value}, 0) AS value, count(*) AS rows FROM ${named(schema, 'rows')}
      WHERE view = $1 AND key >= $2 AND key <= $3 ${group}`),
    values: [number, low, high],
  };
}

function keyBounds(query: KeyRange & { readonly key?: Json }): [string, string] {
  if (query.key !== undefined) {
    const key = indexKey(encodeKey(query.key));
    return [key, key];
  }
  const { low, high } = boundsOf(query);
  return [indexStart(low), indexEnd(high)];
}

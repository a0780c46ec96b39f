// Reading documents of CouchDB: many by id, or a range of ids. Answers what is there and what was removed.

import type { Doc } from '../../domain/doc.ts';
import { type IdRange, type IdSpan, rangeAfter } from '../../store.ts';
import { StoreError } from '../../util/errors.ts';
import { field } from '../../util/values/field.ts';
import { batches } from '../../util/values/group.ts';
import { BATCH } from '../shared/changes.ts';
import type { Stored } from '../shared/swap.ts';
import type { Connection } from './server/connection.ts';

interface DocRow<D> {
  readonly key: string;
  readonly id?: string;
  readonly value?: { readonly rev: string; readonly deleted?: boolean };
  readonly doc?: D | null;
}

const WHOLE = { include_docs: true, conflicts: true };
/** Documents per answer of a range. */
const PAGE = 2000;
/** Ranges per request. */
const SPANS = 200;

/** A list in an answer. @throws StoreError where something else answers, such as a proxy */
export function listIn<T>({ where }: Pick<Connection, 'where'>, body: unknown, name: string): T[] {
  const list = field(body, name);
  if (Array.isArray(list)) return list;
  const hint = 'correct `store` in the configuration, or the proxy in front of the store';
  throw new StoreError(`the answer has no '${name}', so it is not from CouchDB`, { where, hint });
}

/** What the database has under `ids`; ids that never existed are absent. */
export async function readStored<D extends Doc>(
  connection: Connection,
  ids: readonly string[],
): Promise<Map<string, Stored<D>>> {
  const found = new Map<string, Stored<D>>();
  for (const keys of batches(ids, BATCH)) {
    const { body } = await connection.read({ method: 'POST', path: '_all_docs', query: WHOLE, body: { keys } });
    for (const row of listIn<DocRow<D>>(connection, body, 'rows')) {
      if (row.value?.deleted) found.set(row.key, { tombstone: row.value.rev });
      else if (row.doc) found.set(row.key, { doc: row.doc });
    }
  }
  return found;
}

/** Documents by range of ids, design documents left out; read in pages. */
export async function readRange<D extends Doc>(connection: Connection, range: IdRange): Promise<D[]> {
  const docs: D[] = [];
  let from = range.descending ? range.end : range.start;
  const to = range.descending ? range.start : range.end;
  const limit = range.limit ?? Number.POSITIVE_INFINITY;
  for (let skip = 0; docs.length < limit; skip = 1) {
    const page = Math.min(PAGE, limit - docs.length);
    const { body } = await connection.read({
      path: '_all_docs',
      query: {
        ...WHOLE,
        startkey: from,
        endkey: to,
        descending: range.descending ?? false,
        limit: page,
        skip,
      },
    });
    const rows = listIn<DocRow<D> & { id: string }>(connection, body, 'rows');
    docs.push(...docsIn(rows));
    const last = rows.at(-1);
    if (!last || rows.length < page) break;
    from = last.id;
  }
  return docs.slice(0, range.limit);
}

/** Documents of many ranges; a range of many documents is read on by itself. */
export async function readRanges<D extends Doc>(connection: Connection, spans: readonly IdSpan[]): Promise<D[]> {
  const docs: D[] = [];
  for (const batch of batches(spans, SPANS)) {
    const queries = batch.map(({ start, end }) => ({ ...WHOLE, start_key: start, end_key: end, limit: PAGE }));
    const { body } = await connection.read({ method: 'POST', path: '_all_docs/queries', body: { queries } });
    for (const [i, answer] of listIn<unknown>(connection, body, 'results').entries()) {
      const rows = listIn<DocRow<D> & { id: string }>(connection, answer, 'rows');
      docs.push(...docsIn(rows));
      const [span, last] = [batch[i], rows.at(-1)];
      if (span && last && rows.length === PAGE)
        docs.push(...(await readRange<D>(connection, rangeAfter(span, last.id))));
    }
  }
  return docs;
}

function docsIn<D extends Doc>(rows: readonly (DocRow<D> & { id: string })[]): D[] {
  return rows.flatMap(({ id, doc }) => (doc && !id.startsWith('_design/') ? doc : []));
}

// Reading documents of CouchDB: many by id, or a range of ids. Answers what is there and what was removed.

import type { Doc } from '../../domain/doc.ts';
import type { IdRange, IdSpan } from '../../store.ts';
import { StoreError } from '../../util/errors.ts';
import { field } from '../../util/values/field.ts';
import { batches } from '../../util/values/group.ts';
import { BATCH } from '../shared/changes.ts';
import type { Stored } from '../shared/swap.ts';
import { Gather, type Query } from './gather.ts';
import type { Connection, Reply, Request } from './server/connection.ts';

interface DocRow<D> {
  readonly key: string;
  readonly id?: string;
  readonly value?: { readonly rev: string; readonly deleted?: boolean };
  readonly doc?: D | null;
}

const WHOLE = { include_docs: true, conflicts: true };
/** Documents per answer of a range. */
const PAGE = 2000;
/** Ranges asked for together. */
const SPANS = 200;

/** A list in an answer. @throws StoreError where something else answers, such as a proxy */
export function listIn<T>({ where }: Pick<Connection, 'where'>, body: unknown, name: string): T[] {
  const list = field(body, name);
  if (Array.isArray(list)) return list;
  const hint = 'correct `store` in the configuration, or the proxy in front of the store';
  throw new StoreError(`the answer has no '${name}', so it is not from CouchDB`, { where, hint });
}

/** The documents of a database, as they are read. Questions that are asked at once go out together. */
export class Documents {
  readonly connection: Connection;
  readonly #gather: Gather<readonly DocRow<Doc>[]>;

  constructor(connection: Connection) {
    this.connection = connection;
    this.#gather = new Gather((queries) => this.#send(queries));
  }

  /** What the database has under `ids`; ids that never existed are absent. */
  async stored<D extends Doc>(ids: readonly string[]): Promise<Map<string, Stored<D>>> {
    const found = new Map<string, Stored<D>>();
    const answers = await Promise.all([...batches(ids, BATCH)].map((keys) => this.#ask<D>({ keys: [...keys] })));
    for (const row of answers.flat()) {
      if (row.value?.deleted) found.set(row.key, { tombstone: row.value.rev });
      else if (row.doc) found.set(row.key, { doc: row.doc });
    }
    return found;
  }

  /** Documents by range of ids, design documents left out; read in pages. */
  async range<D extends Doc>(range: IdRange): Promise<D[]> {
    const docs: D[] = [];
    let from = range.descending ? range.end : range.start;
    const to = range.descending ? range.start : range.end;
    const limit = range.limit ?? Number.POSITIVE_INFINITY;
    for (let skip = 0; docs.length < limit; skip = 1) {
      const page = Math.min(PAGE, limit - docs.length);
      const descending = range.descending ?? false;
      const rows = await this.#ask<D>({ startkey: from, endkey: to, descending, limit: page, skip });
      for (const { id, doc } of rows) if (doc && id && !id.startsWith('_design/')) docs.push(doc);
      const last = rows.at(-1)?.id;
      if (last === undefined || rows.length < page) break;
      from = last;
    }
    return docs.slice(0, range.limit);
  }

  /** Documents of many ranges; a range of many documents is read on by itself. */
  async ranges<D extends Doc>(spans: readonly IdSpan[]): Promise<D[]> {
    const docs: D[] = [];
    for (const batch of batches(spans, SPANS)) {
      for (const found of await Promise.all(batch.map((span) => this.range<D>(span)))) docs.push(...found);
    }
    return docs;
  }

  #ask<D extends Doc>(query: Query): Promise<readonly DocRow<D>[]> {
    return this.#gather.ask(query) as Promise<readonly DocRow<D>[]>;
  }

  async #send(queries: readonly Query[]): Promise<readonly (readonly DocRow<Doc>[])[]> {
    return askAll(
      this.connection,
      '_all_docs',
      queries.map((query) => ({ ...WHOLE, ...query })),
    );
  }
}

/** The rows that each query gets at one path, in one request: `slow` where a view may be built for it. */
export async function askAll<Row>(
  connection: Connection,
  path: string,
  queries: readonly Query[],
  read: (request: Request) => Promise<Reply> = (request) => connection.read(request),
): Promise<Row[][]> {
  const [only, ...more] = queries;
  if (only && more.length === 0) {
    const { keys, ...query } = only;
    const { body } = await read({
      path,
      query,
      ...(keys !== undefined && { method: 'POST' as const, body: { keys } }),
    });
    return [listIn<Row>(connection, body, 'rows')];
  }
  const { body } = await read({ method: 'POST', path: `${path}/queries`, body: { queries } });
  return listIn(connection, body, 'results').map((result) => listIn<Row>(connection, result, 'rows'));
}

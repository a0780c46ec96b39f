// The views as CouchDB has them: one design document, named by the hash of what stands in it, so that new views are
// built beside the old ones. Pure building of documents and queries; `installDesign` puts them in place.

import { createHash } from 'node:crypto';
import type { Json } from '../../domain/doc.ts';
import type { KeyRange, ViewQuery } from '../../store.ts';
import { StoreError } from '../../util/errors.ts';
import { given } from '../../util/values/given.ts';
import type { View } from '../../views/view.ts';
import { compareKeys } from '../shared/collate.ts';
import type { Connection } from './server/connection.ts';
import { UnclearError } from './server/meaning.ts';

interface DesignDoc {
  readonly _id: string;
  readonly language: 'javascript';
  readonly views: Readonly<Record<string, { readonly map: string; readonly reduce: string }>>;
}

const PREFIX = '_design/dflow-';

/**
 * A map function as CouchDB takes it: an anonymous function of the document alone, in any of its JavaScript engines.
 * @throws Error for a method or an async function, which no server would take
 */
export function mapSource(view: View): string {
  const source = view.map.toString();
  if (!/^(\(|function\s*\(|[\w$]+\s*=>)/.test(source)) {
    throw new Error(`the map function of ${view.name} must be an arrow function or \`function (doc, emit)\``);
  }
  return `function (doc) { (${source})(doc, emit); }`;
}

export function designOf(views: readonly View[]): DesignDoc {
  const entries = views.map((view) => [view.name, { map: mapSource(view), reduce: view.reduce }] as const);
  const hash = createHash('sha256').update(JSON.stringify(entries)).digest('hex').slice(0, 16);
  return { _id: PREFIX + hash, language: 'javascript', views: Object.fromEntries(entries) };
}

/** Puts the design document in place, waits until its views are built, then removes older ones. */
export async function installDesign(connection: Connection, views: readonly View[]): Promise<void> {
  const design = designOf(views);
  const found = await connection.read({ path: design._id, accept: [404] });
  if (found.status === 404) {
    // 409: another process was faster with the same document.
    await connection.read({ method: 'PUT', path: design._id, body: design, accept: [409] });
  }
  const first = views[0];
  if (first) await built(connection, `${design._id}/_view/${first.name}`);
  await removeOthers(connection, design._id);
}

/** A query of one view builds all of its design document. It may take longer than any timeout: then ask again. */
async function built(connection: Connection, path: string): Promise<void> {
  const deadline = performance.now() + 6 * 3_600_000;
  for (;;) {
    try {
      await connection.read({ path, query: { reduce: false, limit: 0 } });
      return;
    } catch (error) {
      const timedOut = error instanceof UnclearError && /timeout/i.test(error.message);
      if (!timedOut || performance.now() > deadline) throw error;
    }
  }
}

/** CouchDB clears away the files of removed views by itself (3.3), or when `_view_cleanup` is called. */
async function removeOthers(connection: Connection, keep: string): Promise<void> {
  const query = { startkey: PREFIX, endkey: `${PREFIX}\uffff` };
  const { body } = await connection.read({ path: '_all_docs', query });
  for (const { id, value } of (body as { rows: { id: string; value: { rev: string } }[] }).rows) {
    if (id === keep) continue;
    await connection.read({ method: 'DELETE', path: id, query: { rev: value.rev }, accept: [404, 409] });
  }
}

type Range = KeyRange & Pick<ViewQuery, 'descending'>;

/** After every array that begins with `prefix`: an object with the last of all names. */
const LAST: Json = { '\uffff': {} };

/** `startkey` and `endkey`; with `descending` CouchDB wants them the other way round. */
export function rangeQuery(query: Range): Record<string, Json> {
  let { start, end } = query;
  if (query.prefix) {
    const first: Json = [...query.prefix];
    const last: Json = [...query.prefix, LAST];
    if (start === undefined || compareKeys(start, first) < 0) start = first;
    if (end === undefined || compareKeys(end, last) > 0) end = last;
  }
  const [from, to] = query.descending ? [end, start] : [start, end];
  return {
    ...given({ startkey: from, endkey: to }),
  };
}

/** A view's answer of 404: the design document is not there. */
export function missingViews(where: string): StoreError {
  return new StoreError('the views of this store were made by another version of dflow', {
    where,
    hint: 'dflow store setup',
  });
}

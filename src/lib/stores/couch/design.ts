// The views as CouchDB has them: one design document, named by the hash of what stands in it, so that new views are
// built beside the old ones. Pure building of documents and queries; viewsets.ts puts them in place.
import { createHash } from 'node:crypto';
import type { Json } from '../../domain/doc.ts';
import type { KeyRange, ViewQuery } from '../../store.ts';
import { given } from '../../util/values/given.ts';
import type { View } from '../../views/view.ts';
import { compareKeys } from '../shared/collate.ts';

export interface DesignDoc {
  readonly _id: string;
  readonly language: 'javascript';
  readonly views: Readonly<Record<string, { readonly map: string; readonly reduce: string }>>;
}

const PREFIX = '_design/dflow-';
/** The range of every version's set. */
export const SETS = { startkey: PREFIX, endkey: `${PREFIX}\uffff` };

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

/** Names of views that `there` has otherwise than `own`, lacks, or has besides. */
export function differingViews(there: Partial<DesignDoc>, own: DesignDoc): string[] {
  if (there.language !== own.language) return ['language'];
  const names = new Set([...Object.keys(own.views), ...Object.keys(there.views ?? {})]);
  return [...names].filter((name) => {
    const [has, should] = [there.views?.[name], own.views[name]];
    return has?.map !== should?.map || has?.reduce !== should?.reduce;
  });
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
  return given({ startkey: from, endkey: to });
}

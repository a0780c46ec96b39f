// The views as CouchDB has them: one design document, named by the hash of what stands in it, so that new views are
// built beside the old ones. Pure building of documents; viewsets.ts puts them in place.
import { createHash } from 'node:crypto';
import type { View } from '../../views/view.ts';
import { combinedSource } from './combined.ts';

export interface DesignDoc {
  readonly _id: string;
  readonly language: 'javascript';
  readonly views: Readonly<Record<string, { readonly map: string; readonly reduce: string }>>;
}

const PREFIX = '_design/dflow-';
const REDUCES = ['_count', '_sum'] as const;

/** The view of CouchDB that has all of ours with this reduce. */
export function nameOf(reduce: View['reduce']): string {
  return reduce.slice(1);
}

/** The range of every version's set. */
export const SETS = { startkey: PREFIX, endkey: `${PREFIX}\uffff` };

export function designOf(views: readonly View[]): DesignDoc {
  const entries = REDUCES.flatMap((reduce) => {
    const ours = views.filter((view) => view.reduce === reduce);
    return ours.length === 0 ? [] : [[nameOf(reduce), { map: combinedSource(ours), reduce }] as const];
  });
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

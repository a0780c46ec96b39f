// How the catalogue of the collaboration was when it was last told something: since when it is away, and why.
import type { Iso } from '../../util/time.ts';
import { type Doc, SCHEMA } from '../doc.ts';

export interface CatalogueDoc extends Doc {
  readonly kind: 'catalogue';
  readonly name: string;
  /** The last try. */
  readonly at: Iso;
  /** Absent: it answered. */
  readonly away?: { readonly since: Iso; readonly why: string };
}

export const catalogueId = (name: string): string => `catalogue:${name}`;

/** After a try at `at`; `why`: it failed. */
export function afterTry(doc: CatalogueDoc | undefined, name: string, at: Iso, why?: string): CatalogueDoc {
  const base: CatalogueDoc = { _id: catalogueId(name), kind: 'catalogue', v: SCHEMA, ...doc, name, at };
  const { away, ...rest } = base;
  return why === undefined ? rest : { ...rest, away: { since: away?.since ?? at, why } };
}

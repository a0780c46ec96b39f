// Documents, views and keys that the store's contract is shown on.
import type { Doc, Json } from '../../src/lib/domain/doc.ts';
import type { Decision } from '../../src/lib/store.ts';
import type { View } from '../../src/lib/views/view.ts';

export interface Thing extends Doc {
  readonly kind: 'thing';
  readonly n?: number;
  readonly key?: Json;
  readonly value?: Json;
}

export const thing = (id: string, more: Partial<Thing> = {}): Thing => ({ _id: id, kind: 'thing', v: 1, ...more });
/** Changes, as a store takes them: one that writes a document, and that with its id. */
export const put = (doc: Thing) => (): Decision<Thing> => ({ write: doc });
export const create = (id: string, more: Partial<Thing> = {}) => ({ id, change: put(thing(id, more)) });
export const increment = (doc: Thing | undefined): Decision<Thing> => ({
  write: { ...thing('counter'), ...doc, n: (doc?.n ?? 0) + 1 },
});
/** Ids that sort as their numbers. */
export const number = (i: number): string => `thing:${String(i).padStart(6, '0')}`;

/** Views over `thing` documents, with keys of every type. */
export const keysView: View = {
  name: 'keys',
  reduce: '_count',
  map: (doc, emit) => {
    if (doc.kind === 'thing' && doc.key !== undefined) emit(doc.key, doc.value === undefined ? null : doc.value);
  },
};
export const sumsView: View = {
  name: 'sums',
  reduce: '_sum',
  map: (doc, emit) => {
    if (doc.kind !== 'thing' || typeof doc.n !== 'number') return;
    emit(['n', doc.n % 2 === 0 ? 'even' : 'odd', doc.n], doc.n);
    if (doc.n > 100) emit(['big', doc.n], 1);
  },
};
export const CONTRACT_VIEWS: readonly View[] = [keysView, sumsView];

/** Keys of every JSON type, in CouchDB's order. */
export const ORDERED_KEYS: readonly Json[] = [
  null,
  false,
  true,
  -1e300,
  -10,
  -9.5,
  -1,
  0,
  0.1,
  1,
  2,
  10,
  109134,
  1e300,
  '',
  ' ',
  '_',
  '-',
  '.',
  '/',
  '0',
  '10',
  '2',
  'a',
  'A',
  'á',
  'aa',
  'aA',
  'Aa',
  'ab',
  'abc',
  'b',
  'B',
  'ba',
  'Processing',
  'z',
  [],
  [null],
  [1],
  [1, 'a'],
  [1, 'b'],
  [2],
  ['a'],
  ['a', 1],
  ['a', 'b'],
  ['a', 'b', 'c'],
  ['b'],
  ['b', {}],
  [[]],
  {},
  { a: 1 },
  { a: 2 },
  { a: 2, b: 0 },
  { b: 0 },
];

import type { HoldWhat } from '../domain/hold.ts';
import type { Iso } from '../util/time.ts';
import type { View } from './view.ts';

/** Holds in force or to be ended: key `[what, since]`. Ended ones are history, found by their ids. */
export const holds: View<[what: HoldWhat, since: Iso], null> = {
  name: 'holds',
  reduce: '_count',
  map: (doc, emit) => {
    if (doc.kind === 'hold' && !doc.ended) emit([doc.what, doc.since], null);
  },
};

/** Claims that are not closed: key `[site, at]`. */
export const claims: View<[site: string, at: Iso], null> = {
  name: 'claims',
  reduce: '_count',
  map: (doc, emit) => {
    if (doc.kind === 'claim') emit([doc.site, doc.at], null);
  },
};

/** Tables that cover more than one run, by their first run: key `[name, index, first, last]`. */
export const tableRanges: View<[name: string, index: string, first: number, last: number], number | null> = {
  name: 'table-ranges',
  reduce: '_count',
  map: (doc, emit) => {
    if (doc.kind === 'table' && doc.first !== doc.last) emit([doc.name, doc.index, doc.first, doc.last], doc.pass);
  },
};

/** How many documents there are of each kind: key `[kind]`; quarantined files by reason, tables by name. */
export const kinds: View<[kind: string] | [kind: 'quarantine' | 'table', of: string], null> = {
  name: 'kinds',
  reduce: '_count',
  map: (doc, emit) => {
    if (doc.kind === 'quarantine') emit([doc.kind, doc.reason], null);
    else if (doc.kind === 'table') emit([doc.kind, doc.name], null);
    else emit([doc.kind], null);
  },
};

/** Raw replicas by storage element and state: key `[storage, state, run]`, value the number of files. */
export const replicas: View<[storage: string, state: string, run: number], number> = {
  name: 'replicas',
  reduce: '_sum',
  map: (doc, emit) => {
    if (doc.kind !== 'data') return;
    const counts: Record<string, number> = {};
    for (const file of doc.files) {
      for (const storage in file.replicas) {
        const key = `${file.replicas[storage].state} ${storage}`;
        counts[key] = (counts[key] || 0) + 1;
      }
    }
    for (const key in counts) {
      const cut = key.indexOf(' ');
      emit([key.slice(cut + 1), key.slice(0, cut), doc.run], counts[key] || 0);
    }
  },
};

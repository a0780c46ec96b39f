import type { View } from './view.ts';

/**
 * Raw data by where every file of the run is verified: key `[level, "fnal sfu", run]`, value the number of files.
 * A loop asks for the few distinct sets first and reads only those that lack a storage element.
 * Sampled-out data stand under `[level, "-", run]`.
 */
export const transfers: View = {
  name: 'transfers',
  reduce: '_sum',
  map: (doc, emit) => {
    if (doc.kind !== 'data') return;
    emit([doc.level, doc.keep.kept ? doc.done.join(' ') : '-', doc.run], doc.files.length);
  },
};

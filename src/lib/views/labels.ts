import type { View } from './view.ts';

/** Runs and passes by their labels: key `[label, what, run]`. */
export const labels: View<[label: string, what: 'run' | 'pass', run: number], null> = {
  name: 'labels',
  reduce: '_count',
  map: (doc, emit) => {
    if (doc.kind !== 'run' && doc.kind !== 'job') return;
    const what = doc.kind === 'run' ? 'run' : 'pass';
    for (const label of doc.labels || []) emit([label, what, doc.run], null);
  },
};

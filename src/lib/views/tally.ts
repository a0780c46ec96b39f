// What documents add to the total of a view, computed from its map function: to be compared with what a store has.
import type { Doc, Json } from '../domain/doc.ts';
import type { View } from './view.ts';

/** What one row adds to the reduce of its view. */
export function worth({ reduce }: View, value: Json): number {
  return reduce === '_count' ? 1 : typeof value === 'number' ? value : 0;
}

export function tally(view: View, doc: Doc): number {
  let total = 0;
  const emit = (_key: Json, value: Json): void => {
    total += worth(view, value);
  };
  try {
    view.map(doc, emit);
  } catch {
    // As in every store: a document that makes a map function fail has no rows.
    return 0;
  }
  return total;
}

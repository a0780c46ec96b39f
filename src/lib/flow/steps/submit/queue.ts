// The queue of one share in each order, from the two rows that the `ready` view has of a pass.
import type { Row, Store } from '../../../store.ts';

export type Order = 'priority' | 'newest' | 'lowest' | 'fifo';
export const ORDERS: readonly Order[] = ['priority', 'newest', 'lowest', 'fifo'];

/** The first rows of the queue, `limit` or all; passes of one run stand in the order of their ids. */
export async function queue(store: Store, share: string, order: Order, limit?: number): Promise<readonly Row[]> {
  const bound = limit === undefined ? {} : { limit };
  switch (order) {
    case 'priority':
      return store.view('ready', { prefix: [share, 'priority'], ...bound });
    case 'lowest':
      return store.view('ready', { prefix: [share, 'run'], ...bound });
    case 'newest': {
      const rows = await store.view('ready', { prefix: [share, 'run'], descending: true, ...bound });
      return [...rows].sort((a, b) => compare(part(b, 2), part(a, 2)) || compare(a.id, b.id));
    }
    case 'fifo':
      return fifo(store, share, bound);
  }
}

/** Within a priority rows stand by their time already: the first of each, merged, are the first of all. */
async function fifo(store: Store, share: string, bound: { readonly limit?: number }): Promise<readonly Row[]> {
  const priorities = await store.count('ready', 3, { prefix: [share, 'priority'] });
  const rows: Row[] = [];
  for (const { key } of priorities) {
    if (Array.isArray(key)) rows.push(...(await store.view('ready', { prefix: key, ...bound })));
  }
  rows.sort((a, b) => compare(part(a, 3), part(b, 3)) || compare(part(a, 4), part(b, 4)) || compare(a.id, b.id));
  return rows.slice(0, bound.limit);
}

function part(row: Row, at: number): string | number {
  const value = Array.isArray(row.key) ? row.key[at] : undefined;
  return typeof value === 'number' || typeof value === 'string' ? value : '';
}

function compare(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

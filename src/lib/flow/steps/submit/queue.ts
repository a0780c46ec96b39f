// The queue of one share in each order, from the two rows that the `ready` view has of a pass.

import type { ReadStore, RowOf } from '../../../store.ts';
import { given } from '../../../util/values/given.ts';
import { views } from '../../../views/index.ts';
import type { Share } from '../../../views/jobs.ts';

export const ORDERS = ['priority', 'newest', 'lowest', 'fifo'] as const;
export type Order = (typeof ORDERS)[number];

type Ready = RowOf<typeof views.ready>;

/** The first rows of the queue, `limit` or all; passes of one run stand in the order of their ids. */
export async function queue(store: ReadStore, share: Share, order: Order, limit?: number): Promise<readonly Ready[]> {
  const bound = given({ limit });
  switch (order) {
    case 'priority':
      return store.view(views.ready, { prefix: [share, 'priority'], ...bound });
    case 'lowest':
      return store.view(views.ready, { prefix: [share, 'run'], ...bound });
    case 'newest': {
      const rows = await store.view(views.ready, { prefix: [share, 'run'], descending: true, ...bound });
      return [...rows].sort((a, b) => b.key[2] - a.key[2] || compare(a.id, b.id));
    }
    case 'fifo':
      return fifo(store, share, bound);
  }
}

/** Within a priority rows stand by their time already: the first of each, merged, are the first of all. */
async function fifo(store: ReadStore, share: Share, bound: { readonly limit?: number }): Promise<readonly Ready[]> {
  const priorities = await store.count(views.ready, 3, { prefix: [share, 'priority'] });
  const each = priorities.map(({ key: [, , priority] }) =>
    store.view(views.ready, { prefix: [share, 'priority', priority], ...bound }),
  );
  const rows = (await Promise.all(each)).flat();
  rows.sort((a, b) => compare(a.key[3], b.key[3]) || a.key[4] - b.key[4] || compare(a.id, b.id));
  return rows.slice(0, bound.limit);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

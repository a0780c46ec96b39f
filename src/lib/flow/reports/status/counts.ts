// Small helpers on counts: sums, numbers with their noun.
import type { Group, GroupOf, QueryOf, ReadStore } from '../../../store.ts';
import type { Iso } from '../../../util/time.ts';
import { views } from '../../../views/index.ts';
import type { Way } from '../../../views/standing.ts';

export function sum(groups: readonly Group<unknown>[]): number {
  return groups.reduce((total, { value }) => total + value, 0);
}

/** `1 pass failed`, `2 passes failed` */
export function many(count: number, one: string, more: string): string {
  return `${count} ${count === 1 ? one : more}`;
}

/** Copies still to be made at an element that shall have one of every file that is kept. */
export function missingAt(transfers: readonly GroupOf<typeof views.transfers, 2>[], verified: number): number {
  return Math.max(0, sum(transfers.filter(({ key }) => key[1] !== '-')) - verified);
}

export interface Some {
  readonly count: number;
  /** The first: its document, and its run or name. */
  readonly first?: { readonly id: string; readonly what: number | string };
}

/** What of one way stands in the view `standing`, from a time before `before`. */
export async function standingOf(store: ReadStore, way: Way, before?: Iso): Promise<Some> {
  const range: QueryOf<typeof views.standing> =
    before === undefined ? { prefix: [way] } : { start: [way], end: [way, before] };
  const [groups, [first]] = await Promise.all([
    store.count(views.standing, 1, range),
    store.view(views.standing, { ...range, limit: 1 }),
  ]);
  const count = sum(groups);
  return { count, ...(first ? { first: { id: first.id, what: first.key[2] } } : {}) };
}

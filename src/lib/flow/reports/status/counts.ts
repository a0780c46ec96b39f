// Small helpers on counts: parts of a group's key, numbers with their noun.
import type { Group, Row, Store } from '../../../store.ts';
import type { Iso } from '../../../util/time.ts';

/** Element `at` of an array key, as text. */
export function part(key: unknown, at: number): string {
  return Array.isArray(key) ? String(key[at]) : '';
}

export function sum(groups: readonly Group[]): number {
  return groups.reduce((total, { value }) => total + value, 0);
}

/** `1 pass failed`, `2 passes failed` */
export function many(count: number, one: string, more: string): string {
  return `${count} ${count === 1 ? one : more}`;
}

/** Copies still to be made at an element that shall have one of every file that is kept. */
export function missingAt(transfers: readonly Group[], verified: number): number {
  return Math.max(0, sum(transfers.filter(({ key }) => part(key, 1) !== '-')) - verified);
}

export interface Some {
  readonly count: number;
  /** The first of them. */
  readonly first?: Row;
}

/** What of one way stands in the view `standing`, from a time before `before`. */
export async function standingOf(store: Store, way: string, before?: Iso): Promise<Some> {
  const range = before === undefined ? { prefix: [way] } : { start: [way], end: [way, before] };
  const count = sum(await store.count('standing', 1, range));
  if (count === 0) return { count };
  const [first] = await store.view('standing', { ...range, limit: 1 });
  return { count, ...(first ? { first } : {}) };
}

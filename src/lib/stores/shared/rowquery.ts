// Queries of stores that keep view rows in tables: bounds of keys, and which counts answer a reduce. Pure.
import type { Json } from '../../domain/doc.ts';
import type { Group, KeyRange } from '../../store.ts';
import type { View } from '../../views/view.ts';
import { encodeKey, groupKey, prefixBounds } from './collate.ts';
import { keptLevels } from './rows.ts';

/** Bounds of encoded keys, both inclusive; keys are ASCII, so that no key lies beyond `~~`. */
export interface Bounds {
  readonly low: string;
  readonly high: string;
}

export function boundsOf(query: KeyRange): Bounds {
  let low = query.start === undefined ? '' : encodeKey(query.start);
  let high = query.end === undefined ? '~~' : encodeKey(query.end);
  if (query.prefix) {
    const prefix = prefixBounds(query.prefix);
    if (prefix.low > low) low = prefix.low;
    if (prefix.high < high) high = prefix.high;
  }
  return { low, high };
}

/** The level whose kept counts answer the reduce; `undefined` where the rows of the range are to be added up. */
export function keptLevel(view: View, level: number, query: KeyRange): number | undefined {
  if (query.end !== undefined) return undefined;
  // A start that is no longer than the group's key bounds groups as it bounds rows; of an end that is not so.
  const start = Array.isArray(query.start) ? query.start.length : query.start === undefined ? 0 : Infinity;
  const from = Math.max(level, query.prefix?.length ?? 0, start);
  return from <= keptLevels(view) ? from : undefined;
}

/** Neighbours of one group, added up; the input is in key order, so that groups are neighbours. */
export function mergedGroups(groups: readonly Group[], level: number): Group[] {
  const merged: { key: Json; value: number; name: string }[] = [];
  for (const { key, value } of groups) {
    const group = groupKey(key, level);
    const name = JSON.stringify(group);
    const last = merged.at(-1);
    if (last?.name === name) last.value += value;
    else merged.push({ key: group, value, name });
  }
  if (level === 0 && merged.length === 0) return [{ key: null, value: 0 }];
  return merged.map(({ key, value }) => ({ key, value }));
}

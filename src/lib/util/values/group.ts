// Grouping, for Node 20, which has no Map.groupBy; and cutting into batches.

/** Adds `item` to the group `key`, which is made by its first item. */
export function addTo<K, T>(groups: Map<K, T[]>, key: K, item: T): void {
  const group = groups.get(key);
  if (group) group.push(item);
  else groups.set(key, [item]);
}

/** `items` by the key of each, in the order in which the keys first come. */
export function groupBy<K, T>(items: Iterable<T>, keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    addTo(groups, keyOf(item), item);
  }
  return groups;
}

/** `items` in slices of `size`. */
export function* batches<T>(items: readonly T[], size: number): Generator<readonly T[], void, void> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}

// What is there by what was done before. If it is not, that is a defect, and the error says what was missing.

export function have<K, V>(map: { get(key: K): V | undefined }, key: K): V {
  const found = map.get(key);
  if (found === undefined) throw new Error(`nothing is known of ${String(key)}`);
  return found;
}

/** The item at `index`; -1 is the last one. */
export function nth<T>(list: readonly T[], index: number): T {
  const found = list.at(index);
  if (found === undefined) throw new Error(`there are ${list.length} items, but none at ${index}`);
  return found;
}

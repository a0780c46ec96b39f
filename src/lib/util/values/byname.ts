// Maps by names that people or documents choose: `constructor` is a name like any other, and not what every object has.

/** An object without a prototype: asked for a name that nobody gave, it answers `undefined`. */
export function byName<T>(entries: Iterable<readonly [string, T]>): Record<string, T> {
  return Object.assign(Object.create(null) as Record<string, T>, Object.fromEntries(entries));
}

/** Names that every object has: as a key of a document they would be found where nobody wrote them. */
export function isTaken(name: string): boolean {
  return name in Object.prototype;
}

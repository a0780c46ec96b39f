// The first circle among names that need other names.

/** Names along a circle, the first one again at the end; `undefined` where there is none. */
export function circleOf(names: Iterable<string>, needsOf: (name: string) => readonly string[]): string[] | undefined {
  const done = new Set<string>();
  const walk = (name: string, trail: readonly string[]): string[] | undefined => {
    if (trail.includes(name)) return [...trail.slice(trail.indexOf(name)), name];
    if (done.has(name)) return undefined;
    for (const need of needsOf(name)) {
      const found = walk(need, [...trail, name]);
      if (found) return found;
    }
    done.add(name);
    return undefined;
  };
  for (const name of names) {
    const found = walk(name, []);
    if (found) return found;
  }
  return undefined;
}

// Near misses: a misspelt module, key or state is answered with what was probably meant.

/** Letters changed, missing, added, or two neighbours exchanged: what fingers do. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const exchanged = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const exchange = exchanged ? (before[j - 2] ?? 0) + 1 : change;
      row[j] = Math.min(change, exchange, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length] ?? 0;
}

/** The closest of `known` to `word`, or `undefined` when none is close. Case is ignored. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  let best: { name: string; score: number } | undefined;
  for (const name of known) {
    const score = distance(word.toLowerCase(), name.toLowerCase());
    if (!best || score < best.score) best = { name, score };
  }
  return best && best.score <= Math.max(1, Math.floor(word.length / 3)) ? best.name : undefined;
}

/** Names that a message lists. */
const SHOWN = 12;

/** `known: A, B, C and 4 more`. */
export function knownNames(names: readonly string[]): string {
  if (names.length === 0) return 'none is defined';
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : '';
  return `known: ${names.slice(0, SHOWN).join(', ')}${more}`;
}

/** `did you mean X?` or `known: A, B, C and 4 more`: ready to be a hint. */
export function suggestion(word: string, known: Iterable<string>): string {
  const names = [...known];
  const near = nearest(word, names);
  return near === undefined ? knownNames(names) : `did you mean ${near}?`;
}

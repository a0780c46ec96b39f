// Ranges of document ids: of a prefix, and of runs after a prefix.
import { runPad } from './ids.ts';

/** Documents by id, in byte order of the ids; both ends inclusive, `start` the lower one also when descending. */
export interface IdRange {
  readonly start: string;
  readonly end: string;
  readonly limit?: number;
  readonly descending?: boolean;
}

/** A whole range of ids. */
export type IdSpan = Pick<IdRange, 'start' | 'end'>;

/** Every id that begins with `prefix`. */
export function idsWith(prefix: string): IdRange {
  return idsBetween(prefix, prefix);
}

/** From the first id that begins with `first` to the last that begins with `last`. The end is the last character in byte order. */
function idsBetween(first: string, last: string): IdRange {
  return { start: first, end: `${last}\u{10ffff}` };
}

/** Ids that go on with the number of one of these runs after `prefix`. */
export function idsOfRuns(prefix: string, [first, last]: readonly [number, number]): IdRange {
  return idsBetween(`${prefix}${runPad(first)}`, Number.isFinite(last) ? `${prefix}${runPad(last)}` : prefix);
}

/** The ids that go on with the number of one of these runs after `prefix`, and no others: neighbours in one span. */
export function spansOfRuns(prefix: string, runs: Iterable<number>): IdSpan[] {
  const spans: [number, number][] = [];
  for (const run of [...new Set(runs)].sort((a, b) => a - b)) {
    const last = spans.at(-1);
    if (last && last[1] === run - 1) last[1] = run;
    else spans.push([run, run]);
  }
  return spans.map((span) => idsOfRuns(prefix, span));
}

/** Fewer runs than so many for each span are scattered. */
const NEIGHBOURS = 4;

/** The same where most runs are neighbours: in a range, what is not there costs nothing. `undefined`: ask for each id. */
export function denseSpansOfRuns(prefix: string, runs: Iterable<number>): IdSpan[] | undefined {
  const all = new Set(runs);
  const spans = spansOfRuns(prefix, all);
  return spans.length * NEIGHBOURS <= all.size ? spans : undefined;
}

/** What of the range comes after the id that was read last. */
export function rangeAfter(range: IdRange, last: string): IdRange {
  if (!range.descending) return { ...range, start: `${last}\u0000` };
  // An id right before this one in byte order: no id of ours lies between them.
  const code = (last.codePointAt(last.length - 1) ?? 1) - 1;
  return { ...range, end: `${last.slice(0, -1)}${String.fromCodePoint(code)}\u{10ffff}` };
}

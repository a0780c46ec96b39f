// When is a level of a run complete? One pure rule: all its files closed and registered without a gap, and something
// shows that no more will come. Whatever keeps it open is named.
import { humanDuration } from '../../util/time.ts';
import { pad } from '../ids.ts';

export interface LevelFacts {
  /** Registered subruns, in any order. */
  readonly subruns: readonly number[];
  /** Names of its files that are still open. */
  readonly open: readonly string[];
  /** Subruns on the buffer that cannot be used, with the reason: `empty`, `damaged`. */
  readonly unusable: readonly { readonly subrun: number; readonly reason: string }[];
  /** The number its subruns count from; `undefined`: 0 or 1, whichever is there. */
  readonly first?: 0 | 1;
  /** The next run of this level that has closed files, within maxJump. */
  readonly later?: number;
  /** The builder wrote an end marker. */
  readonly ended: boolean;
  /** Milliseconds since its last file. */
  readonly quiet: number;
}

export type Verdict =
  | { readonly complete: true; readonly subruns: readonly number[]; readonly evidence: string }
  /** `blocked` names what keeps it open, absent when it only waits; `gap`: waiting alone may not mend it. */
  | { readonly complete: false; readonly blocked?: string; readonly gap: boolean };

/** Decides for one level of one run; `quiet` is the time in ms after which the last run counts as ended. */
export function completeness(facts: LevelFacts, quiet: number): Verdict {
  const subruns = [...new Set(facts.subruns)].sort((a, b) => a - b);
  const unusable = facts.unusable.filter((file) => !subruns.includes(file.subrun));
  const missing = gaps(subruns, facts.first, new Set(unusable.map((file) => file.subrun)));
  const problems = [
    ...(missing.length > 0 ? [`subrun${isOne(missing) ? '' : 's'} ${missing.map(range).join(', ')} missing`] : []),
    ...unusable.map((file) => `subrun ${pad(file.subrun, 3)} ${file.reason}`),
  ];
  const blocked = [...problems, ...shorten(facts.open.map((name) => `${name} still open`))];
  if (blocked.length > 0) return { complete: false, blocked: blocked.join('; '), gap: problems.length > 0 };
  const evidence = subruns.length > 0 ? evidenceOf(facts, quiet) : undefined;
  if (evidence) return { complete: true, subruns, evidence };
  return { complete: false, gap: false };
}

function evidenceOf(facts: LevelFacts, quiet: number): string | undefined {
  if (facts.ended) return 'end marker';
  if (facts.later !== undefined) return `${facts.later} seen`;
  return facts.quiet >= quiet ? `quiet for ${humanDuration(quiet)}` : undefined;
}

type Range = readonly [number, number];

/** Ranges that are missing below the highest subrun; ranges, since one absurd subrun number makes a huge gap. */
function gaps(subruns: readonly number[], first: 0 | 1 | undefined, excused: ReadonlySet<number>): Range[] {
  const present = [...new Set([...subruns, ...excused])].sort((a, b) => a - b);
  const lowest = present[0];
  if (lowest === undefined) return [];
  const missing: Range[] = [];
  let expected = first ?? (lowest === 1 ? 1 : 0);
  for (const subrun of present) {
    if (subrun > expected) missing.push([expected, subrun - 1]);
    expected = subrun + 1;
  }
  return missing;
}

function isOne(ranges: readonly Range[]): boolean {
  return ranges.length === 1 && ranges[0]?.[0] === ranges[0]?.[1];
}

function range([from, to]: Range): string {
  return from === to ? pad(from, 3) : `${pad(from, 3)}-${pad(to, 3)}`;
}

/** True when all that keeps a run open are files that are still written: waiting may mend it. `blocked`: the verdict's. */
export function onlyWaits(blocked: string): boolean {
  return blocked.split('; ').every((part) => part.endsWith(' still open') || part.endsWith(' more files open'));
}

function shorten(names: readonly string[]): string[] {
  return names.length <= 3 ? [...names] : [...names.slice(0, 2), `${names.length - 2} more files open`];
}

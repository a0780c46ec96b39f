// When a file without a marker is taken for finished: it has lain still between two looks of ours. A file's own times are
// claims (a copy program sets them, a server's clock may be wrong): they can only make it wait longer.
import { type Iso, iso, MINUTE, ms, plus, SECOND } from '../../util/time.ts';

export interface Times {
  readonly modified: Iso;
  /** ctime, where the element knows it. */
  readonly changed?: Iso;
}

export interface SettleRules {
  /** Milliseconds between the two looks. */
  readonly settle: number;
  readonly quiet: number;
  readonly now: Iso;
}

/** Two looks at a file that a copy program has finished lie this far apart at most. */
const COPIED_STILL = 30 * SECOND;

/** A run of such files is quiet after this long without another: a copy program pauses less than a detector. */
const COPIED_QUIET = 45 * SECOND;

/** Copy programs date what they have not finished to the beginning of 1970 (rsync) or of 1980 (robocopy). */
const FIRST_BELIEVED = iso(Date.UTC(1980, 0, 3));

/** Why the modification time cannot be true; `undefined` when it can. */
function oddTime({ modified }: Times, { now, quiet }: Omit<SettleRules, 'settle'>): string | undefined {
  if (modified < FIRST_BELIEVED) return `its time is ${modified.slice(0, 10)}: its copy was interrupted, or still runs`;
  if (ms(modified) <= ms(now) + 6 * Math.max(quiet, 10 * MINUTE)) return undefined;
  return `its time is ${modified}, which is in the future`;
}

/**
 * True when somebody has dated the file back after the last write: copy programs that keep times do that last. A server
 * whose clock is behind cannot make a file look so.
 */
export function isCopied({ modified, changed }: Times, by: number): boolean {
  return changed !== undefined && ms(changed) - ms(modified) > by;
}

/** Milliseconds that must lie between two looks at the same size and times. */
export function stillness(times: Times, settle: number): number {
  return isCopied(times, settle) ? Math.min(settle, COPIED_STILL) : settle;
}

/** Milliseconds without a new file after which a level of a run is quiet. */
export function quietOf(level: { readonly copied?: true }, quiet: number): number {
  return level.copied ? Math.min(quiet, COPIED_QUIET) : quiet;
}

export type Settling =
  | { readonly is: 'settled' }
  /** Written a moment ago: nobody need wait for it. */
  | { readonly is: 'written' }
  /** Its times say that it is finished; `due` is when a second look may believe them. */
  | { readonly is: 'waiting'; readonly due: Iso }
  /** It lies still, but its time cannot be true. */
  | { readonly is: 'odd'; readonly why: string };

/** Judges a file that was first seen with exactly this size and these times at `seen`, or is seen so for the first time. */
export function settling(times: Times, seen: Iso | undefined, rules: SettleRules): Settling {
  const why = oddTime(times, rules);
  if (why === undefined && ms(times.modified) > ms(rules.now) - rules.settle) return { is: 'written' };
  const due = plus(seen ?? rules.now, stillness(times, rules.settle));
  if (due > rules.now) return { is: 'waiting', due };
  return why === undefined ? { is: 'settled' } : { is: 'odd', why };
}

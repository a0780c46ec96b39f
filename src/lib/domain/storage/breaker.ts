// The circuit breaker of a storage element: calls that fail in a row, per cause, set it aside for a while, each time for
// longer; one that works puts it back. Pure changes of its document.
import { HOUR, type Iso, isAhead, plus } from '../../util/time.ts';
import type { Doc } from '../doc.ts';
import { SCHEMA } from '../doc.ts';

/** `unreachable`: it does not answer. `full`: no space or quota left. */
export type BreakerCause = 'unreachable' | 'full';

export interface Trouble {
  /** Calls in a row that failed so. */
  readonly failures: number;
  /** The first of them. */
  readonly since: Iso;
  readonly why: string;
  /** How often it was set aside since it last worked. */
  readonly trips: number;
  /** The last of them. */
  readonly at?: Iso;
  /** Set aside until then. */
  readonly until?: Iso;
}

export interface BreakerDoc extends Doc {
  readonly kind: 'storage';
  readonly name: string;
  readonly causes: Readonly<Partial<Record<BreakerCause, Trouble>>>;
}

export interface BreakerRules {
  readonly failures: number;
  /** Milliseconds. */
  readonly aside: number;
}

export const breakerId = (name: string): string => `storage:${name}`;

/** Longest time aside: somebody may have mended it. */
const LONGEST = 6 * HOUR;

/** True for trouble that is dated beyond now, by a host with a wrong clock: it sets nothing aside. */
export function isDatedAhead({ at, since, until }: Trouble, now: Iso): boolean {
  return isAhead(at ?? since, now) || (until !== undefined && isAhead(until, plus(now, LONGEST)));
}

/** What sets the element aside at `now`: the trouble that lasts longest. */
export function asideNow(doc: BreakerDoc | undefined, now: Iso): (Trouble & { cause: string; until: Iso }) | undefined {
  const open = Object.entries(doc?.causes ?? {}).flatMap(([cause, trouble]) =>
    trouble.until !== undefined && trouble.until > now && !isDatedAhead(trouble, now)
      ? [{ ...trouble, cause, until: trouble.until }]
      : [],
  );
  return open.sort((a, b) => (a.until < b.until ? 1 : -1))[0];
}

/** One more call that failed for `cause`. Already aside: nothing changes. */
export function afterFailure(
  doc: BreakerDoc | undefined,
  name: string,
  failure: { readonly cause: BreakerCause; readonly why: string },
  rules: BreakerRules,
  now: Iso,
): BreakerDoc {
  const known = doc?.causes[failure.cause];
  const old = known && isDatedAhead(known, now) ? undefined : known;
  const failures = (old?.failures ?? 0) + 1;
  const trouble: Trouble = { failures, since: old?.since ?? now, at: now, why: failure.why, trips: old?.trips ?? 0 };
  // Once it was set aside, a single failure after that sets it aside again.
  const trips = failures >= rules.failures || trouble.trips > 0;
  const away = Math.min(rules.aside * 2 ** trouble.trips, LONGEST);
  const next = trips ? { ...trouble, trips: trouble.trips + 1, until: plus(now, away) } : trouble;
  const base = doc ?? { _id: breakerId(name), kind: 'storage', v: SCHEMA, name, causes: {} };
  return { ...base, causes: { ...base.causes, [failure.cause]: next } };
}

/** It worked: `undefined` when there was no trouble. */
export function afterSuccess(doc: BreakerDoc | undefined): BreakerDoc | undefined {
  return doc && Object.keys(doc.causes).length > 0 ? { ...doc, causes: {} } : undefined;
}

// How far a request is, and when it ends at its present rate. Pure.
import { DAY, HOUR, type Iso, iso, ms, plus } from '../../../util/time.ts';
import { given } from '../../../util/values/given.ts';
import { passesOf, type RequestDoc } from '../request.ts';

export type RequestState = 'being made' | 'open' | 'done' | 'ended';

export interface Progress {
  readonly passes: number;
  readonly completed: number;
  /** Failed, also in part. */
  readonly failed: number;
  /** At a batch system now. */
  readonly active: number;
  /** Waiting or held. */
  readonly waiting: number;
  /** Canceled or deleted: nothing more comes of them. */
  readonly given: number;
  /** Passes not made yet. */
  readonly unmade: number;
  readonly state: RequestState;
  /** Passes completed in an hour, lately. */
  readonly rate?: number;
  /** Milliseconds until the last one, at this rate. */
  readonly left?: number;
  readonly expected?: Iso;
  /** Hour in which a pass completed last. */
  readonly last?: Iso;
}

type States = Readonly<Record<string, number>>;
/** Passes that completed in each hour: `2026-07-14T09`. */
export type Hours = readonly (readonly [hour: string, passes: number])[];

export type ProgressFacts = Pick<RequestDoc, 'plan' | 'parts' | 'created' | 'made'>;

export function progressOf(doc: ProgressFacts, states: States, hours: Hours, now: Iso): Progress {
  const of = (...names: string[]): number => names.reduce((sum, name) => sum + (states[name] ?? 0), 0);
  const passes = passesOf(doc);
  const completed = of('completed');
  const failed = of('failed', 'partFail');
  const active = of('submitting', 'submitted', 'running');
  const waiting = of('waiting', 'held', 'unsatisfied');
  const gone = of('canceled', 'deleted');
  const unmade = Math.max(0, passes - completed - failed - active - waiting - gone);
  const state = stateOf({ ...doc, passes, completed, open: active + waiting + unmade, failed });
  const rate = active + waiting + unmade > 0 ? rateOf(hours, doc.created, now) : undefined;
  const left = rate === undefined ? undefined : ((active + waiting + unmade) / rate) * HOUR;
  const last = hours.map(([hour]) => hour).reduce((a, b) => (a > b ? a : b), '');
  return {
    ...{ passes, completed, failed, active, waiting, given: gone, unmade, state },
    ...given({ rate, left, expected: left === undefined ? undefined : later(now, left) }),
    ...(last === '' ? {} : { last: `${last}:00:00.000Z` }),
  };
}

function stateOf(facts: {
  readonly made?: Iso;
  readonly passes: number;
  readonly completed: number;
  readonly open: number;
  readonly failed: number;
}): RequestState {
  if (facts.made === undefined) return 'being made';
  if (facts.completed >= facts.passes) return 'done';
  return facts.open === 0 && facts.failed === 0 ? 'ended' : 'open';
}

/** Times to look back, the shortest first: the present rate says more than that of last week. */
const WINDOWS = [3 * HOUR, 12 * HOUR, DAY, 7 * DAY];
/** A rate needs at least this many passes. */
const ENOUGH = 10;

/**
 * Passes in an hour: of the shortest time in which enough completed, else of the longest. `undefined` where nothing
 * completed in a week.
 */
export function rateOf(hours: Hours, created: Iso, now: Iso): number | undefined {
  const since = (window: number): { count: number; time: number } => {
    const begin = Math.max(ms(now) - window, ms(created));
    // The hour in which it begins counts whole, and so does its time.
    const from = Math.floor(begin / HOUR) * HOUR;
    const first = iso(from).slice(0, 13);
    const count = hours.reduce((sum, [hour, passes]) => (hour >= first ? sum + passes : sum), 0);
    const start = from < ms(created) ? ms(created) : from;
    return { count, time: Math.max(ms(now) - start, MINUTES_AT_LEAST) };
  };
  const tried = WINDOWS.map(since);
  const chosen = tried.find(({ count }) => count >= ENOUGH) ?? tried.at(-1);
  return chosen && chosen.count > 0 ? chosen.count / (chosen.time / HOUR) : undefined;
}

const MINUTES_AT_LEAST = HOUR / 60;
/** A date further away than this is left out: it may be too large for a date. */
const FARTHEST = 1000 * 365 * DAY;

function later(now: Iso, left: number): Iso | undefined {
  return left > FARTHEST ? undefined : plus(now, left);
}

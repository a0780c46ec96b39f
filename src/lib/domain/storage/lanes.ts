// Lanes: how many copies are made at once to a storage element, and of a level, over all hosts. A batch of copies takes
// lanes before it begins and gives them back after it. Pure changes of a lanes document; the nonce says whose they are.

import { type Iso, isAhead, MINUTE, plus } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import { type Doc, SCHEMA } from '../doc.ts';

/** One batch that has lanes, or waits for one (`lanes` 0). */
export interface Holding {
  readonly nonce: string;
  readonly host: string;
  /** Its process (util/processes/identity.ts). */
  readonly holder?: string;
  readonly lanes: number;
  readonly since: Iso;
  /** Renewed while the batch runs; past it nobody counts it any more. */
  readonly until: Iso;
}

export interface LanesDoc extends Doc {
  readonly kind: 'lanes';
  readonly held: readonly Holding[];
}

/** How long lanes are good for without renewal: a killed host's are free that soon. */
export const LANE_LEASE = MINUTE;

/** True while a batch has its lanes, or its place in the queue. An end that nobody can have written yet is no sign of life. */
export function isHeld({ until }: Holding, now: Iso): boolean {
  return until > now && !isAhead(until, plus(now, LANE_LEASE));
}

/** A place with a limit: `storage sfu`, `level L1`. */
export interface Place {
  readonly what: 'storage' | 'level';
  readonly name: string;
  /** Lanes of all hosts together. */
  readonly limit: number;
}

export const lanesId = ({ what, name }: Pick<Place, 'what' | 'name'>): string => `lanes:${what}:${name}`;

export interface Taker {
  readonly nonce: string;
  readonly host: string;
  readonly holder?: string;
  readonly now: Iso;
  readonly until: Iso;
  /** Lanes it can use. */
  readonly want: number;
  /** Nonces of batches whose process is known to have ended. */
  readonly gone: ReadonlySet<string>;
}

/**
 * The document with the lanes that the taker gets: no more than are free, no more than a fair share while others are
 * there, and none that somebody waits for since before. It waits (0) where it gets none. Exact: the sum of living
 * holdings never exceeds the limit, but for a holder that was stopped past its `until` and goes on.
 */
export function takeLanes(doc: LanesDoc | undefined, place: Place, taker: Taker): LanesDoc {
  const { nonce, host, holder, now, until, want, gone } = taker;
  const living = (doc?.held ?? []).filter((one) => isHeld(one, now) && !gone.has(one.nonce));
  const mine = living.find((one) => one.nonce === nonce);
  const others = living.filter((one) => one.nonce !== nonce);
  const since = mine?.since ?? now;
  const before = others.filter((one) => one.lanes === 0 && one.since < since);
  const free = place.limit - others.reduce((sum, one) => sum + one.lanes, 0) - before.length;
  const share = Math.ceil(place.limit / (others.length + 1));
  const lanes = Math.max(0, Math.min(want, free, share));
  const base = doc ?? { _id: lanesId(place), kind: 'lanes', v: SCHEMA };
  const process = given({ holder });
  return { ...base, held: [...others, { nonce, host, ...process, lanes, since, until }] };
}

/** Lanes that the batch has. */
export function lanesOf(doc: LanesDoc | undefined, nonce: string): number {
  return doc?.held.find((one) => one.nonce === nonce)?.lanes ?? 0;
}

/** The document with the batch's lanes good until `until`; `undefined` when it has none any more. */
export function renewLanes(doc: LanesDoc, nonce: string, until: Iso): LanesDoc | undefined {
  if (!doc.held.some((one) => one.nonce === nonce)) return undefined;
  return { ...doc, held: doc.held.map((one) => (one.nonce === nonce ? { ...one, until } : one)) };
}

/** The document where the batch only waits. */
export function waitForLanes(doc: LanesDoc, nonce: string): LanesDoc {
  return { ...doc, held: doc.held.map((one) => (one.nonce === nonce ? { ...one, lanes: 0 } : one)) };
}

/** The document without the batch; `undefined` when it is not in it. */
export function leaveLanes(doc: LanesDoc, nonce: string): LanesDoc | undefined {
  const held = doc.held.filter((one) => one.nonce !== nonce);
  return held.length === doc.held.length ? undefined : { ...doc, held };
}

// Turns: one round of a loop at a time in the whole collaboration, and hosts one after another. Pure.
import { type Iso, isRecent, SECOND } from '../../util/time.ts';
import type { LeaseDoc } from './farm.ts';

/** How often a host asks again for its turn, and for how long one that asked counts as waiting. */
export const ASKS_EVERY = 20 * SECOND;
const WAITS = 5 * ASKS_EVERY;

export interface Asking {
  readonly host: string;
  readonly now: Iso;
  /** Milliseconds after which a silent holder is not believed. */
  readonly stale: number;
  /** The nonce of a holder that has ended. */
  readonly dead: string | undefined;
}

/** Whether the lease is held by somebody who lives. */
export function isHeld(lease: LeaseDoc, { now, stale, dead }: Omit<Asking, 'host'>): boolean {
  return lease.released === undefined && lease.nonce !== dead && isRecent(lease.renewed, now, stale);
}

/** Hosts that wait, without those that have not asked for a while. */
export function waitingOn(lease: LeaseDoc | undefined, now: Iso): NonNullable<LeaseDoc['waiting']> {
  const all = Object.entries(lease?.waiting ?? {});
  return Object.fromEntries(all.filter(([, { seen }]) => isRecent(seen, now, WAITS)));
}

/**
 * Whose turn it is before this host: `undefined`, its own. Who held the lease last comes after everybody that waits; of
 * those who wait the first that asked comes first.
 */
export function before(lease: LeaseDoc | undefined, { host, now }: Pick<Asking, 'host' | 'now'>): string | undefined {
  const waiting = waitingOn(lease, now);
  const others = Object.entries(waiting).filter(([name]) => name !== host && name !== lease?.host);
  const own = lease?.host === host ? undefined : (waiting[host]?.since ?? now);
  const first = others.sort(([a, { since: x }], [b, { since: y }]) => (x < y || (x === y && a < b) ? -1 : 1))[0];
  if (!first) return undefined;
  const [name, { since }] = first;
  return own === undefined || since < own || (since === own && name < host) ? name : undefined;
}

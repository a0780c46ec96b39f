// Leases: what only one program should do at a time, for as long as it renews its claim. Who dies leaves the lease
// behind: on the same host it is seen to be dead, from another one its silence is believed after `limits.stale`, and at
// once where its last word is dated beyond now. A lease keeps two submitters apart; what fences is the job document.

import { SCHEMA } from '../../domain/doc.ts';
import type { LeaseDoc } from '../../domain/farms/farm.ts';
import { leaseId } from '../../domain/ids.ts';
import { type Decision, tookEffect } from '../../store.ts';
import { BusyError } from '../../util/errors.ts';
import { between, humanDuration, type Iso, isAhead, isRecent } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import { nth } from '../../util/values/have.ts';
import type { Ports } from '../ports.ts';

export interface Lease {
  /** Why it was taken from somebody whose time was not over, for people. */
  readonly note?: string;
  /** False when somebody has taken it over meanwhile, or this process shall end: stop. Writes at most every third of `limits.stale`. */
  renew(): Promise<boolean>;
  release(): Promise<void>;
}

/** A lease that nobody keeps. */
export const FREE: Lease = { renew: async () => true, release: async () => undefined };

/**
 * Takes the lease for `what` at a site. `standing`: as the caller has just read it, together with something else.
 * @throws BusyError when a living holder has it
 */
export async function takeLease(ports: Ports, what: string, site: string, standing?: Standing): Promise<Lease> {
  const { store, settings, host, by, presence } = ports;
  const id = leaseId(what, site);
  const nonce = ports.nonce();
  const { dead, doc: base = null } = standing ?? (await standingLease(ports, id));
  const leave = await presence?.enter(nonce);
  try {
    const since = await store.now();
    const holder = presence?.holder === undefined ? {} : { holder: presence.holder };
    const doc: LeaseDoc = {
      _id: id,
      kind: 'lease',
      v: SCHEMA,
      what,
      host,
      nonce,
      ...holder,
      by,
      since,
      renewed: since,
    };
    const change = (old: LeaseDoc | undefined): Decision<LeaseDoc, string> => {
      if (old && old.nonce !== dead && isRecent(old.renewed, since, settings.limits.stale)) return { skip: 'held' };
      const note = old && aheadText(old, since);
      return { write: doc, ...(note === undefined ? {} : { note }) };
    };
    const outcome = nth(await store.bulk<LeaseDoc, string>([{ id, change, base }]), 0);
    if (!tookEffect(outcome)) throw busy(outcome.doc, what, site, since, settings.limits.stale);
    return held(ports, outcome.doc ?? doc, outcome.note, leave);
  } catch (error) {
    await leave?.();
    throw error;
  }
}

/** What is wrong with a lease whose last word is dated beyond now; `undefined` when nothing is. */
function aheadText({ by, renewed }: LeaseDoc, now: Iso): string | undefined {
  if (!isAhead(renewed, now)) return undefined;
  return `the lease of ${by} is dated ${renewed}, ${humanDuration(between(now, renewed))} ahead of the store's clock: it does not count`;
}

/** A lease as it was read a moment ago. */
export interface Standing {
  readonly doc?: LeaseDoc;
  /** The nonce of a holder that has ended without giving the lease back. */
  readonly dead?: string;
}

export async function standingLease({ store, presence }: Ports, id: string): Promise<Standing> {
  const doc = (await store.get<LeaseDoc>([id])).get(id);
  if (!doc) return {};
  return (await presence?.ended(doc)) ? { doc, dead: doc.nonce } : { doc };
}

function busy(doc: LeaseDoc | undefined, what: string, site: string, now: Iso, stale: number): BusyError {
  const hint = `wait; after ${humanDuration(stale)} without a heartbeat another ${what} takes over`;
  const who = doc ? ` (${doc.by} since ${doc.since}, last seen ${humanDuration(between(doc.renewed, now))} ago)` : '';
  return new BusyError(`${what} is already running for ${site}${who}`, { hint, where: leaseId(what, site) });
}

function held(
  { store, settings, stopping }: Ports,
  taken: LeaseDoc,
  note: string | undefined,
  leave?: () => Promise<void>,
): Lease {
  const { _id, nonce, since } = taken;
  let renewed = since;
  let last: LeaseDoc | undefined = taken;
  return {
    ...given({ note }),
    async renew() {
      if (stopping?.aborted) return false;
      const now = await store.now();
      if (between(renewed, now) < settings.limits.stale / 3) return true;
      const outcome = await store.update<LeaseDoc>(_id, (doc) =>
        doc?.nonce === nonce ? { write: { ...doc, renewed: now } } : { skip: 'taken over' },
      );
      renewed = now;
      last = outcome.doc;
      return tookEffect(outcome);
    },
    async release() {
      try {
        const change = (doc: LeaseDoc | undefined): Decision<LeaseDoc> =>
          doc?.nonce === nonce ? { remove: true } : { skip: 'not ours' };
        await store.bulk<LeaseDoc>([{ id: _id, change, ...given({ base: last }) }]);
      } finally {
        await leave?.();
      }
    },
  };
}

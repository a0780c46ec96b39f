// Leases: what only one program should do at a time, for as long as it renews its claim. Who dies leaves the lease
// behind: on the same host it is seen to be dead, from another one its silence is believed after `limits.stale`. A lease
// keeps two submitters out of each other's way; what fences is the job document all the same.
import { SCHEMA } from '../../domain/doc.ts';
import type { LeaseDoc } from '../../domain/farms/farm.ts';
import { leaseId } from '../../domain/ids.ts';
import { tookEffect } from '../../store.ts';
import { BusyError } from '../../util/errors.ts';
import { between, humanDuration, type Iso } from '../../util/time.ts';
import type { Ports } from '../ports.ts';

export interface Lease {
  /** False when somebody has taken it over meanwhile: stop. Writes at most every third of `limits.stale`. */
  renew(): Promise<boolean>;
  release(): Promise<void>;
}

/** A lease that nobody keeps. */
export const FREE: Lease = { renew: async () => true, release: async () => undefined };

/**
 * Takes the lease for `what` at a site.
 * @throws BusyError when a living holder has it
 */
export async function takeLease(ports: Ports, what: string, site: string): Promise<Lease> {
  const { store, settings } = ports;
  const id = leaseId(what, site);
  const nonce = ports.nonce();
  const dead = await deadHolder(ports, id);
  const leave = await ports.presence?.enter(nonce);
  try {
    const since = await store.now();
    const { host, by } = ports;
    const doc: LeaseDoc = { _id: id, kind: 'lease', v: SCHEMA, what, host, nonce, by, since, renewed: since };
    const outcome = await store.update<LeaseDoc>(id, (old) => {
      if (old && old.nonce !== dead && between(old.renewed, since) <= settings.limits.stale) return { skip: 'held' };
      return { write: { ...doc, ...(old?._rev === undefined ? {} : { _rev: old._rev }) } };
    });
    if (!tookEffect(outcome)) throw busy(outcome.doc, what, site, since, settings.limits.stale);
    return held(ports, doc, leave);
  } catch (error) {
    await leave?.();
    throw error;
  }
}

/** The nonce of a holder that has ended on this host without giving the lease back. */
async function deadHolder({ store, host, presence }: Ports, id: string): Promise<string | undefined> {
  const doc = (await store.get<LeaseDoc>([id])).get(id);
  if (!doc || doc.host !== host || !presence) return undefined;
  return (await presence.ended(doc.nonce)) ? doc.nonce : undefined;
}

function busy(doc: LeaseDoc | undefined, what: string, site: string, now: Iso, stale: number): BusyError {
  const hint = `let it end; when it has been silent for ${humanDuration(stale)}, the next ${what} takes over`;
  const who = doc ? `: ${doc.by} since ${doc.since}, heard of ${humanDuration(between(doc.renewed, now))} ago` : '';
  return new BusyError(`another ${what} for ${site} is at work${who}`, { hint, where: leaseId(what, site) });
}

function held({ store, settings }: Ports, { _id, nonce, since }: LeaseDoc, leave?: () => Promise<void>): Lease {
  let renewed = since;
  return {
    async renew() {
      const now = await store.now();
      if (between(renewed, now) < settings.limits.stale / 3) return true;
      const outcome = await store.update<LeaseDoc>(_id, (doc) =>
        doc?.nonce === nonce ? { write: { ...doc, renewed: now } } : { skip: 'taken over' },
      );
      renewed = now;
      return tookEffect(outcome);
    },
    async release() {
      await store.update<LeaseDoc>(_id, (doc) => (doc?.nonce === nonce ? { remove: true } : { skip: 'not ours' }));
      await leave?.();
    },
  };
}

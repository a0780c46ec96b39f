// Slots of processes of this host that have ended: the kernel says so, and nobody need wait for their time to pass.
import type { DataDoc } from '../../domain/data.ts';
import { expireSlots } from '../../domain/slots.ts';
import type { Iso } from '../../util/time.ts';
import type { Session } from './session.ts';

/** Ends the slots of the dead in `docs`; answers the documents as they are then. A dry run asks nobody, and waits. */
export async function expireDead(session: Session, docs: readonly DataDoc[]): Promise<DataDoc[]> {
  const { store } = session.ports;
  const now = await store.now();
  const dead = session.options.dryRun ? new Set<string>() : await deadHere(session, docs, now);
  const due = docs.filter((doc) => expireSlots(doc, dead, now) !== undefined);
  if (due.length === 0) return [...docs];
  await store.bulk<DataDoc>(
    due.map((base) => ({
      id: base._id,
      base,
      change: (doc) => {
        const next = doc && expireSlots(doc, dead, now);
        return next ? { write: next } : { skip: 'no slot of the dead' };
      },
    })),
  );
  const fresh = await store.get<DataDoc>(due.map(({ _id }) => _id));
  return docs.map((doc) => fresh.get(doc._id) ?? doc);
}

/** Nonces of slots whose process made a mark on this host and has ended. */
async function deadHere({ ports }: Session, docs: readonly DataDoc[], now: Iso): Promise<Set<string>> {
  const { presence, host } = ports;
  const nonces = docs
    .flatMap(({ files }) => files.flatMap(({ replicas }) => Object.values(replicas)))
    .flatMap((one) => (one.state === 'copying' && one.host === host && one.expires > now ? one.nonce : []));
  const dead = new Set<string>();
  for (const nonce of new Set(presence ? nonces : [])) if (await presence?.ended(nonce)) dead.add(nonce);
  return dead;
}

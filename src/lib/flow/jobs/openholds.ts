// The holds that stand in the store, for everything that must respect them.
import { type HoldDoc, inForce } from '../../domain/hold.ts';
import type { ReadStore } from '../../store.ts';
import type { Iso } from '../../util/time.ts';
import { views } from '../../views/index.ts';

/** Every hold that has not been ended, in force or expired. */
export async function openHolds(store: ReadStore): Promise<HoldDoc[]> {
  const rows = await store.view(views.holds);
  const docs = await store.get<HoldDoc>(rows.map((row) => row.id));
  return [...docs.values()].filter((hold) => !hold.ended);
}

/** Holds in force at `now`. */
export async function activeHolds(store: ReadStore, now: Iso): Promise<HoldDoc[]> {
  return (await openHolds(store)).filter((hold) => inForce(hold, now));
}

// Slots of the farms that take jobs of a version now.
import type { FarmDoc } from '../../domain/farms/farm.ts';
import { hasVersion } from '../../domain/farms/routing.ts';
import { drainOf } from '../../domain/hold.ts';
import { idsWith } from '../../store.ts';
import { isRecent } from '../../util/time.ts';
import { activeHolds } from '../jobs/openholds.ts';
import type { ReadPorts } from '../ports.ts';

/** A farm without a heartbeat yet counts with the slots of the configuration; a silent or drained farm has none. */
export async function slotsFor({ store, settings }: ReadPorts, version: string): Promise<number> {
  const now = await store.now();
  const [docs, holds] = await Promise.all([store.range<FarmDoc>(idsWith('farm:')), activeHolds(store, now)]);
  const seen = new Map(docs.map((doc) => [doc.site, doc]));
  const said = new Map(settings.farms.map((farm) => [farm.name, farm]));
  let slots = 0;
  for (const name of new Set([...said.keys(), ...seen.keys()])) {
    const [doc, farm] = [seen.get(name), said.get(name)];
    const silent = doc && !isRecent(doc.heartbeat, now, settings.limits.giveUp);
    const lacks = farm ? !hasVersion(farm, version) : doc?.versions?.includes(version) === false;
    if (!silent && !lacks && !drainOf(holds, name)) slots += doc?.slots ?? farm?.slots ?? 0;
  }
  return slots;
}

// What transfer and monitor leave for the report: the state of the experiment, in the document of the day. Counts of views
// and one write, now and then; whoever comes first does it for all hosts.
import { type DayDoc, type DayFacts, dayed, dayId, dayOf } from '../../domain/day.ts';
import type { SampleDoc } from '../../domain/storage/efficiency.ts';
import { type Group, idsWith, type ReadStore } from '../../store.ts';
import type { Space } from '../../util/files/disk.ts';
import { inTime } from '../../util/intime.ts';
import { type Iso, isRecent, MINUTE, SECOND } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import { views } from '../../views/index.ts';
import type { Ports, ReadPorts } from '../ports.ts';
import { fills } from './buffer/fill.ts';

/** Milliseconds between two looks. */
const EVERY = 10 * MINUTE;
/** An element that does not answer is left out. */
const PATIENCE = 5 * SECOND;

/** When this process last looked, by the store that it has open. */
const looked = new WeakMap<ReadStore, { at: Iso; space: boolean }>();

/** `space`: this host has the elements open, and asks how full they are. */
export async function leaveDay(ports: Ports, { space = false }: { space?: boolean } = {}): Promise<void> {
  const { store } = ports;
  if (ports.dry || ports.stopping?.aborted) return;
  const at = await store.now();
  const last = looked.get(store);
  if (last && isRecent(last.at, at, EVERY) && (last.space || !space)) return;
  looked.set(store, { at, space });
  const id = dayId(dayOf(at));
  const known = (await store.get<DayDoc>([id])).get(id);
  if (known && isRecent((space ? known.spaceAt : known.at) ?? '', at, EVERY)) return;
  const facts = await dayFacts(ports, space);
  await store.bulk<DayDoc>([{ id, base: known ?? null, change: (doc) => ({ write: dayed(doc, at, facts) }) }]);
}

async function dayFacts(ports: ReadPorts, space: boolean): Promise<DayFacts> {
  const { store, host } = ports;
  const [runs, passes, replicas, samples, buffers, spaces] = await Promise.all([
    store.count(views.runs, 1),
    store.count(views.jobsByState, 1),
    store.count(views.replicas, 2),
    store.range<SampleDoc>(idsWith('sample:')),
    fills(ports),
    space ? spacesOf(ports) : undefined,
  ]);
  const verified = replicas.flatMap(({ key, value }) => (key[1] === 'verified' ? [[key[0], value] as const] : []));
  const disks = buffers.map(({ level, total, free }) => [level, { total, free }] as const);
  return {
    host,
    runs: byState(runs),
    passes: byState(passes),
    files: Object.fromEntries(verified),
    samples,
    buffers: Object.fromEntries(disks),
    ...given({ space: spaces }),
  };
}

function byState(groups: readonly Group<[string]>[]): Record<string, number> {
  return Object.fromEntries(groups.map(({ key, value }) => [key[0], value]));
}

/** Space of the elements whose servers tell it, all asked at once. */
async function spacesOf(ports: ReadPorts): Promise<Map<string, Space>> {
  const asked = ports.settings.storages.map(async ({ name }) => {
    const opened = ports.storage(name).then((storage) => storage.space());
    const space = await inTime(
      opened.catch(() => undefined),
      PATIENCE,
    );
    return space ? [[name, space] as const] : [];
  });
  return new Map((await Promise.all(asked)).flat());
}

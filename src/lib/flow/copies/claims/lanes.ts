// Lanes of a batch, in the store: taken together in one bulk before anything is claimed, renewed while it copies, given
// back after it. Knows nothing of files.

import {
  LANE_LEASE,
  type LanesDoc,
  lanesId,
  lanesOf,
  leaveLanes,
  type Place,
  renewLanes,
  takeLanes,
  waitForLanes,
} from '../../../domain/storage/lanes.ts';
import type { Change } from '../../../store.ts';
import { StoreError } from '../../../util/errors.ts';
import { type Iso, plus, SECOND } from '../../../util/time.ts';
import { nth } from '../../../util/values/have.ts';
import type { Ports } from '../../ports.ts';

/** How often, and for how long, one asks again for lanes that others have. */
const AGAIN = SECOND;
const PATIENCE = 30 * SECOND;

/** Lanes that a batch has, until `release`. */
export interface Lanes {
  /** Copies at once of the whole batch. */
  readonly level: number;
  /** Copies at once, by storage element. */
  readonly storages: ReadonlyMap<string, number>;
  /** Hosts that have the lanes of what got none. */
  readonly hosts: readonly string[];
  release(): Promise<void>;
}

/** Places of a batch: its level, and the elements it copies to. */
export function placesOf({ settings }: Ports, level: string, storages: Iterable<string>): Place[] {
  const { parallel, perStorage } = settings.transfer;
  const elements = [...new Set(storages)].map((name): Place => ({ what: 'storage', name, limit: perStorage }));
  return [{ what: 'level', name: level, limit: parallel }, ...elements];
}

/** Takes what lanes there are, of the level and of at least one element; waits for a while where there is none. */
export async function openLanes(ports: Ports, places: readonly Place[]): Promise<Lanes> {
  const nonce = ports.nonce();
  const leave = await ports.presence?.enter(nonce);
  const all = (change: (doc: LanesDoc) => LanesDoc | undefined) => changeAll(ports, places, nonce, change);
  let taken = new Map<string, LanesDoc | undefined>();
  for (let waited = 0; ; waited += AGAIN) {
    taken = await take(ports, places, nonce);
    if (isUsable(places, taken, nonce) || waited >= PATIENCE || ports.stopping?.aborted) break;
    await all((doc) => waitForLanes(doc, nonce));
    await ports.sleep(AGAIN, ports.stopping);
  }
  const usable = isUsable(places, taken, nonce);
  const stopped = new AbortController();
  const renewing = usable ? renew(ports, all, nonce, stopped.signal) : Promise.resolve();
  const granted = (place: Place) => (usable ? lanesOf(taken.get(lanesId(place)), nonce) : 0);
  const levels = places.filter(({ what }) => what === 'level');
  const elements = places.filter(({ what }) => what === 'storage');
  return {
    level: granted(nth(levels, 0)),
    storages: new Map(elements.map((place) => [place.name, granted(place)])),
    hosts: [...new Set([...taken.values()].flatMap((doc) => doc?.held.filter(({ lanes }) => lanes > 0) ?? []))]
      .filter((one) => one.nonce !== nonce)
      .map(({ host }) => host),
    release: async () => {
      stopped.abort();
      await renewing;
      // What cannot be given back now ends by itself.
      await all((doc) => leaveLanes(doc, nonce)).catch(unlessStore);
      await leave?.();
    },
  };
}

function isUsable(places: readonly Place[], taken: ReadonlyMap<string, LanesDoc | undefined>, nonce: string): boolean {
  const has = (place: Place) => lanesOf(taken.get(lanesId(place)), nonce) > 0;
  return (['level', 'storage'] as const).every((what) => places.some((place) => place.what === what && has(place)));
}

async function take(ports: Ports, places: readonly Place[], nonce: string): Promise<Map<string, LanesDoc | undefined>> {
  const { store, host, presence } = ports;
  const known = await store.get<LanesDoc>(places.map(lanesId));
  const now = await store.now();
  const gone = await endedHere(ports, known.values(), nonce);
  const want = ports.settings.transfer.parallel;
  const holder = presence?.holder === undefined ? {} : { holder: presence.holder };
  const taker = { nonce, host, ...holder, now, until: plus(now, LANE_LEASE), want, gone };
  const changes = places.map((place): Change<LanesDoc> => {
    const id = lanesId(place);
    const base = known.get(id);
    return { id, ...(base ? { base } : {}), change: (doc) => ({ write: takeLanes(doc, place, taker) }) };
  });
  const outcomes = await store.bulk<LanesDoc>(changes);
  return new Map(outcomes.map(({ id, doc }) => [id, doc]));
}

/** Batches whose process is known to have ended. */
async function endedHere({ presence }: Ports, docs: Iterable<LanesDoc>, nonce: string): Promise<Set<string>> {
  const gone = new Set<string>();
  for (const one of [...docs].flatMap(({ held }) => held)) {
    const asked = gone.has(one.nonce) || one.nonce === nonce;
    if (!asked && (await presence?.ended(one))) gone.add(one.nonce);
  }
  return gone;
}

function changeAll(
  { store }: Ports,
  places: readonly Place[],
  nonce: string,
  change: (doc: LanesDoc) => LanesDoc | undefined,
) {
  return store.bulk<LanesDoc>(
    places.map((place) => ({
      id: lanesId(place),
      change: (doc) => {
        const next = doc && change(doc);
        return next ? { write: next } : { skip: `no lanes of ${nonce}` };
      },
    })),
  );
}

async function renew(
  ports: Ports,
  all: (change: (doc: LanesDoc) => LanesDoc | undefined) => Promise<unknown>,
  nonce: string,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await ports.sleep(LANE_LEASE / 3, signal);
    if (signal.aborted) return;
    const now: Iso | undefined = await ports.store.now().catch(unlessStore);
    if (now) await all((doc) => renewLanes(doc, nonce, plus(now, LANE_LEASE))).catch(unlessStore);
  }
}

/** A store that is away for a moment is asked again. */
function unlessStore(error: unknown): undefined {
  if (error instanceof StoreError) return undefined;
  throw error;
}

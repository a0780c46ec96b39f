// Stamps beyond the store's clock: some host, or the store, has or had a wrong one. Nothing waits for them (util/time.ts,
// `isAhead`); here those of holds, breakers, copies and jobs are said (loopstatus.ts: of loops, leases and farms).
import { isLive } from '../../../domain/data/copyclaim.ts';
import type { DataDoc } from '../../../domain/data/data.ts';
import type { HoldDoc } from '../../../domain/hold.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import { isHeldAhead } from '../../../domain/jobs/policy.ts';
import { isDatedAhead } from '../../../domain/storage/breaker.ts';
import { isHeld, type LanesDoc } from '../../../domain/storage/lanes.ts';
import { idsWith, type ReadStore } from '../../../store.ts';
import { together } from '../../../util/concurrency.ts';
import { between, humanDuration, type Iso, isAhead } from '../../../util/time.ts';
import { views } from '../../../views/index.ts';
import { breakers } from '../../copies/breakers.ts';
import { openHolds } from '../../jobs/openholds.ts';
import type { ReadPorts } from '../../ports.ts';
import { many } from './counts.ts';
import type { Attention } from './page.ts';

/** Documents looked at behind each view. */
const MOST = 200;

/** What is dated beyond now, and what to type. */
export function aheadAttention(ports: ReadPorts, now: Iso): Promise<Attention[]> {
  return together(switches(ports, now), copies(ports, now), jobs(ports, now));
}

const by = (at: Iso, now: Iso): string => `is dated ${humanDuration(between(now, at))} ahead of the store's clock`;

async function switches({ store }: ReadPorts, now: Iso): Promise<Attention[]> {
  const [open, troubles] = await Promise.all([openHolds(store), breakers(store)]);
  const holds = open.filter(({ since }) => isAhead(since, now));
  const found = [...troubles.values()].filter(({ causes }) =>
    Object.values(causes).some((trouble) => isDatedAhead(trouble, now)),
  );
  return [
    ...holds.map((hold) => ({ way: 'clock', text: holdText(hold, now), next: `dflow resume ${hold._id}` })),
    ...found.map(({ name }) => ({
      way: 'clock',
      text: `the breaker of storage element ${name} is dated ahead of the store's clock: it does not count`,
      next: `dflow transfer --to ${name}`,
    })),
  ];
}

function holdText({ _id, since, until, why }: HoldDoc, now: Iso): string {
  const effect = until === undefined ? 'it holds until a person ends it' : 'it does not count';
  return `${_id} (${why}) ${by(since, now)}: ${effect}`;
}

/** Lanes, and slots of copies. */
function copies({ store, settings }: ReadPorts, now: Iso): Promise<Attention[]> {
  return together(lanes(store, now), ...settings.storages.map(({ name }) => slots(store, name, now)));
}

async function lanes(store: ReadStore, now: Iso): Promise<Attention[]> {
  const docs = await store.range<LanesDoc>(idsWith('lanes:'));
  const wrong = docs.filter(({ held }) => held.some((one) => one.until > now && !isHeld(one, now)));
  return wrong.map(({ _id }) => ({
    way: 'clock',
    text: `${_id} is dated ahead of the store's clock: it does not count`,
    next: 'dflow transfer',
  }));
}

async function slots(store: ReadStore, name: string, now: Iso): Promise<Attention[]> {
  const rows = await store.view(views.replicas, { prefix: [name, 'copying'], limit: MOST });
  const docs = await store.get<DataDoc>(rows.map(({ id }) => id));
  const files = [...docs.values()].flatMap((doc) => doc.files.map(({ replicas }) => replicas[name]));
  const wrong = files.filter((one) => one?.state === 'copying' && one.expires > now && !isLive(one, now, new Set()));
  if (wrong.length === 0) return [];
  const text = `${many(wrong.length, 'copy', 'copies')} to ${name} begun by a clock that was ahead: not counted`;
  return [{ way: 'clock', text, next: `dflow transfer --to ${name}` }];
}

/** Retries that wait for a time that a wrong clock has said, and claims of such a submit. */
async function jobs({ store, settings }: ReadPorts, now: Iso): Promise<Attention[]> {
  const rows = await together<{ readonly id: string }>(
    store.view(views.wake, { start: ['at', now], end: ['at', {}], descending: true, limit: MOST }),
    store.view(views.active, { prefix: [settings.farm, 'submitting'], limit: MOST }),
  );
  const docs = await store.get<JobDoc>(rows.map(({ id }) => id));
  const wrong = [...docs.values()].flatMap(({ subjobs }) =>
    subjobs.filter(
      ({ state }) => isHeldAhead(state, now) || (state.name === 'submitting' && isAhead(state.since, now)),
    ),
  );
  if (wrong.length === 0) return [];
  return [
    {
      way: 'clock',
      text: `${many(wrong.length, 'subjob is', 'subjobs are')} held or claimed by a clock that was ahead`,
      next: 'dflow reset',
    },
  ];
}

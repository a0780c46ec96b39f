// status: the numbers of one page. Counts come from reduces, never from counting documents; what needs a person comes
// first, each with the command that deals with it.

import { wantedCopies } from '../../../domain/data/replicas.ts';
import type { FarmDoc, LeaseDoc, LoopDoc } from '../../../domain/farms/farm.ts';
import { drainOf, type HoldDoc, inForce } from '../../../domain/hold.ts';
import { asideNow, type BreakerDoc } from '../../../domain/storage/breaker.ts';
import { type Group, type GroupOf, idsWith, type ReadStore } from '../../../store.ts';
import type { Iso } from '../../../util/time.ts';
import { given } from '../../../util/values/given.ts';
import { views } from '../../../views/index.ts';
import { breakers } from '../../copies/breakers.ts';
import { bufferRows } from '../../copies/buffer/levels.ts';
import type { CredentialDoc } from '../../farms/credentials.ts';
import { openHolds } from '../../jobs/openholds.ts';
import { followed } from '../../jobs/requests/requestuse.ts';
import type { ReadPorts } from '../../ports.ts';
import { primaryOf } from '../../switches/storageswitch.ts';
import { type AttentionFacts, attention } from './attention.ts';
import { missingAt } from './counts.ts';
import { unsatisfied } from './jobstatus.ts';
import type { StatusPage } from './page.ts';

/** Reads the page: what needs no other answer is asked at once, so that a line of any length costs few round trips. */
export async function status(ports: ReadPorts): Promise<StatusPage> {
  const at = await ports.store.now();
  const facts = readFacts(ports, at);
  const [{ page }, needYou] = await Promise.all([facts, attention(ports, at, facts)]);
  return { ...page, needYou };
}

async function readFacts(ports: ReadPorts, at: Iso): Promise<AttentionFacts> {
  const [counts, docs] = await Promise.all([readCounts(ports.store), readDocuments(ports, at)]);
  return { page: pageOf(ports, at, counts, docs), ...docs, ...counts };
}

type Counts = Awaited<ReturnType<typeof readCounts>>;
type Documents = Awaited<ReturnType<typeof readDocuments>>;

async function readCounts(store: ReadStore) {
  const [runs, kinds, replicas, transfers, jobs, active, causes, stuck] = await Promise.all([
    store.count(views.runs, 1),
    store.count(views.kinds, 2),
    store.count(views.replicas, 2),
    store.count(views.transfers, 2),
    store.count(views.jobCounts, 3),
    store.count(views.active, 1),
    store.count(views.causes, 3),
    unsatisfied(store),
  ]);
  return { runs, kinds, replicas, transfers, jobs, active, causes, stuck };
}

async function readDocuments(ports: ReadPorts, at: Iso) {
  const { store } = ports;
  const [open, troubles, farms, loops, leases, credentials, buffer, requests, { where }] = await Promise.all([
    openHolds(store),
    breakers(store),
    store.range<FarmDoc>(idsWith('farm:')),
    store.range<LoopDoc>(idsWith('loop:')),
    store.range<LeaseDoc>(idsWith('lease:')),
    store.range<CredentialDoc>(idsWith('credential:')),
    bufferRows(ports),
    requestRows(ports, at),
    store.identity(),
  ]);
  return { open, troubles, farms, loops, leases, credentials, buffer, requests, where };
}

function pageOf(ports: ReadPorts, at: Iso, counts: Counts, docs: Documents): Omit<StatusPage, 'needYou'> {
  const { troubles, farms } = docs;
  const { replicas, transfers, active } = counts;
  const holds = docs.open.filter((hold) => inForce(hold, at));
  return {
    experiment: ports.settings.experiment,
    at,
    store: docs.where,
    runs: { open: 0, todo: 0, done: 0, late: 0, ...byFirst(counts.runs) },
    quarantined: Object.fromEntries(
      counts.kinds.flatMap(({ key, value }) => (key.length === 2 && key[0] === 'quarantine' ? [[key[1], value]] : [])),
    ),
    holds,
    loops: docs.loops,
    storage: storageRows(ports, { replicas, transfers, holds, troubles, at }),
    buffer: docs.buffer,
    credentials: docs.credentials,
    jobs: jobRows(counts.jobs, counts.stuck.passes),
    farms: farms.map((farm) => ({
      site: farm.site,
      backend: farm.backend,
      slots: farm.slots,
      heartbeat: farm.heartbeat,
      active: active.find((group) => group.key[0] === farm.site)?.value ?? 0,
      ...drainedBy(drainOf(holds, farm.site)),
    })),
    requests: docs.requests,
  };
}

function drainedBy(hold: HoldDoc | undefined): Pick<StatusPage['farms'][number], 'drained'> {
  if (!hold) return {};
  const { why, until, _id } = hold;
  return { drained: { why, ...given({ until }), next: `dflow resume ${_id}` } };
}

function byFirst(groups: readonly Group<[string]>[]): Record<string, number> {
  return Object.fromEntries(groups.map(({ key, value }) => [key[0], value]));
}

interface StorageFacts {
  readonly replicas: readonly GroupOf<typeof views.replicas, 2>[];
  readonly transfers: readonly GroupOf<typeof views.transfers, 2>[];
  readonly holds: readonly HoldDoc[];
  readonly troubles: ReadonlyMap<string, BreakerDoc>;
  readonly at: Iso;
}

function storageRows(
  ports: ReadPorts,
  { replicas, transfers, holds, troubles, at }: StorageFacts,
): StatusPage['storage'] {
  const wanted = wantedCopies(ports.settings.storages, ports.settings.copies.raw, holds);
  const primary = primaryOf(ports.settings, holds);
  return ports.settings.storages.map((storage) => {
    const own = replicas.filter(({ key }) => key[0] === storage.name);
    const states = Object.fromEntries(own.map(({ key, value }) => [key[1], value]));
    return {
      name: storage.name,
      primary: storage.name === primary,
      states,
      missing: wanted.includes(storage.name) ? missingAt(transfers, states.verified ?? 0) : 0,
      state: stateOf(storage.name, holds, troubles.get(storage.name), at),
    };
  });
}

function stateOf(name: string, holds: readonly HoldDoc[], trouble: BreakerDoc | undefined, at: Iso): string {
  const away = asideNow(trouble, at);
  if (holds.some(({ what, scope }) => what === 'storage' && scope.storages?.includes(name))) return 'disabled';
  return away ? `breaker since ${away.since}` : (Object.keys(trouble?.causes ?? {})[0] ?? 'ok');
}

/** The store counts unsatisfied passes as waiting; here they are counted apart. */
function jobRows(
  groups: readonly GroupOf<typeof views.jobCounts, 3>[],
  stuck: ReadonlyMap<string, number>,
): StatusPage['jobs'] {
  const rows = new Map<string, { version: string; module: string; states: Record<string, number> }>();
  for (const { key, value } of groups) {
    // A document that lost its fields has a row all the same; it is named as one that cannot be read.
    const [version = '', module = '', state = ''] = key.map(String);
    const row = rows.get(`${version} ${module}`) ?? { version, module, states: {} };
    rows.set(`${version} ${module}`, { ...row, states: { ...row.states, [state]: value } });
  }
  return [...rows].map(([name, row]) => {
    const count = Math.min(stuck.get(name) ?? 0, row.states.waiting ?? 0);
    if (count === 0) return row;
    return { ...row, states: { ...row.states, waiting: (row.states.waiting ?? 0) - count, unsatisfied: count } };
  });
}

/** Every request, with the states of its passes and when it ends. */
async function requestRows({ store }: ReadPorts, at: Iso): Promise<StatusPage['requests']> {
  const all = await followed(store, at);
  return all.map(({ doc: { name, version }, states, progress: { passes, state, rate, left } }) => {
    return { name, version, passes, states, state, ...given({ rate, left }) };
  });
}

// status: the numbers of one page. Counts come from reduces, never from counting documents; what needs a person comes
// first, each with the command that deals with it.

import type { FarmDoc, LoopDoc } from '../../../domain/farms/farm.ts';
import { drainOf, type HoldDoc, isFaultHold } from '../../../domain/hold.ts';
import { refOf } from '../../../domain/ids.ts';
import type { RequestDoc } from '../../../domain/jobs/request.ts';
import { asideNow, type BreakerDoc } from '../../../domain/storage/breaker.ts';
import { type Group, idsWith } from '../../../store.ts';
import { between, humanDuration, type Iso } from '../../../util/time.ts';
import { breakers } from '../../copies/breakers.ts';
import type { CredentialDoc } from '../../farms/credentials.ts';
import { activeHolds } from '../../jobs/openholds.ts';
import type { Ports } from '../../ports.ts';
import { primaryOf } from '../../switches/storageswitch.ts';
import { bufferRows, isShort } from '../buffer/buffer.ts';
import type { Attention, StatusPage } from './page.ts';
import { storageAttention } from './storagestatus.ts';

/** Reads the page. */
export async function status(ports: Ports): Promise<StatusPage> {
  const { store, settings } = ports;
  const at = await store.now();
  const [runs, kinds, replicas, transfers, jobs, active, causes] = await Promise.all([
    store.count('runs', 1),
    store.count('kinds', 2),
    store.count('replicas', 2),
    store.count('transfers', 2),
    store.count('job-counts', 3),
    store.count('active', 1),
    store.count('causes', 3),
  ]);
  const holds = await activeHolds(store, at);
  const farms = await store.range<FarmDoc>(idsWith('farm:'));
  const page = {
    experiment: settings.experiment,
    at,
    store: (await store.info()).where,
    runs: { open: 0, todo: 0, done: 0, late: 0, ...byFirst(runs) },
    quarantined: Object.fromEntries(
      kinds.flatMap(({ key, value }) => (part(key, 0) === 'quarantine' ? [[part(key, 1), value]] : [])),
    ),
    holds,
    loops: await store.range<LoopDoc>(idsWith('loop:')),
    storage: storageRows(ports, { replicas, transfers, holds, troubles: await breakers(store), at }),
    buffer: await bufferRows(ports),
    credentials: await store.range<CredentialDoc>(idsWith('credential:')),
    jobs: jobRows(jobs),
    farms: farms.map((farm) => ({
      site: farm.site,
      backend: farm.backend,
      slots: farm.slots,
      heartbeat: farm.heartbeat,
      active: active.find((group) => part(group.key, 0) === farm.site)?.value ?? 0,
      ...drainedBy(drainOf(holds, farm.site)),
    })),
    requests: await requestRows(ports),
  };
  return { ...page, needYou: await attention(ports, page, causes, replicas) };
}

function drainedBy(hold: HoldDoc | undefined): Pick<StatusPage['farms'][number], 'drained'> {
  if (!hold) return {};
  const { why, until, _id } = hold;
  return { drained: { why, ...(until === undefined ? {} : { until }), next: `dflow resume ${_id}` } };
}

function part(key: unknown, at: number): string {
  return Array.isArray(key) ? String(key[at]) : '';
}

function byFirst(groups: readonly Group[]): Record<string, number> {
  return Object.fromEntries(groups.map(({ key, value }) => [part(key, 0), value]));
}

interface StorageFacts {
  readonly replicas: readonly Group[];
  readonly transfers: readonly Group[];
  readonly holds: readonly HoldDoc[];
  readonly troubles: ReadonlyMap<string, BreakerDoc>;
  readonly at: Iso;
}

function storageRows(ports: Ports, { replicas, transfers, holds, troubles, at }: StorageFacts): StatusPage['storage'] {
  const wanted = ports.settings.storages.slice(0, ports.settings.copies.raw);
  const primary = primaryOf(ports.settings, holds);
  return ports.settings.storages.map((storage) => {
    const own = replicas.filter(({ key }) => part(key, 0) === storage.name);
    const lacking = transfers.filter(
      ({ key }) => part(key, 1) !== '-' && !part(key, 1).split(' ').includes(storage.name),
    );
    return {
      name: storage.name,
      primary: storage.name === primary,
      states: Object.fromEntries(own.map(({ key, value }) => [part(key, 1), value])),
      missing: wanted.includes(storage) ? lacking.reduce((sum, group) => sum + group.value, 0) : 0,
      state: stateOf(storage.name, holds, troubles.get(storage.name), at),
    };
  });
}

function stateOf(name: string, holds: readonly HoldDoc[], trouble: BreakerDoc | undefined, at: Iso): string {
  const away = asideNow(trouble, at);
  if (holds.some(({ what, scope }) => what === 'storage' && scope.storages?.includes(name))) return 'disabled';
  return away ? `breaker since ${away.since}` : 'ok';
}

function jobRows(groups: readonly Group[]): StatusPage['jobs'] {
  const rows = new Map<string, { version: string; module: string; states: Record<string, number> }>();
  for (const { key, value } of groups) {
    const [version, module, state] = [part(key, 0), part(key, 1), part(key, 2)];
    const row = rows.get(`${version} ${module}`) ?? { version, module, states: {} };
    rows.set(`${version} ${module}`, { ...row, states: { ...row.states, [state]: value } });
  }
  return [...rows.values()];
}

/** Requests that are not done, with the states of their passes. */
async function requestRows(ports: Ports): Promise<StatusPage['requests']> {
  const docs = await ports.store.range<RequestDoc>(idsWith('request:'));
  const groups = await ports.store.count('jobs-by-request', 2);
  return docs.map((doc) => ({
    name: doc.name,
    version: doc.version,
    passes: doc.plan.length,
    states: Object.fromEntries(
      groups.flatMap(({ key, value }) => (part(key, 0) === doc.name ? [[part(key, 1), value]] : [])),
    ),
  }));
}

type Page = Omit<StatusPage, 'needYou'>;

/** What needs a person, the most urgent first. */
async function attention(
  ports: Ports,
  page: Page,
  causes: readonly Group[],
  replicas: readonly Group[],
): Promise<Attention[]> {
  const found: Attention[] = [];
  const { limits } = ports.settings;
  for (const farm of page.farms.filter(
    (candidate) => candidate.active > 0 && between(candidate.heartbeat, page.at) > limits.stale,
  )) {
    found.push({
      text: `${farm.site} is silent since ${humanDuration(between(farm.heartbeat, page.at))}, ${farm.active} jobs locked to it`,
      next: `dflow monitor --site ${farm.site}`,
    });
  }
  found.push(...bufferAttention(ports, page), ...credentialAttention(page));
  const failed = page.jobs.reduce((sum, { states }) => sum + (states.failed ?? 0) + (states.partFail ?? 0), 0);
  if (failed > 0) {
    const text = `${many(failed, 'pass', 'passes')} failed: ${causeNames(causes, 'failed') || 'no cause recorded'}`;
    found.push({ text, next: 'dflow why --all' });
  }
  const held = causes.filter(({ key }) => part(key, 2) === 'held').reduce((sum, { value }) => sum + value, 0);
  if (held > 0) {
    const text = `${many(held, 'subjob', 'subjobs')} held until a person acts: ${causeNames(causes, 'held')}`;
    found.push({ text, next: 'dflow why --all' });
  }
  for (const hold of page.holds.filter((candidate) => candidate.what === 'calibration')) {
    found.push({ text: `later runs are held: ${hold.why}`, next: `dflow resume ${hold._id}` });
  }
  for (const hold of page.holds.filter(({ _id }) => isFaultHold(_id))) {
    found.push({ text: `submission is held: ${hold.why}`, next: `dflow resume ${hold._id}` });
  }
  found.push(...(await storageAttention(ports, page, replicas)));
  const quarantined = Object.values(page.quarantined).reduce((sum, count) => sum + count, 0);
  if (quarantined > 0)
    found.push({
      text: `${many(quarantined, 'file', 'files')} in quarantine: ${Object.keys(page.quarantined).join(', ')}`,
      next: 'dflow list quarantine',
    });
  return [...found, ...(await waitingRuns(ports))];
}

/** Causes of what failed, or of what is held, the commonest first. */
function causeNames(causes: readonly Group[], how: 'failed' | 'held'): string {
  const counts = new Map<string, number>();
  for (const { key, value } of causes)
    if (part(key, 2) === how) counts.set(part(key, 0), (counts.get(part(key, 0)) ?? 0) + value);
  const names = [...counts].sort((a, b) => b[1] - a[1]).map(([name]) => name);
  return names.length > 4 ? `${names.slice(0, 4).join(', ')} and ${names.length - 4} more` : names.join(', ');
}

/** Buffers that fill up, and how many files still lack a copy. */
function bufferAttention({ settings }: Ports, page: Page): Attention[] {
  const lacking = page.storage
    .filter(({ missing }) => missing > 0)
    .map(({ name, missing }) => `${missing} lack ${name}`);
  const short = page.buffer.filter((row) => isShort(row, settings.purge.untilFree));
  return short.map(({ level, disk, daysLeft }) => {
    const full = disk ? `${Math.round(100 * (1 - disk.free / disk.total))} % full` : 'filling';
    const days = daysLeft === undefined ? '' : `, ${daysLeft.toFixed(1)} days left`;
    const files = lacking.length === 0 ? '' : `; files: ${lacking.join(', ')}`;
    return { text: `buffer ${level} ${full}${days}${files}`, next: 'dflow why buffer' };
  });
}

function credentialAttention(page: Page): Attention[] {
  const near = page.credentials.filter(({ state, expires }) => state !== 'ok' || (expires ?? page.at) < page.at);
  return near.map(({ host, text }) => ({
    text: `credentials on ${host}: ${text}`,
    next: `log in on ${host} and renew them`,
  }));
}

/** Runs that are complete and still have no passes. */
async function waitingRuns(ports: Ports): Promise<Attention[]> {
  const rows = await ports.store.view('runs', { prefix: ['todo'], limit: 1000 });
  const from = ports.settings.automatic.from;
  const due = rows.filter((row) => Number(part(row.key, 1)) >= from);
  const first = due[0];
  if (!first) return [];
  const run = Number(part(first.key, 1));
  return [
    {
      text: `${many(due.length, 'complete run has', 'complete runs have')} no passes yet: ${refOf(run)}`,
      next: `dflow why ${refOf(run)}`,
    },
  ];
}

function many(count: number, one: string, more: string): string {
  return `${count} ${count === 1 ? one : more}`;
}

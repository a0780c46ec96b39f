// Waking what sleeps: a waiting subjob names the document it waits for; when that may have come, it is made ready and
// submit looks at it again. A wake is only a hint to look: the decision is always readiness, on fresh documents.

import { isRegistered, REGISTERED } from '../../domain/catalogue/gate.ts';
import { filesOf, type Holder } from '../../domain/catalogue/parts.ts';
import type { DataDoc } from '../../domain/data/data.ts';
import type { Doc } from '../../domain/doc.ts';
import { isA } from '../../domain/doc.ts';
import { hasVersion } from '../../domain/farms/routing.ts';
import { covers, type HoldDoc, inForce } from '../../domain/hold.ts';
import type { JobDoc, Move } from '../../domain/jobs/job.ts';
import { isHeldAhead } from '../../domain/jobs/policy.ts';
import { INSTALLED, ROUTED } from '../../domain/jobs/readiness.ts';
import type { RequestDoc } from '../../domain/jobs/request.ts';
import { madeReady, type PassState } from '../../domain/jobs/states.ts';
import { tookEffect } from '../../store.ts';
import { together } from '../../util/concurrency.ts';
import type { Iso } from '../../util/time.ts';
import { views } from '../../views/index.ts';
import type { Ports, ReadPorts } from '../ports.ts';
import { moveRows } from './moves.ts';

/** Makes every subjob ready that waits for one of `ids`. Returns the number of jobs woken. */
export async function wakeSleepers(ports: Ports, ids: readonly string[]): Promise<number> {
  if (ids.length === 0) return 0;
  const awaited = new Set(ids);
  const rows = await ports.store.view(views.wake, { keys: ids.map((id) => ['on', id]) });
  return wakeAll(ports, rows, (job, at) => sleepersOf(job, awaited, at));
}

function sleepersOf(job: JobDoc, awaited: ReadonlySet<string>, at: Iso): Move[] {
  return job.subjobs.flatMap((subjob): Move[] => {
    const { state } = subjob;
    if (state.name !== 'waiting' || state.wake.kind !== 'on' || !awaited.has(state.wake.id)) return [];
    return [{ index: subjob.index, event: 'wake', to: madeReady(at) }];
  });
}

/** Held jobs looked at in one round whose time has not come. */
const FAR = 200;

/** Rows of held subjobs that `wakeHeld` looks at. */
export function heldRows({ store }: ReadPorts, now: Iso): Promise<readonly { id: string }[]> {
  return together(
    store.view(views.wake, { start: ['at', ''], end: ['at', now], limit: 5000 }),
    // Times of a wrong clock are the furthest of all.
    store.view(views.wake, { start: ['at', now], end: ['at', {}], descending: true, limit: FAR }),
  );
}

/** Makes every held subjob ready whose time has come, or was never right. Returns the number of jobs woken. */
export function wakeHeld(ports: Ports, rows: readonly { id: string }[], now: Iso): Promise<number> {
  return wakeAll(ports, rows, (job, at) =>
    job.subjobs.flatMap(({ index, state }): Move[] => {
      if (state.name !== 'held' || state.until === undefined) return [];
      if (state.until > now && !isHeldAhead(state, now)) return [];
      return [{ index, event: 'wake', to: madeReady(at), why: `waiting time is over; last failure: ${state.reason}` }];
    }),
  );
}

async function wakeAll(
  ports: Ports,
  rows: readonly { id: string }[],
  moves: (job: JobDoc, at: Iso) => Move[],
): Promise<number> {
  const outcomes = await moveRows(ports, rows, moves);
  return outcomes.filter(tookEffect).length;
}

/** Awaited documents looked at in one sweep. */
const SWEEP = 2_000;

/** Ids of the documents that anything waits for. */
export async function awaitedIds({ store }: ReadPorts): Promise<string[]> {
  return (await store.count(views.wake, 2, { prefix: ['on'] })).map(({ key }) => key[1]);
}

/**
 * Catches missed wakes: looks at what is being waited for (few distinct documents, however many jobs sleep), and wakes
 * the sleepers of those that have come. A rotating window keeps it bounded. Returns the number of jobs woken.
 * `ids`: what is awaited, where the caller has just asked.
 */
export async function sweep(ports: Ports, site = ports.settings.farm, ids?: readonly string[]): Promise<number> {
  const awaited = ids ?? (await awaitedIds(ports));
  if (awaited.length === 0) return 0;
  const now = await ports.store.now();
  const start = awaited.length > SWEEP ? (Math.floor(Date.parse(now) / 10_000) * SWEEP) % awaited.length : 0;
  const window = [...awaited, ...awaited].slice(start, start + Math.min(SWEEP, awaited.length));
  const docs = await ports.store.get([...new Set(window.map(documentOf))]);
  // All at once: what asks the store asks together.
  const come = await Promise.all(window.map((id) => hasCome(ports, site, id, docs.get(documentOf(id)), now)));
  return wakeSleepers(
    ports,
    window.filter((_, index) => come[index]),
  );
}

/** The document that says whether what is waited for has come. */
function documentOf(id: string): string {
  return id.startsWith(REGISTERED) ? id.slice(REGISTERED.length) : id;
}

/** True when what is waited for may have come; in doubt true, since readiness decides. */
async function hasCome(ports: Ports, site: string, id: string, doc: Doc | undefined, now: Iso): Promise<boolean> {
  if (id.startsWith('config:')) return id !== `config:${ports.settings.hash}`;
  if (id.startsWith(ROUTED) || id.startsWith(INSTALLED)) return isFarmFor(ports, site, id);
  if (id.startsWith(REGISTERED)) return isTold(ports, doc);
  if (isA<JobDoc>(doc, 'job')) return doc.state === 'completed';
  if (isA<HoldDoc>(doc, 'hold')) return !inForce(doc, now) || !concerns(doc, site);
  if (isA<DataDoc>(doc, 'data')) return hasReadable(ports, doc);
  if (isA<RequestDoc>(doc, 'request')) return (await openPasses(ports, doc.name)) === 0;
  return doc !== undefined;
}

/** The catalogue knows every file of a document, or jobs no longer wait for that. */
function isTold({ settings }: ReadPorts, doc: Doc | undefined): boolean {
  if (!settings.catalogue?.gate || !(isA<DataDoc>(doc, 'data') || isA<JobDoc>(doc, 'job'))) return true;
  const holder: Holder = doc;
  return filesOf(holder).every((file) => isRegistered(holder, file));
}

/** `routed:cedar,ral:HASH`, `installed:7.0.8:HASH`: the site may take it, or the configuration has changed since. */
function isFarmFor(ports: Ports, site: string, id: string): boolean {
  const [kind = '', ...rest] = id.split(':');
  const hash = rest.pop();
  const words = rest.join(':');
  if (hash !== ports.settings.hash) return true;
  if (`${kind}:` === ROUTED) return words.split(',').includes(site);
  const farm = ports.settings.farms.find((candidate) => candidate.name === site);
  return farm !== undefined && hasVersion(farm, words);
}

/** A hold on one site put the pass aside there; every other site may take it. */
function concerns(hold: HoldDoc, site: string): boolean {
  return !hold.scope.sites || covers({ sites: hold.scope.sites }, { site });
}

function hasReadable(ports: Ports, doc: { readonly done: readonly string[] }): boolean {
  return ports.settings.farms.some((farm) => farm.reads.some((storage) => doc.done.includes(storage)));
}

/** Passes of a request that are not completed, canceled or deleted. */
export async function openPasses(ports: ReadPorts, request: string): Promise<number> {
  const groups = await ports.store.count(views.jobsByRequest, 2, { prefix: [request] });
  const ended = new Set<PassState>(['completed', 'canceled', 'deleted']);
  return groups.filter(({ key }) => !ended.has(key[1])).reduce((sum, { value }) => sum + value, 0);
}

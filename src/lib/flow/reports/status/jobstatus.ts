// Passes that do not go on: failed, held, put aside for something that does not come. Counts come from views; documents
// are read only of what is awaited, and no more than `ENOUGH` of them.

import type { DataDoc } from '../../../domain/data/data.ts';
import { hasVersion } from '../../../domain/farms/routing.ts';
import { parseJobId, refOf } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import { INSTALLED, ROUTED } from '../../../domain/jobs/readiness.ts';
import { lockOf, type PassState } from '../../../domain/jobs/states.ts';
import type { GroupOf, QueryOf, ReadStore } from '../../../store.ts';
import { together } from '../../../util/concurrency.ts';
import { humanDuration, type Iso, plus } from '../../../util/time.ts';
import { have, nth } from '../../../util/values/have.ts';
import { views } from '../../../views/index.ts';
import type { ReadPorts } from '../../ports.ts';
import { many, sum } from './counts.ts';
import type { Attention, StatusPage } from './page.ts';

/** Awaited documents read at most. */
const ENOUGH = 2_000;

/** Sleeping subjobs by the ids they wait for, of one kind of id. */
function sleepers(store: ReadStore, kind: string): Promise<GroupOf<typeof views.wake, 2>[]> {
  return store.count(views.wake, 2, { start: ['on', kind], end: ['on', `${kind}\uffff`] });
}

/** Subjobs that wait for one farm, or for one that has their version. */
export async function routedSubjobs(store: ReadStore): Promise<number> {
  return sum(await together(sleepers(store, ROUTED), sleepers(store, INSTALLED)));
}

export interface Unsatisfied {
  /** By `version module`. */
  readonly passes: ReadonlyMap<string, number>;
  readonly total: number;
  readonly example?: string;
  /** Not everything was looked at: there may be more. */
  readonly more: boolean;
}

/** Waiting passes whose prerequisite has ended without completing, and those that wait for these. */
export async function unsatisfied(store: ReadStore): Promise<Unsatisfied> {
  const awaited = (await sleepers(store, 'job:')).map(({ key }) => key[1]);
  const { broken, all } = await brokenAmong(store, awaited);
  let ended = broken.slice(0, ENOUGH);
  const found = new Map<string, JobDoc>();
  while (ended.length > 0 && found.size < ENOUGH) {
    const rows = await store.view(views.wake, { keys: ended.map((id) => ['on', id]) });
    const fresh = [...new Set(rows.map(({ id }) => id))].filter((id) => !found.has(id)).slice(0, ENOUGH);
    const jobs = await store.get<JobDoc>(fresh);
    for (const [id, job] of jobs) if (job.state === 'waiting') found.set(id, job);
    ended = [...jobs.keys()];
  }
  const passes = new Map<string, number>();
  for (const { version, module } of found.values())
    passes.set(`${version} ${module}`, (passes.get(`${version} ${module}`) ?? 0) + 1);
  const [first] = [...found.values()].sort((a, b) => (a._id < b._id ? -1 : 1));
  const more = !all || broken.length > ENOUGH || found.size >= ENOUGH;
  return { passes, total: found.size, more, ...(first ? { example: refOf(first.run, first.module, first.pass) } : {}) };
}

const BROKEN: readonly PassState[] = ['failed', 'partFail', 'canceled', 'deleted'];

const isBroken = ({ state }: JobDoc): boolean => BROKEN.includes(state);

/** Up to this number, reading documents is cheaper than reading rows of a view. */
const FEW = 200;
/** Above this number of broken passes, reading the awaited documents is cheaper than listing the broken ones. */
const MANY = 5 * ENOUGH;

/** Which of the awaited passes have ended without completing, or are not there. `all`: each of them was looked at. */
async function brokenAmong(
  store: ReadStore,
  awaited: readonly string[],
): Promise<{ readonly broken: readonly string[]; readonly all: boolean }> {
  const known = awaited.length > FEW ? await brokenIds(store) : undefined;
  const rest = known ? awaited.filter((id) => !known.has(id)) : awaited;
  // The view does not list passes that do not exist: only a read shows them.
  const looked = rest.slice(0, known ? FEW : ENOUGH);
  const docs = await store.get<JobDoc>(looked);
  const ended = looked.filter((id) => !docs.has(id) || isBroken(have(docs, id)));
  const broken = known ? [...awaited.filter((id) => known.has(id)), ...ended] : ended;
  return { broken, all: known !== undefined || looked.length === rest.length };
}

/** Every pass that has ended without completing; `undefined` when too many have. */
async function brokenIds(store: ReadStore): Promise<ReadonlySet<string> | undefined> {
  const counts = await Promise.all(BROKEN.map((state) => store.count(views.jobsByState, 1, { prefix: [state] })));
  if (sum(counts.flat()) > MANY) return undefined;
  const rows = await Promise.all(BROKEN.map((state) => store.view(views.jobsByState, { prefix: [state] })));
  return new Set(rows.flat().map(({ id }) => id));
}

export interface JobFacts {
  readonly page: Pick<StatusPage, 'jobs' | 'storage'>;
  readonly causes: readonly GroupOf<typeof views.causes, 3>[];
  readonly stuck: Unsatisfied;
}

export function jobAttention(ports: ReadPorts, at: Iso, facts: Promise<JobFacts>): Promise<Attention[]> {
  const page = facts.then((all) => all.page);
  return together(facts.then(ended), cooled(ports, at), submitting(ports, at), gone(ports, page));
}

/** Passes that have ended without completing, and those that wait for them. */
function ended({ page, causes, stuck }: JobFacts): Attention[] {
  const found: Attention[] = [];
  const failed = page.jobs.reduce((total, { states }) => total + (states.failed ?? 0) + (states.partFail ?? 0), 0);
  if (failed > 0) {
    const text = `${many(failed, 'pass', 'passes')} failed: ${causeNames(causes, 'failed') || 'no cause recorded'}`;
    found.push({ way: 'failed', text, next: 'dflow why --all' });
  }
  const held = sum(causes.filter(({ key }) => key[2] === 'held'));
  if (held > 0) {
    const text = `${many(held, 'subjob', 'subjobs')} held until a person acts: ${causeNames(causes, 'held')}`;
    found.push({ way: 'held', text, next: 'dflow why --all' });
  }
  if (stuck.example !== undefined) {
    const count = `${stuck.more ? 'at least ' : ''}${many(stuck.total, 'pass waits', 'passes wait')}`;
    const text = `${count} for a prerequisite that has ended without completing: ${stuck.example}`;
    found.push({ way: 'unsatisfied', text, next: `dflow why ${stuck.example}` });
  }
  return found;
}

/** Retries that are due, and that no reset has woken. */
async function cooled({ store, settings }: ReadPorts, at: Iso): Promise<Attention[]> {
  const range: QueryOf<typeof views.wake> = { start: ['at', ''], end: ['at', plus(at, -settings.limits.stale)] };
  const count = sum(await store.count(views.wake, 1, range));
  if (count === 0) return [];
  return [
    {
      way: 'cooled',
      text: `${many(count, 'retry is', 'retries are')} overdue: reset has not run`,
      next: 'dflow reset',
    },
  ];
}

/** Claims that submit never recorded, and that no reset has put back. */
async function submitting({ store, settings }: ReadPorts, at: Iso): Promise<Attention[]> {
  const limit = 2 * settings.limits.submitting;
  const range: QueryOf<typeof views.jobsByState> = { start: ['submitting', ''], end: ['submitting', plus(at, -limit)] };
  const [groups, [row]] = await Promise.all([
    store.count(views.jobsByState, 1, range),
    store.view(views.jobsByState, { ...range, limit: 1 }),
  ]);
  const count = sum(groups);
  if (count === 0) return [];
  const job = row && (await store.get<JobDoc>([row.id])).get(row.id);
  const site = job?.subjobs.map(({ state }) => lockOf(state)?.site).find((name) => name !== undefined);
  const text = `${many(count, 'pass has', 'passes have')} been submitting for more than ${humanDuration(limit)}`;
  return [{ way: 'submitting', text, next: `dflow reset${site === undefined ? '' : ` --site ${site}`}` }];
}

/** What waits for a module, a version or inputs that nobody brings. */
function gone(ports: ReadPorts, page: Promise<JobFacts['page']>): Promise<Attention[]> {
  return together(moduleNowhere(ports), versionNowhere(ports), inputsNowhere(ports, page));
}

async function moduleNowhere({ store, settings }: ReadPorts): Promise<Attention[]> {
  const found: Attention[] = [];
  // After a change of the configuration, the next submit looks again.
  const undefinedOnes = await sleepers(store, `config:${settings.hash}`);
  if (undefinedOnes.length > 0) {
    const ref = await exampleOf(store, nth(undefinedOnes, 0).key[1]);
    const text = `${many(sum(undefinedOnes), 'subjob waits', 'subjobs wait')} for a module that is not defined here: ${ref}`;
    found.push({ way: 'module-gone', text, next: `dflow why ${ref}` });
  }
  return found;
}

async function versionNowhere({ store, settings }: ReadPorts): Promise<Attention[]> {
  const found: Attention[] = [];
  for (const { key, value } of await sleepers(store, INSTALLED)) {
    const version = key[1].slice(INSTALLED.length).replace(/:[^:]*$/, '');
    if (settings.farms.some((farm) => hasVersion(farm, version))) continue;
    const text = `${many(value, 'subjob waits', 'subjobs wait')} for ${version}, which is installed at no farm`;
    found.push({ way: 'version-nowhere', text, next: `dflow why ${await exampleOf(store, key[1])}` });
  }
  return found;
}

/** Raw files that no farm can read, and of which no copy is to be made where one reads. */
async function inputsNowhere({ store, settings }: ReadPorts, page: Promise<JobFacts['page']>): Promise<Attention[]> {
  const reads = [...new Set(settings.farms.flatMap((farm) => farm.reads))];
  const [waiting, { storage }] = await Promise.all([sleepers(store, 'data:'), page]);
  if (storage.some(({ name, missing }) => reads.includes(name) && missing > 0)) return [];
  const lacking = await firstLacking(
    store,
    waiting.map(({ key }) => key[1]),
    reads,
  );
  if (lacking === undefined) return [];
  const subjobs = many(sum(waiting), 'subjob waits', 'subjobs wait');
  const text = `${subjobs} for raw files at ${reads.join(', ')}, where no copy is to be made`;
  return [{ way: 'inputs-nowhere', text, next: `dflow why ${await exampleOf(store, lacking)}` }];
}

/** The first data document without a full copy at any of these elements. Submit finds copies that arrive later. */
async function firstLacking(
  store: ReadStore,
  ids: readonly string[],
  reads: readonly string[],
): Promise<string | undefined> {
  for (let from = 0; from < Math.min(ids.length, ENOUGH); from += FEW) {
    const some = ids.slice(from, from + FEW);
    const docs = await store.get<DataDoc>(some);
    const lacking = some.find((id) => !docs.get(id)?.done.some((name) => reads.includes(name)));
    if (lacking !== undefined) return lacking;
  }
  return undefined;
}

async function exampleOf(store: ReadStore, awaited: string): Promise<string> {
  const [row] = await store.view(views.wake, { key: ['on', awaited], limit: 1 });
  return refText(row?.id);
}

function refText(id = ''): string {
  const job = parseJobId(id);
  return job ? refOf(job.run, job.module, job.pass) : '--all';
}

/** Causes of what failed, or of what is held, the commonest first. */
function causeNames(causes: readonly GroupOf<typeof views.causes, 3>[], how: 'failed' | 'held'): string {
  const counts = new Map<string, number>();
  for (const { key, value } of causes) if (key[2] === how) counts.set(key[0], (counts.get(key[0]) ?? 0) + value);
  const names = [...counts].sort((a, b) => b[1] - a[1]).map(([name]) => name);
  return names.length > 4 ? `${names.slice(0, 4).join(', ')} and ${names.length - 4} more` : names.join(', ');
}

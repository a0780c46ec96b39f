// Runs with all that the store has of them, and what else in the store speaks of runs: what the decision rests on.

import { type Doc, isA } from '../../../domain/doc.ts';
import type { ClaimDoc } from '../../../domain/farms/farm.ts';
import { covers, type HoldDoc } from '../../../domain/hold.ts';
import { dataId, JOB } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import { continued, type PlanDoc, type PlanItem, type RequestDoc } from '../../../domain/jobs/request.ts';
import { current } from '../../../domain/migrations/migrations.ts';
import { type EndRules, type Kept, keptBy, type WholeRun, wholeRun } from '../../../domain/runs/longended.ts';
import { remedy } from '../../../domain/runs/remedy.ts';
import type { QuarantineDoc, RunDoc } from '../../../domain/runs/run.ts';
import { unsound } from '../../../domain/schemas.ts';
import { idsWith, pages, type ReadStore, type Store, spansOfRuns } from '../../../store.ts';
import type { Iso } from '../../../util/time.ts';
import { given } from '../../../util/values/given.ts';
import { groupBy } from '../../../util/values/group.ts';
import { views } from '../../../views/index.ts';
import { unsettled } from '../../farms/openclaims.ts';
import { type NoticeDoc, noticeNext } from '../../jobs/notices.ts';
import { activeHolds } from '../../jobs/openholds.ts';
import type { Ports } from '../../ports.ts';

/** Runs read together. */
const PAGE = 200;

export interface Candidate {
  readonly run: number;
  readonly whole?: WholeRun;
  /** Why it stays; absent: it may leave. */
  readonly kept?: Kept;
}

/** Every run of the store, judged. `store` hands out every document. */
export async function* candidates(store: ReadStore, rules: EndRules): AsyncGenerator<Candidate, void, void> {
  for await (const page of pages<RunDoc>(store, idsWith('run:'), PAGE)) {
    const sound = page.filter((doc) => unsound(current(doc)) === undefined);
    const docs = await docsOfRuns(store, sound);
    for (const doc of page) {
      const whole = sound.includes(doc) ? partsOf(doc, docs.get(doc.run) ?? []) : undefined;
      if (!whole) yield { run: doc.run, kept: unreadable(doc) };
      else {
        const kept = keptBy(whole, rules);
        yield { run: doc.run, whole, ...(kept && { kept }) };
      }
    }
  }
}

function unreadable(doc: Doc): Kept {
  return { gate: 'unreadable', text: `${doc._id}: ${unsound(current(doc))}`, next: 'dflow store check' };
}

function partsOf(run: RunDoc, all: readonly Doc[]): WholeRun {
  const docs = all.map((doc) => current(doc));
  const unread = docs.flatMap((doc) => {
    const wrong = unsound(doc);
    return wrong === undefined ? [] : [{ id: doc._id, wrong }];
  });
  return wholeRun(
    current(run) as RunDoc,
    docs.filter((doc) => unsound(doc) === undefined),
    unread,
  );
}

/** The data and job documents of runs, by run. */
async function docsOfRuns(store: ReadStore, runs: readonly RunDoc[]): Promise<Map<number, Doc[]>> {
  const data = runs.flatMap(({ run, levels }) => Object.keys(levels).map((level) => dataId(level, run)));
  const jobs = await store.ranges<Doc & { readonly run: number }>(
    spansOfRuns(
      JOB,
      runs.map(({ run }) => run),
    ),
  );
  const found = await store.get<Doc & { readonly run: number }>(data);
  return groupBy<number, Doc & { readonly run: number }>([...found.values(), ...jobs], ({ run }) => run);
}

/** What the store says now of holds, claims, requests and files that wait for a person. */
export async function endRules({ store, settings }: Ports, before: Iso): Promise<EndRules> {
  const { storages, copies, automatic } = settings;
  const holds = await activeHolds(store, await store.now());
  return {
    before,
    ...(automatic.version === undefined
      ? {}
      : { automaticFrom: automatic.from, ...given({ automaticUntil: automatic.until }) }),
    copies: Math.min(Math.max(1, copies.raw), storages.length),
    storages: new Set(storages.map(({ name }) => name)),
    holds: holds.filter(({ scope }) => scope.runs !== undefined),
    named: new Map([...(await requested(store)), ...(await waiting(store))]),
    claimed: await claimed(store),
    newest: await newestRuns(
      store,
      settings.buffers.map(({ level }) => level),
      holds,
    ),
  };
}

/** Passes with attempts that were given up and may still run. */
async function claimed(store: Store): Promise<Map<string, Kept>> {
  const rows = await store.view(views.claims);
  const docs = [...(await store.get<ClaimDoc>(rows.map(({ id }) => id))).values()];
  const jobs = await store.get<JobDoc>([...new Set(docs.flatMap(({ refs }) => refs.map(([id]) => id)))]);
  const open = docs.flatMap((claim) => unsettled(claim, jobs).map((index) => ({ claim, id: claim.refs[index]?.[0] })));
  return new Map(
    open.map(({ claim: { _id, site }, id = '' }): [string, Kept] => {
      const text = `an attempt of ${_id} may still run at ${site}`;
      return [id, { gate: 'claim', text, next: `dflow monitor --site ${site}` }];
    }),
  );
}

/** Runs of requests whose passes are still being made. */
export async function requested(store: ReadStore): Promise<Map<number, Kept>> {
  const rows = await store.view(views.standing, { prefix: ['request'] });
  const docs = [...(await store.get<RequestDoc>(rows.map(({ id }) => id))).values()];
  const named = new Map<number, Kept>();
  for (const doc of docs) {
    const text = `the passes of request ${doc.name} are not all made`;
    const kept: Kept = { gate: 'request', text, next: continued(doc) };
    for (const { run } of await planOf(store, doc)) named.set(run, kept);
  }
  return named;
}

/** The whole plan, with the parts of a large one. */
async function planOf(store: ReadStore, { plan, parts = [] }: RequestDoc): Promise<PlanItem[]> {
  const docs = parts.length === 0 ? [] : (await store.get<PlanDoc>(parts.map(({ id }) => id))).values();
  return [...plan, ...[...docs].flatMap((doc) => doc.plan)];
}

/** Runs with a file or a notice that waits for a person, or a first pass that is not done. */
async function waiting(store: ReadStore): Promise<Map<number, Kept>> {
  const named = new Map<number, Kept>();
  for (const prefix of ['firstpass:', 'notice:', 'trash:', 'quarantine:']) {
    for await (const page of pages<Doc & { readonly run?: number }>(store, idsWith(prefix), PAGE)) {
      for (const doc of page) if (doc.run !== undefined) named.set(doc.run, waits(doc));
    }
  }
  return named;
}

function waits(doc: Doc): Kept {
  if (isA<QuarantineDoc>(doc, 'quarantine')) {
    return { gate: 'quarantine', text: `${doc.name}: ${doc.detail}`, next: remedy(doc) };
  }
  if (isA<NoticeDoc>(doc, 'notice')) return { gate: 'notice', text: doc.text, next: noticeNext(doc) };
  if (doc.kind === 'trash') {
    return { gate: 'quarantine', text: `${doc._id} is in the trash`, next: 'dflow purge --empty-trash' };
  }
  return { gate: 'first-pass', text: 'the first pass is not done', next: 'dflow tables' };
}

/** Runs looked at to find one that no operator has quarantined. */
const NEWEST = 50;

/** The last run, the last one that is believed, and the last one of each level. */
async function newestRuns(
  store: ReadStore,
  levels: readonly string[],
  holds: readonly HoldDoc[],
): Promise<Set<number>> {
  const bans = holds.filter(({ what, scope }) => what === 'quarantine' && scope.runs);
  const isBanned = (run: number): boolean => bans.some(({ scope }) => covers({ runs: scope.runs ?? [] }, { run }));
  const last = { descending: true, limit: 1 };
  const runs = await store.range<RunDoc>({ ...idsWith('run:'), descending: true, limit: NEWEST });
  const data = await Promise.all(levels.map((level) => store.range<RunDoc>({ ...idsWith(`data:${level}:`), ...last })));
  const believed = runs.find(
    ({ run, levels }) => !isBanned(run) && Object.values(levels ?? {}).some(({ files }) => files > 0),
  );
  return new Set([...runs.slice(0, 1), ...(believed ? [believed] : []), ...data.flat()].map(({ run }) => run));
}

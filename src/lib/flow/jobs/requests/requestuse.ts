// How far requests are and what they have used, from counts of the store.

import type { RequestDoc } from '../../../domain/jobs/request.ts';
import { type Hours, type Progress, progressOf } from '../../../domain/jobs/requests/progress.ts';
import { idsWith, type ReadStore } from '../../../store.ts';
import type { Iso } from '../../../util/time.ts';
import { groupBy } from '../../../util/values/group.ts';
import { views } from '../../../views/index.ts';
import type { Used } from '../../../views/jobs.ts';

/** What the passes of one module of a request took and made. */
interface ModuleUse {
  readonly module: string;
  /** Completed subjobs, also of passes that are not complete. */
  readonly jobs: number;
  /** Seconds. */
  readonly cpu: number;
  readonly wall: number;
  /** Of outputs. */
  readonly bytes: number;
  readonly outputs: number;
  /** Seconds of tries that did not complete. */
  readonly lost: number;
}

/** Subjobs that failed, or are held after a failure, by cause. */
export interface CauseCount {
  readonly cause: string;
  readonly subjobs: number;
}

export interface RequestUse {
  readonly modules: readonly ModuleUse[];
  readonly sum: Omit<ModuleUse, 'module'>;
  readonly failures: readonly CauseCount[];
}

export interface Followed {
  readonly doc: RequestDoc;
  readonly states: Readonly<Record<string, number>>;
  readonly progress: Progress;
}

/** Every request with its passes by state, and when it ends at its present rate. */
export async function followed(store: ReadStore, now: Iso): Promise<Followed[]> {
  const [docs, counts] = await Promise.all([
    store.range<RequestDoc>(idsWith('request:')),
    store.count(views.jobsByRequest, 2),
  ]);
  const groups = groupBy(counts, ({ key }) => key[0]);
  const states = (name: string) =>
    Object.fromEntries((groups.get(name) ?? []).map(({ key, value }) => [String(key[1]), value]));
  return Promise.all(docs.map((doc) => followedOne(store, doc, states(doc.name), now)));
}

/** The same for one request: the counts of the others are not read. */
export async function followedRequest(store: ReadStore, doc: RequestDoc, now: Iso): Promise<Followed> {
  const groups = await store.count(views.jobsByRequest, 2, { prefix: [doc.name] });
  return followedOne(store, doc, Object.fromEntries(groups.map(({ key, value }) => [String(key[1]), value])), now);
}

async function followedOne(
  store: ReadStore,
  doc: RequestDoc,
  states: Readonly<Record<string, number>>,
  now: Iso,
): Promise<Followed> {
  const before = progressOf(doc, states, [], now);
  // A request that has ended needs no forecast.
  if (before.state === 'done' || before.state === 'ended') return { doc, states, progress: before };
  return { doc, states, progress: progressOf(doc, states, await hoursOf(store, doc.name), now) };
}

async function hoursOf(store: ReadStore, name: string): Promise<Hours> {
  const groups = await store.count(views.requestSums, 3, { prefix: [name, 'hour'] });
  return groups.map(({ key, value }) => [key[2], value]);
}

/** What a request has used and made so far. */
export async function useOf(store: ReadStore, name: string): Promise<RequestUse> {
  const groups = await store.count(views.requestSums, 3, { prefix: [name] });
  const of = (what: Used) => groups.filter(({ key }) => key[1] === what);
  const used: readonly Used[] = ['jobs', 'cpu', 'wall', 'bytes', 'outputs', 'lost'];
  const names = [...new Set(used.flatMap(of).map(({ key }) => key[2]))].sort();
  const value = (what: Used, module?: string): number =>
    of(what).reduce((sum, one) => (module === undefined || one.key[2] === module ? sum + one.value : sum), 0);
  const sums = (module?: string) => ({
    jobs: value('jobs', module),
    cpu: value('cpu', module),
    wall: value('wall', module),
    bytes: value('bytes', module),
    outputs: value('outputs', module),
    lost: value('lost', module),
  });
  return {
    modules: names.map((module) => ({ module, ...sums(module) })),
    sum: sums(),
    failures: of('cause')
      .map(({ key, value: subjobs }) => ({ cause: key[2], subjobs }))
      .toSorted((a, b) => b.subjobs - a.subjobs || (a.cause < b.cause ? -1 : 1)),
  };
}

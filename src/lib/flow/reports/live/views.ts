// What the live screen of `status --watch` asks for, one view at a time: counts, and the documents of a few rows.
import type { PassState } from '../../../domain/jobs/states.ts';
import { views } from '../../../views/index.ts';
import type { Item, ReadPorts } from '../../ports.ts';
import { flow } from '../flow/flow.ts';
import type { FlowPicture } from '../flow/picture.ts';
import { type FarmRow, farmRows } from '../look/farmrows.ts';
import { type HoldRow, holdRows } from '../look/holdrows.ts';
import type { JobRow } from '../look/jobrows.ts';
import type { ReplicaRow } from '../look/replicarows.ts';
import type { Rows } from '../look/row.ts';
import type { RunRow } from '../look/runrows.ts';
import { type StorageRow, storageRows } from '../look/storagerows.ts';
import { unsatisfied } from '../status/jobstatus.ts';
import type { StatusPage } from '../status/page.ts';
import { status } from '../status/status.ts';
import { latestJobs, newestRuns, unsoundCopies } from './rows.ts';

/** The views of the screen, in their order. */
export const LIVE_VIEWS = ['status', 'flow', 'runs', 'jobs', 'copies', 'farms', 'holds'] as const;
export type LiveView = (typeof LIVE_VIEWS)[number];

/** The first rows of a list, whether the list has more, and mistakes in the selection. */
export interface Some<R> {
  readonly rows: readonly R[];
  readonly more: boolean;
  readonly problems: readonly Item[];
}

export type Counts<Name extends string> = Readonly<Partial<Record<Name, number>>>;

/** What one look at a view found. */
export type LiveFound =
  | { readonly view: 'status'; readonly page: StatusPage }
  | { readonly view: 'flow'; readonly picture: FlowPicture }
  | { readonly view: 'runs'; readonly counts: Counts<'open' | 'todo' | 'done' | 'late'>; readonly some: Some<RunRow> }
  | { readonly view: 'jobs'; readonly counts: Counts<PassState>; readonly some: Some<JobRow> }
  | { readonly view: 'copies'; readonly storage: readonly StorageRow[]; readonly some: Some<ReplicaRow> }
  | { readonly view: 'farms'; readonly some: Some<FarmRow> }
  | { readonly view: 'holds'; readonly some: Some<HoldRow> };

/** What a filter selects instead of what a view shows by itself. */
export interface Chosen {
  readonly runs?: Rows<RunRow>;
  readonly jobs?: Rows<JobRow>;
  readonly copies?: Rows<ReplicaRow>;
  readonly farms?: Rows<FarmRow>;
  readonly holds?: Rows<HoldRow>;
  /** What is drawn instead of the whole chain. */
  readonly picture?: Promise<FlowPicture>;
}

/** Looks at one view; at most `most` rows are read. */
export async function lookAt(ports: ReadPorts, view: LiveView, most: number, chosen: Chosen = {}): Promise<LiveFound> {
  if (view === 'status') return { view, page: await status(ports) };
  if (view === 'flow') return { view, picture: await (chosen.picture ?? flow(ports)) };
  if (view === 'runs') {
    const [counts, some] = await Promise.all([runCounts(ports), firstOf(chosen.runs ?? newestRuns(ports), most)]);
    return { view, counts, some };
  }
  if (view === 'jobs') {
    const [counts, some] = await Promise.all([jobCounts(ports), firstOf(chosen.jobs ?? latestJobs(ports), most)]);
    return { view, counts, some };
  }
  if (view === 'copies') {
    const storage = (await firstOf(storageRows(ports), Number.POSITIVE_INFINITY)).rows;
    return { view, storage, some: await firstOf(chosen.copies ?? unsoundCopies(ports), most) };
  }
  if (view === 'farms') return { view, some: await firstOf(chosen.farms ?? farmRows(ports), most) };
  return { view, some: await firstOf(chosen.holds ?? holdRows(ports), most) };
}

async function runCounts({ store }: ReadPorts) {
  const groups = await store.count(views.runs, 1);
  return Object.fromEntries(groups.map(({ key, value }) => [key[0], value]));
}

/** The store counts unsatisfied passes as waiting; here they are counted apart. */
async function jobCounts({ store }: ReadPorts): Promise<Counts<PassState>> {
  const [groups, stuck] = await Promise.all([store.count(views.jobsByState, 1), unsatisfied(store)]);
  const counts: Partial<Record<PassState, number>> = {};
  for (const { key, value } of groups) counts[key[0]] = value;
  if (stuck.total === 0) return counts;
  return { ...counts, waiting: (counts.waiting ?? 0) - stuck.total, unsatisfied: stuck.total };
}

export async function firstOf<R extends object>(all: Rows<R>, most: number): Promise<Some<R>> {
  const rows: R[] = [];
  const problems: Item[] = [];
  for await (const row of all) {
    if (isItem(row)) problems.push(row);
    else if (rows.length === most) return { rows, problems, more: true };
    else rows.push(row);
    if (problems.length > most) break;
  }
  return { rows, problems, more: false };
}

const isItem = (row: object): row is Item => 'did' in row;

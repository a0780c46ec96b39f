// A pass as one row: what `list jobs` prints and what other commands read from a pipe.

import { refOf, runId } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import type { PassState } from '../../../domain/jobs/states.ts';
import { causesOf, matches, type Selection, sitesOf } from '../../../domain/selection.ts';
import { idsOfRuns, pages, type ReadStore } from '../../../store.ts';
import { UnreachableError } from '../../../util/errors.ts';
import type { Iso } from '../../../util/time.ts';
import { given } from '../../../util/values/given.ts';
import { missingRuns } from '../../jobs/archived/archived.ts';
import { checkNamed } from '../../jobs/names/checknamed.ts';
import { ALL_RUNS, lastOnly, narrowIds, selectJobs, shownStates } from '../../jobs/select.ts';
import { supersededTables } from '../../jobs/stale/superseded.ts';
import { isAway } from '../../jobs/tables/source.ts';
import type { Item, ReadPorts } from '../../ports.ts';
import type { Row, Rows } from './row.ts';

/** A pass. */
export interface JobRow extends Row<'job'> {
  readonly run: number;
  readonly module: string;
  readonly pass: number;
  /** Software version. */
  readonly version: string;
  readonly state: PassState;
  /** Number of completed subjobs. */
  readonly done: number;
  /** Number of subjobs. */
  readonly subjobs: number;
  /** Farms that have it or had it last, joined by commas. */
  readonly site?: string;
  /** Attempts of the subjob that had the most. */
  readonly tries: number;
  /** Causes of its failures, joined by commas. */
  readonly cause?: string;
  readonly since: Iso;
  readonly request?: string;
  readonly labels?: readonly string[];
  /** Run tables that have other contents than the pass was made with, joined by commas; only with --stale-tables. */
  readonly stale?: string;
}

/** Passes read first, and at most: who shows a few reads a few. */
const PAGE = { first: 100, most: 2000 } as const;

/** Passes in the order of their ids, read in pages as they are shown. */
export async function* jobRows(ports: ReadPorts, selection: Selection): Rows<JobRow> {
  if (selection.refs) {
    const found = await selectJobs(ports, selection);
    yield* found.problems;
    for (const job of found.jobs) yield jobRow(job, found.states.get(job._id) ?? job.state);
    return;
  }
  await checkNamed(ports, selection);
  const { store } = ports;
  yield* await unknownRuns(store, selection);
  const wanted = selection.states && new Set(selection.states);
  for await (const page of jobPages(store, selection)) {
    const states = await shownStates(store, page);
    for (const job of page) {
      const state = states.get(job._id) ?? job.state;
      if (!wanted || wanted.has(state)) yield jobRow(job, state);
    }
  }
}

/** Listed runs that the catalogue does not have. */
async function unknownRuns(store: ReadStore, { runs }: Selection): Promise<Item[]> {
  const listed = runs?.listed ?? [];
  const docs = await store.get(listed.map(runId));
  const missing = listed.filter((run) => !docs.has(runId(run)));
  return missingRuns(store, missing);
}

/** Passes of a selection but for its REFs and states, read in pages. */
export async function* jobPages(store: ReadStore, selection: Selection): AsyncGenerator<readonly JobDoc[], void, void> {
  const ids = await narrowIds(store, selection);
  if (!ids) {
    const all = passesOf(store, selection.runs?.ranges ?? [ALL_RUNS]);
    for await (const page of selection.pass === 'last' ? lastPasses(all) : all)
      yield page.filter((job) => matches(selection, job));
    return;
  }
  for (const some of portions(ids)) {
    const docs = await store.get<JobDoc>(some);
    const jobs = some.flatMap((id) => docs.get(id) ?? []).filter((job) => matches(selection, job));
    yield await lastOnly(store, selection, jobs);
  }
}

function* portions(ids: readonly string[]): Generator<readonly string[], void, void> {
  let size: number = PAGE.first;
  for (let at = 0; at < ids.length; at += size, size = Math.min(2 * size, PAGE.most)) yield ids.slice(at, at + size);
}

async function* passesOf(
  store: ReadStore,
  spans: readonly (readonly [number, number])[],
): AsyncGenerator<JobDoc[], void, void> {
  for (const span of spans) yield* pages<JobDoc>(store, idsOfRuns('job:', span), PAGE.first, PAGE.most);
}

/** In the order of ids a later pass of a run and module comes next. */
async function* lastPasses(source: AsyncGenerator<JobDoc[], void, void>): AsyncGenerator<JobDoc[], void, void> {
  let open: JobDoc | undefined;
  for await (const page of source) {
    const found: JobDoc[] = [];
    for (const job of page) {
      if (open && (open.run !== job.run || open.module !== job.module)) found.push(open);
      open = job;
    }
    yield found;
  }
  if (open) yield [open];
}

/** `state` as shown, which may be the derived `unsatisfied`. */
export function jobRow(job: JobDoc, state: PassState): JobRow {
  const causes = causesOf(job);
  const sites = sitesOf(job);
  return {
    kind: 'job',
    ref: refOf(job.run, job.module, job.pass),
    run: job.run,
    module: job.module,
    pass: job.pass,
    version: job.version,
    state,
    done: job.subjobs.filter((subjob) => subjob.state.name === 'completed').length,
    subjobs: job.subjobs.length,
    ...(sites.length > 0 ? { site: sites.join(',') } : {}),
    tries: Math.max(0, ...job.subjobs.map((subjob) => subjob.attempt)),
    ...(causes.length > 0 ? { cause: causes.join(',') } : {}),
    since: job.since,
    ...given({ request: job.request }),
    ...(job.labels.length > 0 && { labels: job.labels }),
  };
}

/** Completed passes of a selection that are stale. @throws UnreachableError the database of run tables does not answer */
export async function* staleRows(ports: ReadPorts, selection: Selection): Rows<JobRow> {
  if (selection.refs) {
    const { jobs, problems } = await selectJobs(ports, selection);
    yield* problems;
    return yield* staleOf(ports, jobs);
  }
  for await (const page of jobPages(ports.store, selection)) yield* staleOf(ports, page);
}

async function* staleOf(ports: ReadPorts, jobs: readonly JobDoc[]): Rows<JobRow> {
  const found = await supersededTables(ports, jobs);
  if (isAway(found)) throw new UnreachableError(found.text, { hint: found.next });
  for (const job of jobs) {
    const tables = found.get(job._id);
    if (tables) yield { ...jobRow(job, job.state), stale: tables.map(({ name }) => name).join(',') };
  }
}

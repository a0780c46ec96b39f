// Selections against the store: the jobs and runs that a selection names. Reads what is selected, by id ranges and
// views, not everything; decides on freshly read documents.

import { JOB, jobId, jobPrefix, refOf, runId } from '../../domain/ids.ts';
import type { JobDoc } from '../../domain/jobs/job.ts';
import type { PassState } from '../../domain/jobs/states.ts';
import type { ArchivedDoc } from '../../domain/runs/archived.ts';
import type { RunDoc } from '../../domain/runs/run.ts';
import { hasRun, type JobRef, matches, namesPass, refers, type Selection, shownState } from '../../domain/selection.ts';
import { idsOfRuns, idsWith, type ReadStore } from '../../store.ts';
import { together } from '../../util/concurrency.ts';
import { views } from '../../views/index.ts';
import type { Item, ReadPorts } from '../ports.ts';
import { archivedOf, archivedWords, missingRuns } from './archived/archived.ts';
import { checkNamed } from './names/checknamed.ts';

export interface Selected {
  /** By run, module and pass. */
  readonly jobs: readonly JobDoc[];
  /** State as shown (`unsatisfied` is derived), by job id. */
  readonly states: ReadonlyMap<string, PassState>;
  /** Subjob indices where a REF named some, by job id; absent: the whole pass. */
  readonly subjobs: ReadonlyMap<string, readonly number[]>;
  /** What could not be selected, as failed items: unknown runs and jobs, lines whose state has changed. */
  readonly problems: readonly Item[];
}

/**
 * The jobs that a selection names.
 * @throws UsageError for a name that nothing has: of a module, cause, version, label, request, farm or level
 */
export async function selectJobs(
  ports: Pick<ReadPorts, 'store' | 'settings'>,
  selection: Selection,
): Promise<Selected> {
  await checkNamed(ports, selection);
  const { found, whole } = await candidates(ports.store, selection);
  const matching = found.filter((job) => matches(selection, job));
  const named = await lastOnly(ports.store, selection, matching, whole ? found : undefined);
  const states = await shownStates(ports.store, named);
  const wanted = selection.states && new Set(selection.states);
  const stale = named.filter((job) => changedSince(selection.refs, job, states.get(job._id)) !== undefined);
  const jobs = named.filter((job) => !stale.includes(job) && (!wanted || wanted.has(states.get(job._id) ?? job.state)));
  jobs.sort((a, b) => (a._id < b._id ? -1 : 1));
  const problems = [
    ...(await notFound(ports.store, selection, found)),
    ...stale.map((job) => staleItem(job, changedSince(selection.refs, job, states.get(job._id)), states.get(job._id))),
  ];
  return { jobs, states, subjobs: subjobsOf(selection.refs, jobs), problems };
}

/** Runs of a selection's runs and REFs, ascending; all without either. Problems as in `selectJobs`. */
export async function selectRuns(
  store: ReadStore,
  selection: Pick<Selection, 'runs' | 'refs'>,
): Promise<{ runs: RunDoc[]; problems: Item[] }> {
  const { refs, runs: set } = selection;
  const named = refs && new Set(refs.flatMap((ref) => ref.run ?? []));
  const listed = [...new Set([...(set?.listed ?? []), ...(named ?? [])])];
  const docs = named
    ? [...(await store.get<RunDoc>([...named].map(runId))).values()]
    : await ofRuns<RunDoc>(store, 'run:', set?.ranges ?? [[0, Number.POSITIVE_INFINITY]]);
  const runs = docs.filter((doc) => !set || hasRun(set, doc.run)).sort((a, b) => a.run - b.run);
  const known = new Set(docs.map((doc) => doc.run));
  const missing = listed.filter((run) => !known.has(run) && (!set || hasRun(set, run)));
  return { runs, problems: await missingRuns(store, missing) };
}

async function ofRuns<D extends RunDoc | JobDoc>(
  store: ReadStore,
  prefix: string,
  spans: readonly (readonly [number, number])[],
): Promise<D[]> {
  return (await Promise.all(spans.map((span) => store.range<D>(idsOfRuns(prefix, span))))).flat();
}

/** Documents that may match: the narrowest reading of REFs, runs, request, cause, states. */
async function candidates(store: ReadStore, selection: Selection): Promise<{ found: JobDoc[]; whole: boolean }> {
  const { refs, runs } = selection;
  if (refs) return { found: await byRefs(store, refs), whole: false };
  const ids = await narrowIds(store, selection);
  if (ids) return { found: await byIds(store, ids), whole: false };
  return { found: await ofRuns<JobDoc>(store, 'job:', runs?.ranges ?? [ALL_RUNS]), whole: true };
}

/** Every run, as a range. */
export const ALL_RUNS: readonly [number, number] = [0, Number.POSITIVE_INFINITY];

/**
 * Ids that a view gives for label, request, cause or states, ascending; `undefined` where all passes of the runs are to be
 * read: also where the states take in most of all passes.
 */
export async function narrowIds(store: ReadStore, selection: Selection): Promise<string[] | undefined> {
  const rows = await narrowRows(store, selection);
  return rows && [...new Set(rows.map(({ id }) => id).filter((id) => id.startsWith(JOB)))].sort();
}

async function narrowRows(store: ReadStore, selection: Selection): Promise<{ readonly id: string }[] | undefined> {
  const { runs, requests, labels, causes, states, since } = selection;
  if (runs) return undefined;
  if (labels) return together(...labels.map((label) => store.view(views.labels, { prefix: [label, 'pass'] })));
  if (requests?.every((name) => !/[*?]/.test(name))) {
    return together(...requests.map((name) => store.view(views.jobsByRequest, { prefix: [name] })));
  }
  if (causes && since === undefined) {
    return together(...causes.map((cause) => store.view(views.causes, { prefix: [cause] })));
  }
  if (!states) return undefined;
  // An unsatisfied pass is a waiting one in the store.
  const stored = new Set(states.map((state) => (state === 'unsatisfied' ? 'waiting' : state)));
  if (since === undefined && (await areMost(store, stored))) return undefined;
  return together(
    ...[...stored].map((state) => {
      if (since === undefined) return store.view(views.jobsByState, { prefix: [state] });
      return store.view(views.jobsByState, { start: [state, since], end: [state, {}] });
    }),
  );
}

async function areMost(store: ReadStore, states: ReadonlySet<PassState>): Promise<boolean> {
  const counts = await store.count(views.jobsByState, 1);
  const sum = (groups: typeof counts): number => groups.reduce((total, { value }) => total + value, 0);
  return 2 * sum(counts.filter(({ key }) => states.has(key[0]))) > sum(counts);
}

async function byRefs(store: ReadStore, refs: readonly JobRef[]): Promise<JobDoc[]> {
  const exact = refs.flatMap((ref) => {
    if (ref.run !== undefined && ref.module !== undefined && ref.pass !== undefined) {
      return jobId(ref.run, ref.module, ref.pass);
    }
    return ref.run === undefined && ref.id?.startsWith('job:') ? ref.id : [];
  });
  const open = refs.filter((ref) => ref.run !== undefined && (ref.module === undefined || ref.pass === undefined));
  const prefixes = open.map((ref) => jobPrefix(ref.run ?? 0, ref.module));
  const lists = await Promise.all([...new Set(prefixes)].map((prefix) => store.range<JobDoc>(idsWith(prefix))));
  const all = [...lists.flat(), ...(await byIds(store, exact))];
  return [...new Map(all.map((job) => [job._id, job])).values()];
}

async function byIds(store: ReadStore, ids: readonly string[]): Promise<JobDoc[]> {
  return [...(await store.get<JobDoc>([...new Set(ids)])).values()];
}

/** How far ahead a later pass is looked for: an interrupted request may have left one number without a job. */
const AHEAD = 3;

/**
 * With `--pass last`: only jobs without a later pass, except those whose pass was named. `all`: every pass of their runs,
 * where those were read already.
 */
export async function lastOnly(
  store: ReadStore,
  selection: Selection,
  jobs: readonly JobDoc[],
  all?: readonly JobDoc[],
): Promise<JobDoc[]> {
  if (selection.pass !== 'last') return [...jobs];
  const asked = jobs.filter((job) => !namesPass(selection, job));
  const later = (job: JobDoc): string[] => {
    return Array.from({ length: AHEAD }, (_, i) => jobId(job.run, job.module, job.pass + 1 + i));
  };
  const newer = all ? new Set(all.map(({ _id }) => _id)) : await store.get(asked.flatMap(later));
  const old = new Set(asked.filter((job) => later(job).some((id) => newer.has(id))).map((job) => job._id));
  return jobs.filter((job) => !old.has(job._id));
}

/** States as shown, with those of the prerequisites that they derive from. */
export async function shownStates(store: ReadStore, jobs: readonly JobDoc[]): Promise<Map<string, PassState>> {
  const known = new Map(jobs.map((job) => [job._id, job]));
  const waitsFor = (job: JobDoc): string[] => (job.state === 'waiting' ? job.needs.map((need) => need.job) : []);
  let missing = jobs.flatMap(waitsFor).filter((id) => !known.has(id));
  while (missing.length > 0) {
    const docs = await byIds(store, missing);
    for (const doc of docs) known.set(doc._id, doc);
    missing = docs.flatMap(waitsFor).filter((id) => !known.has(id));
  }
  const states = new Map<string, PassState>();
  const state = (id: string): PassState | undefined => {
    const job = known.get(id);
    if (!job) return undefined;
    const shown = states.get(id) ?? shownState(job, state);
    states.set(id, shown);
    return shown;
  };
  for (const job of jobs) state(job._id);
  return states;
}

/** The state that a piped line said, when the job is no longer in it. */
function changedSince(refs: Selection['refs'], job: JobDoc, now: PassState | undefined): PassState | undefined {
  const ref = refs?.find((one) => one.expected !== undefined && refers(one, job));
  return ref?.expected === now ? undefined : ref?.expected;
}

function staleItem(job: JobDoc, was: PassState | undefined, now: PassState | undefined): Item {
  const ref = refOf(job.run, job.module, job.pass);
  return {
    kind: 'job',
    ref,
    did: 'refused',
    failed: true,
    text: `is ${now} now, no longer ${was}`,
    next: `dflow why ${ref}`,
  };
}

/** Listed runs and named jobs that do not exist. */
async function notFound(store: ReadStore, selection: Selection, found: readonly JobDoc[]): Promise<Item[]> {
  const refs = (selection.refs ?? []).filter((ref) => !found.some((job) => refers(ref, job)));
  const bare = refs.filter((ref) => ref.module === undefined).flatMap((ref) => ref.run ?? []);
  const seen = new Set(found.map((job) => job.run));
  const runs = [...new Set([...bare, ...(selection.runs?.listed ?? []).filter((run) => !seen.has(run))])];
  const jobs = refs.filter((ref) => ref.module !== undefined || ref.run === undefined);
  const docs = await store.get([...runs, ...jobs.flatMap(({ run }) => run ?? [])].map(runId));
  const archived = await archivedOf(
    store,
    jobs.flatMap(({ run }) => run ?? []),
  );
  const missing = runs.filter((run) => !docs.has(runId(run)));
  return [...(await missingRuns(store, missing)), ...jobs.map((ref) => unknownJob(ref, docs, archived))];
}

function unknownJob(
  { run, text: ref }: JobRef,
  runs: ReadonlyMap<string, unknown>,
  archived: ReadonlyMap<number, ArchivedDoc>,
): Item {
  const known = run !== undefined && runs.has(runId(run));
  const next = known ? `dflow list jobs ${run} --state all` : run === undefined ? 'dflow list jobs' : 'dflow list runs';
  const doc = run === undefined ? undefined : archived.get(run);
  return {
    ...{ kind: 'job', ref, did: 'unknown', failed: true, text: 'no such job', next },
    ...(doc && archivedWords(doc)),
  };
}

function subjobsOf(refs: Selection['refs'], jobs: readonly JobDoc[]): Map<string, number[]> {
  const chosen = new Map<string, number[]>();
  for (const job of jobs) {
    const mine = (refs ?? []).filter((ref) => refers(ref, job));
    if (mine.length === 0 || mine.some((ref) => ref.subjob === undefined)) continue;
    chosen.set(job._id, [...new Set(mine.flatMap((ref) => ref.subjob ?? []))]);
  }
  return chosen;
}

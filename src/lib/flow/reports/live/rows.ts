// Rows as the live screen shows them without a filter: what a person looks for first. Only what is shown is read.
import type { DataDoc } from '../../../domain/data/data.ts';
import { dataId } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import type { PassState } from '../../../domain/jobs/states.ts';
import type { RunDoc } from '../../../domain/runs/run.ts';
import { idsWith, pages } from '../../../store.ts';
import { together } from '../../../util/concurrency.ts';
import { batches } from '../../../util/values/group.ts';
import { views } from '../../../views/index.ts';
import { lastOnly, shownStates } from '../../jobs/select.ts';
import type { ReadPorts } from '../../ports.ts';
import { type JobRow, jobRow } from '../look/jobrows.ts';
import { type ReplicaRow, rawRows } from '../look/replicarows.ts';
import type { Rows } from '../look/row.ts';
import { type RunRow, runRow } from '../look/runrows.ts';

/** Documents read at a time, at first and at most. */
const PAGE = { first: 100, most: 1000 } as const;

/** What needs a person first, then what runs, then what waits. */
const ORDER = ['failed', 'partFail', 'held', 'running', 'submitted', 'submitting', 'waiting'] as const;
const ENDED = ['completed', 'canceled', 'deleted'] as const;

/** Every run, the newest first. */
export async function* newestRuns(ports: ReadPorts): Rows<RunRow> {
  const range = { ...idsWith('run:'), descending: true };
  for await (const page of pages<RunDoc>(ports.store, range, PAGE.first, PAGE.most))
    for (const doc of page) yield runRow(ports, doc);
}

/** Runs that are not complete, the newest first. */
export async function* openRuns(ports: ReadPorts): Rows<RunRow> {
  const rows = await ports.store.view(views.runs, { prefix: ['open'], descending: true });
  for (const some of batches(rows, PAGE.first)) {
    const ids = some.map(({ id }) => id);
    const docs = await ports.store.get<RunDoc>(ids);
    for (const id of ids) {
      const doc = docs.get(id);
      if (doc) yield runRow(ports, doc);
    }
  }
}

/** Last passes in the `wanted` states (default: every open state), state by state, the latest change first. */
export async function* latestJobs({ store }: ReadPorts, wanted?: readonly PassState[]): Rows<JobRow> {
  // An unsatisfied pass is a waiting one in the store.
  const stored = new Set(wanted?.map((state) => (state === 'unsatisfied' ? 'waiting' : state)));
  const order = wanted ? [...ORDER, ...ENDED].filter((state) => stored.has(state)) : ORDER;
  for (const state of order) {
    let size: number = PAGE.first;
    for (let skip = 0; ; skip += size, size = Math.min(2 * size, PAGE.most)) {
      const rows = await store.view(views.jobsByState, { prefix: [state], descending: true, limit: size, skip });
      const docs = await store.get<JobDoc>(rows.map(({ id }) => id));
      const found = rows.flatMap(({ id }) => docs.get(id) ?? []);
      const jobs = await lastOnly(store, { pass: 'last' }, found);
      const states = await shownStates(store, jobs);
      for (const job of jobs) {
        const shown = states.get(job._id) ?? job.state;
        if (!wanted || wanted.includes(shown)) yield jobRow(job, shown);
      }
      if (rows.length < size) break;
    }
  }
}

/** Copies that are not verified: those that failed, the bad ones, and those under way. */
export async function* unsoundCopies({ store, settings }: ReadPorts): Rows<ReplicaRow> {
  const levels = [...new Set(settings.buffers.map(({ level }) => level))];
  for (const state of ['failed', 'bad', 'copying'] as const) {
    const rows = await together(
      ...settings.storages.map(({ name }) => {
        return store.view(views.replicas, { prefix: [name, state], descending: true, limit: PAGE.most });
      }),
    );
    const runs = [...new Set(rows.map(({ key }) => key[2]))].sort((a, b) => b - a);
    for (const some of batches(runs, PAGE.first)) {
      const ids = some.flatMap((run) => levels.map((level) => dataId(level, run)));
      const docs = await store.get<DataDoc>(ids);
      for (const id of ids) {
        const doc = docs.get(id);
        if (doc) for (const row of rawRows(doc)) if (row.state === state) yield row;
      }
    }
  }
}

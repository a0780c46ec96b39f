// The one way to change subjobs of passes: what is decided on each document as it stands is written by compare-and-swap.
import { type JobDoc, type Move, type Touch, touch, transition } from '../../domain/jobs/job.ts';
import { type Outcome, tookEffect } from '../../store.ts';
import type { Iso } from '../../util/time.ts';
import type { Ports } from '../ports.ts';

/** What happens to one subjob: a change of state, or of fields only (a wish, an observation). */
export type Act = Move | Touch;

/** The job after the acts. Pure. */
function afterActs(job: JobDoc, acts: readonly Act[], at: Iso, by: string): JobDoc {
  const moves = acts.filter((act) => 'event' in act);
  const moved = moves.length > 0 ? transition(job, moves, at, by) : job;
  return acts.reduce((next, act) => ('event' in act ? next : touch(next, act.index, act.with)), moved);
}

/** Changes jobs, each all at once. The outcomes are in the order of the jobs; their notes are the acts. */
export async function moveJobs(
  { store, by }: Ports,
  jobs: readonly JobDoc[],
  at: Iso,
  decide: (job: JobDoc) => readonly Act[],
): Promise<Outcome<JobDoc, readonly Act[]>[]> {
  return store.bulk<JobDoc, readonly Act[]>(
    jobs.map((base) => ({
      id: base._id,
      base,
      change: (job) => {
        const note = job ? decide(job) : [];
        return job && note.length > 0 ? { write: afterActs(job, note, at, by), note } : { skip: 'it has moved on' };
      },
    })),
  );
}

/** Moves the jobs that rows of a view are about, by the time at which they were read. Outcomes of those that moved. */
export async function moveRows(
  ports: Ports,
  rows: readonly { id: string }[],
  decide: (job: JobDoc, at: Iso) => readonly Move[],
): Promise<Outcome<JobDoc, readonly Act[]>[]> {
  if (rows.length === 0) return [];
  const jobs = await jobsOf(ports, rows);
  const at = await ports.store.now();
  return moveDue(ports, jobs, at, (job) => decide(job, at));
}

/** The jobs that rows of a view are about. */
async function jobsOf({ store }: Ports, rows: readonly { id: string }[]): Promise<JobDoc[]> {
  return [...(await store.get<JobDoc>([...new Set(rows.map(({ id }) => id))])).values()];
}

/** The same for jobs of which not all need a change: outcomes of those that do. */
export async function moveDue(
  ports: Ports,
  jobs: readonly JobDoc[],
  at: Iso,
  decide: (job: JobDoc) => readonly Act[],
): Promise<Outcome<JobDoc, readonly Act[]>[]> {
  const due = jobs.filter((job) => decide(job).length > 0);
  return moveJobs(ports, due, at, decide);
}

/** What was done to which job. */
export function actsOf(outcomes: readonly Outcome<JobDoc, readonly Act[]>[]): { job: JobDoc; act: Act }[] {
  return outcomes
    .filter(tookEffect)
    .flatMap(({ doc, note = [] }) => (doc ? note.map((act) => ({ job: doc, act })) : []));
}

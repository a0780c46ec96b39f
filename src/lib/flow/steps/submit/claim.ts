// Steps 1 and 3 of submit: claiming attempts and recording what the backend said, by compare-and-swap on the jobs.
// Only the job document fences: whoever holds the lock there owns the attempt.

import { SCHEMA } from '../../../domain/doc.ts';
import type { ClaimDoc } from '../../../domain/farms/farm.ts';
import { claimId } from '../../../domain/ids.ts';
import type { JobDoc, Move } from '../../../domain/jobs/job.ts';
import { keyOf, type Lock, madeReady } from '../../../domain/jobs/states.ts';
import { type Outcome, tookEffect } from '../../../store.ts';
import type { Iso } from '../../../util/time.ts';
import { groupBy } from '../../../util/values/group.ts';
import { moveJobs } from '../../jobs/moves.ts';
import type { OpenFarm, Ports } from '../../ports.ts';
import type { Ready } from './pick.ts';

/** One claimed attempt of one subjob. */
export interface Attempt {
  /** The job as claimed. */
  readonly job: JobDoc;
  /** Subjob. */
  readonly index: number;
  readonly lock: Lock;
}

export interface Claim {
  readonly nonce: string;
  readonly attempts: readonly Attempt[];
}

/** Claims subjobs: the index map is written first, then each job by compare-and-swap; losers are left out. */
export async function claimAttempts(ports: Ports, open: OpenFarm, ready: readonly Ready[]): Promise<Claim> {
  const nonce = ports.nonce();
  const at = await ports.store.now();
  const refs = ready.flatMap(({ job, subjobs }) => subjobs.map((index) => [job._id, index] as const));
  const doc: ClaimDoc = {
    _id: claimId(nonce),
    kind: 'claim',
    v: SCHEMA,
    site: open.farm.name,
    epoch: open.epoch,
    nonce,
    at,
    by: ports.by,
    refs,
  };
  await ports.store.update<ClaimDoc>(doc._id, (old) => (old ? { skip: 'exists' } : { write: doc }));
  const lockFor = (position: number): Lock => ({
    site: open.farm.name,
    epoch: open.epoch,
    claim: nonce,
    index: position,
  });
  const wanted = groupBy(
    refs.map(([id, index], position) => ({ id, index, lock: lockFor(position) })),
    ({ id }) => id,
  );
  const outcomes = await moveJobs(
    ports,
    ready.map(({ job }) => job),
    at,
    (job) => claimMoves(job, wanted.get(job._id) ?? [], at),
  );
  const attempts = outcomes.flatMap((outcome) => {
    const job = outcome.doc;
    if (!tookEffect(outcome) || !job) return [];
    const mine = (wanted.get(job._id) ?? []).filter(({ index, lock }) => owns(job, index, lock));
    return mine.map(({ index, lock }) => ({ job, index, lock }));
  });
  if (attempts.length > 0) await markTaken(ports, doc);
  return { nonce, attempts };
}

/**
 * Says in the index map that jobs are locked with it. A submit that was stopped for long before it locked them may find
 * its map cleared away as unused: then it is there again, before anything is handed to the batch system under its keys.
 */
async function markTaken(ports: Ports, doc: ClaimDoc): Promise<void> {
  const taken = await ports.store.now();
  await ports.store.update<ClaimDoc>(doc._id, (old) => ({ write: { ...(old ?? doc), taken } }));
}

/** All or nothing per job: a job that somebody else touched meanwhile is looked at again in the next round. */
function claimMoves(job: JobDoc, wanted: readonly { index: number; lock: Lock }[], at: Iso): Move[] {
  const moves = wanted.flatMap(({ index, lock }): Move[] => {
    const subjob = job.subjobs[index];
    if (subjob?.state.name !== 'waiting' || subjob.state.wake.kind !== 'ready') return [];
    const fields = { attempt: subjob.attempt + 1, absent: null, raw: null, wanted: null };
    return [{ index, event: 'claim', to: { name: 'submitting', since: at, lock }, why: lock.site, with: fields }];
  });
  return moves.length === wanted.length ? moves : [];
}

/** True when the subjob's lock is exactly this one. */
function owns(job: JobDoc, index: number, lock: Lock): boolean {
  const state = job.subjobs[index]?.state;
  return state !== undefined && 'lock' in state && state.lock !== undefined && keyOf(state.lock) === keyOf(lock);
}

/** Puts attempts back that were never handed to the batch system. */
export async function unclaim(ports: Ports, attempts: readonly Attempt[]): Promise<void> {
  const at = await ports.store.now();
  const why = 'its task cannot be made now';
  await moveAttempts(ports, attempts, at, (job, { index, lock }) =>
    isSubmitting(job, index, lock) ? { index, event: 'unclaim', to: madeReady(at), why } : undefined,
  );
}

/** Moves the subjobs of attempts; outcomes of their jobs. */
export async function moveAttempts<A extends Attempt>(
  ports: Ports,
  attempts: readonly A[],
  at: Iso,
  move: (job: JobDoc, attempt: A) => Move | undefined,
): Promise<Outcome<JobDoc>[]> {
  const byJob = groupBy(attempts, ({ job }) => job._id);
  const jobs = [...new Map(attempts.map(({ job }) => [job._id, job])).values()];
  return moveJobs(ports, jobs, at, (job) => (byJob.get(job._id) ?? []).flatMap((attempt) => move(job, attempt) ?? []));
}

/** True while nobody has taken the claim of this subjob back. */
export function isSubmitting(job: JobDoc, index: number, lock: Lock): boolean {
  return job.subjobs[index]?.state.name === 'submitting' && owns(job, index, lock);
}

/** Records backend ids. `lost` are attempts that are no longer ours: their held jobs must be cancelled. */
export async function recordAttempts(
  ports: Ports,
  claim: Claim,
  ids: ReadonlyMap<string, string>,
): Promise<{ readonly recorded: readonly Attempt[]; readonly lost: readonly Attempt[] }> {
  const at = await ports.store.now();
  const known = claim.attempts.flatMap((attempt) => {
    const backendId = ids.get(keyOf(attempt.lock));
    return backendId === undefined ? [] : [{ ...attempt, backendId }];
  });
  const outcomes = await moveAttempts(ports, known, at, (job, { index, lock, backendId }) =>
    isSubmitting(job, index, lock)
      ? { index, event: 'record', to: { name: 'submitted', since: at, lock, backendId } }
      : undefined,
  );
  const byId = new Map(outcomes.map((outcome) => [outcome.id, outcome]));
  const recorded: Attempt[] = [];
  const lost: Attempt[] = [];
  for (const attempt of known) {
    // Not by what this write did: its reply may have been lost, and the attempt may run or have ended since.
    const { doc, result } = byId.get(attempt.job._id) ?? {};
    const state = doc?.subjobs[attempt.index]?.state.name;
    const ours = doc !== undefined && owns(doc, attempt.index, attempt.lock);
    if (ours && (state === 'submitted' || state === 'running')) recorded.push(attempt);
    else if (!ours && result !== 'lost') lost.push(attempt);
  }
  return { recorded, lost };
}

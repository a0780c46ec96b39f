// Steps 1 and 3 of submit: claiming attempts and recording what the backend said, by compare-and-swap on the jobs.
// Only the job document fences: whoever holds the lock there owns the attempt.
import { SCHEMA } from '../../../domain/doc.ts';
import type { ClaimDoc } from '../../../domain/farms/farm.ts';
import { claimId } from '../../../domain/ids.ts';
import { type JobDoc, type Move, transition } from '../../../domain/jobs/job.ts';
import { keyOf, type Lock } from '../../../domain/jobs/states.ts';
import { tookEffect } from '../../../store.ts';
import { groupBy } from '../../../util/values/group.ts';
import type { OpenFarm } from '../../farms/farm.ts';
import type { Ports } from '../../ports.ts';
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
  let position = 0;
  const wanted = ready.map(({ job, subjobs }) => ({
    job,
    locks: new Map(subjobs.map((index) => [index, lockFor(position++)])),
  }));
  const outcomes = await ports.store.bulk<JobDoc>(
    wanted.map(({ job, locks }) => ({
      id: job._id,
      base: job,
      change: (current) => claimOf(current, locks, at, ports.by),
    })),
  );
  const attempts = outcomes.flatMap((outcome, at) => {
    const job = outcome.doc;
    if (!tookEffect(outcome) || !job) return [];
    return [...wanted[at]!.locks].flatMap(([index, lock]) => (owns(job, index, lock) ? [{ job, index, lock }] : []));
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
function claimOf(job: JobDoc | undefined, locks: ReadonlyMap<number, Lock>, at: string, by: string) {
  if (!job) return { skip: 'gone' };
  const moves: Move[] = [];
  for (const [index, lock] of locks) {
    const subjob = job.subjobs[index];
    if (subjob?.state.name !== 'waiting' || subjob.state.wake.kind !== 'ready') return { skip: 'claimed by another' };
    moves.push({
      index,
      event: 'claim',
      to: { name: 'submitting', since: at, lock },
      why: lock.site,
      with: { attempt: subjob.attempt + 1, absent: null, raw: null, wanted: null },
    });
  }
  return { write: transition(job, moves, at, by) };
}

/** True when the subjob's lock is exactly this one. */
function owns(job: JobDoc, index: number, lock: Lock): boolean {
  const state = job.subjobs[index]?.state;
  return state !== undefined && 'lock' in state && state.lock !== undefined && keyOf(state.lock) === keyOf(lock);
}

/** Puts attempts back that were never handed to the batch system. */
export async function unclaim(ports: Ports, attempts: readonly Attempt[]): Promise<void> {
  const at = await ports.store.now();
  const to = { name: 'waiting', since: at, wake: { kind: 'ready' } } as const;
  const why = 'its task cannot be made now';
  await ports.store.bulk<JobDoc>(
    [...groupBy(attempts, ({ job }) => job._id)].map(([id, mine]) => ({
      id,
      change: (doc) => {
        const ours = doc ? mine.filter(({ index, lock }) => isSubmitting(doc, index, lock)) : [];
        const moves = ours.map(({ index }): Move => ({ index, event: 'unclaim', to, why }));
        return doc && moves.length > 0 ? { write: transition(doc, moves, at, ports.by) } : { skip: 'no longer ours' };
      },
    })),
  );
}

function isSubmitting(job: JobDoc, index: number, lock: Lock): boolean {
  return job.subjobs[index]?.state.name === 'submitting' && owns(job, index, lock);
}

/** Records backend ids. `lost` are attempts that are no longer ours: their held jobs must be cancelled. */
export async function recordAttempts(
  ports: Ports,
  claim: Claim,
  ids: ReadonlyMap<string, string>,
): Promise<{ readonly recorded: readonly Attempt[]; readonly lost: readonly Attempt[] }> {
  const at = await ports.store.now();
  const byJob = new Map<string, Attempt[]>();
  for (const attempt of claim.attempts) {
    if (ids.has(keyOf(attempt.lock))) byJob.set(attempt.job._id, [...(byJob.get(attempt.job._id) ?? []), attempt]);
  }
  const groups = [...byJob.values()];
  const outcomes = await ports.store.bulk<JobDoc>(
    groups.map((attempts) => ({
      id: attempts[0]!.job._id,
      base: attempts[0]!.job,
      change: (doc) => {
        const moves = doc ? attempts.flatMap((attempt) => recordMove(doc, attempt, ids, at)) : [];
        return doc && moves.length > 0 ? { write: transition(doc, moves, at, ports.by) } : { skip: 'no longer ours' };
      },
    })),
  );
  const recorded: Attempt[] = [];
  const lost: Attempt[] = [];
  for (const [position, outcome] of outcomes.entries()) {
    for (const attempt of groups[position]!) {
      // Not by what this write did: its reply may have been lost, and the attempt may run or have ended since.
      const state = outcome.doc?.subjobs[attempt.index]?.state.name;
      const ours = outcome.doc !== undefined && owns(outcome.doc, attempt.index, attempt.lock);
      if (ours && (state === 'submitted' || state === 'running')) recorded.push(attempt);
      else if (!ours && outcome.result !== 'lost') lost.push(attempt);
    }
  }
  return { recorded, lost };
}

function recordMove(doc: JobDoc, attempt: Attempt, ids: ReadonlyMap<string, string>, at: string): Move[] {
  const state = doc.subjobs[attempt.index]?.state;
  if (state?.name !== 'submitting' || keyOf(state.lock) !== keyOf(attempt.lock)) return [];
  const backendId = ids.get(keyOf(attempt.lock))!;
  return [
    { index: attempt.index, event: 'record', to: { name: 'submitted', since: at, lock: attempt.lock, backendId } },
  ];
}

// What an observation means for the subjob it is of: pure. Everything that fences is here: an observation of another
// attempt changes nothing, an older one never overrides a newer one, absence counts only twice, at least `grace` apart.

import type { Fields, JobDoc, Move, Resources, Subjob } from '../../../domain/jobs/job.ts';
import { type Asked, type Evidence, judge } from '../../../domain/jobs/policy.ts';
import type { PolicyRule } from '../../../domain/jobs/policyrule.ts';
import { keyOf, madeReady, type Output, type SubjobState, type Usage } from '../../../domain/jobs/states.ts';
import type { ItemOf } from '../../../domain/results/items.ts';
import type { Outcome } from '../../../store.ts';
import { between, type Iso, isAhead, plus } from '../../../util/time.ts';
import { given } from '../../../util/values/given.ts';
import type { ResultRecord } from '../../../wrapper/record.ts';
import { isMissing, type Observation } from './observation.ts';

export interface Context {
  readonly now: Iso;
  readonly grace: number;
  readonly policy: readonly PolicyRule[];
  /** Failed attempts before the module fails for good. */
  readonly tries: number;
  /** What the module says that its jobs need. */
  readonly declared?: Resources;
}

/** What verification of a record's outputs said. */
export type Verification =
  | { readonly ok: true; readonly outputs: readonly Output[] }
  | { readonly ok: false; readonly why: string }
  /** The storage element could not be asked: nothing is decided. */
  | { readonly ok: undefined; readonly why: string };

/** What is to be done about one observation. */
export type Reaction =
  /** `unjudged`: it failed, and the rules for it cannot be read now. Its record stays where it is. */
  | { readonly do: 'nothing'; readonly unjudged?: true }
  /**
   * An attempt that the document does not own any more (or never did): its held or running job must go. One that was
   * given up and is not there must never come: a submit that was killed has left its job file, and may have left its call.
   */
  | { readonly do: 'stop' }
  /** A record of an attempt that was superseded: archive it. */
  | { readonly do: 'archive' }
  /** Recorded, but a crash left it held. */
  | { readonly do: 'release' }
  /** Change the document; `acknowledge` the record afterwards; `stop` the job at the backend. */
  | {
      readonly do: 'move';
      readonly move: Move;
      readonly did: ItemOf<'job'>['did'];
      readonly text?: string;
      readonly failed?: boolean;
    }
  | { readonly do: 'touch'; readonly fields: Fields; readonly stop?: boolean };

type Active = Extract<SubjobState, { name: 'submitted' | 'running' }>;

/** The subjob's state if this key is its current, recorded attempt. */
export function currentAttempt(subjob: Subjob | undefined, key: string): Active | undefined {
  const state = subjob?.state;
  if (state?.name !== 'submitted' && state?.name !== 'running') return undefined;
  return keyOf(state.lock) === key ? state : undefined;
}

/** Decides on one observation of `subjob` (undefined: nobody knows the key). */
export function react(
  subjob: Subjob | undefined,
  seen: Observation,
  verified: Verification | undefined,
  context: Context,
): Reaction {
  const reaction = reactionTo(subjob, seen, verified, context);
  if (reaction.do !== 'move' || reaction.move.to.name === 'completed') return reaction;
  const usage = seen.record && currentAttempt(subjob, seen.key) ? { usage: usageOf(seen.record) } : {};
  // The batch system's last word stays with what failed, so that a person sees it.
  const raw = seen.raw === undefined ? {} : { with: { ...reaction.move.with, raw: seen.raw } };
  return { ...reaction, move: { ...reaction.move, ...usage, ...raw } };
}

function reactionTo(
  subjob: Subjob | undefined,
  seen: Observation,
  verified: Verification | undefined,
  context: Context,
): Reaction {
  const state = currentAttempt(subjob, seen.key);
  if (!subjob || !state) return strangerReaction(subjob, seen);
  if (seen.record) return recordReaction(subjob, state, seen.record, verified, context, seen.raw);
  if (isOld(subjob.observed, seen.at)) return { do: 'nothing' };
  if (subjob.wanted && seen.state === 'ended' && !isMissing(seen)) return confirmedReaction(subjob, context);
  if (seen.state === 'absent' || seen.state === 'ended') return missingReaction(subjob, state, seen, context);
  if (subjob.wanted) return { do: 'touch', fields: { absent: null, observed: seen.at }, stop: true };
  if (seen.state === 'held') return { do: 'release' };
  if (seen.state === 'running' && state.name === 'submitted') return startedReaction(subjob.index, state, seen);
  if (subjob.absent !== undefined) return { do: 'touch', fields: { absent: null, observed: seen.at } };
  // Why it does not start, or what is odd about one that runs; gone when it is so no more.
  if (seen.raw !== subjob.raw) return { do: 'touch', fields: seenFields(seen) };
  return { do: 'nothing' };
}

/** An old observation never overrides a newer one; one that is dated beyond now is none. */
function isOld(observed: Iso | undefined, at: Iso): boolean {
  return observed !== undefined && at < observed && !isAhead(observed, at);
}

/** An attempt that is not (or no longer, or not yet) the document's. */
function strangerReaction(subjob: Subjob | undefined, seen: Observation): Reaction {
  if (seen.record) return { do: 'archive' };
  const state = subjob?.state;
  const beingSubmitted = state?.name === 'submitting' && keyOf(state.lock) === seen.key;
  if (beingSubmitted) return { do: 'nothing' };
  // It lived when it was looked at, and another monitor has read its record since.
  if (state?.name === 'completed' && keyOf(state.lock) === seen.key) return { do: 'nothing' };
  const lives = seen.state === 'held' || seen.state === 'pending' || seen.state === 'running';
  return lives || seen.superseded ? { do: 'stop' } : { do: 'nothing' };
}

function startedReaction(index: number, state: Active, seen: Observation): Reaction {
  const to = { name: 'running', since: seen.at, lock: state.lock, backendId: state.backendId } as const;
  return { do: 'move', did: 'started', move: { index, event: 'start', to, with: seenFields(seen) } };
}

function seenFields(seen: Observation): Fields {
  return { observed: seen.at, absent: null, raw: seen.raw ?? null };
}

/** The wrapper's own word: a fact, whenever it arrives. */
function recordReaction(
  subjob: Subjob,
  state: Active,
  record: ResultRecord,
  verified: Verification | undefined,
  context: Context,
  raw: string | undefined,
): Reaction {
  const { index } = subjob;
  if (subjob.wanted?.state === 'canceled') return canceledMove(subjob, context);
  if (record.phase === 'done') {
    if (!verified || verified.ok === undefined) return { do: 'nothing' };
    if (verified.ok) {
      const to: SubjobState = {
        name: 'completed',
        since: context.now,
        lock: state.lock,
        execution: record.execution,
        outputs: verified.outputs,
        usage: usageOf(record),
      };
      return {
        do: 'move',
        did: 'completed',
        move: { index, event: 'complete', to, with: { wanted: null, absent: null } },
      };
    }
  }
  if (subjob.wanted) return backToWaiting(subjob, context);
  const phase = record.phase === 'done' ? 'verify' : record.phase;
  const reason = verified && !verified.ok ? verified.why : record.reason;
  const text = [reason, raw, record.tail].filter((part) => part !== undefined && part !== '').join('\n');
  const evidence: Evidence = {
    site: state.lock.site,
    phase,
    reason: phase === 'payload' ? withLastWords(reason, record.tail) : reason,
    text,
    exit: record.exit,
    ...given({ signal: record.signal }),
  };
  return failureMove(subjob, state, evidence, context);
}

/** `exit 2` says little: the last line that the payload printed says more. */
function withLastWords(reason: string, tail: string | undefined): string {
  const last = (tail ?? '').split('\n').findLast((line) => line.trim() !== '');
  return last === undefined ? reason : `${reason}: ${last.trim()}`;
}

function usageOf(record: ResultRecord): Usage {
  return {
    wall: record.wall,
    host: record.host,
    ...given({ cpu: record.cpu, maxRss: record.maxRss }),
  };
}

/** The backend does not know it, or it ended without a record. Dated by observation, believed only the second time. */
function missingReaction(subjob: Subjob, state: Active, seen: Observation, context: Context): Reaction {
  const stale = between(seen.at, context.now) > context.grace;
  const released = isAhead(state.since, seen.at) || plus(state.since, context.grace) < seen.at;
  if (stale) return { do: 'nothing' };
  if (subjob.absent === undefined || isAhead(subjob.absent, seen.at)) {
    const stop = subjob.wanted ? { stop: true } : {};
    return { do: 'touch', fields: { absent: seen.at, observed: seen.at }, ...stop };
  }
  if (!released || between(subjob.absent, seen.at) < context.grace) return { do: 'nothing' };
  if (subjob.wanted) return confirmedReaction(subjob, context);
  const text =
    seen.state === 'ended'
      ? `ended without a result record (${seen.raw ?? 'no reason given'})`
      : 'gone from the batch system';
  return failureMove(subjob, state, { site: state.lock.site, phase: 'lost', reason: text, text }, context);
}

/** The backend confirms that a job that somebody wanted stopped is no more. */
function confirmedReaction(subjob: Subjob, context: Context): Reaction {
  return subjob.wanted?.state === 'canceled' ? canceledMove(subjob, context) : backToWaiting(subjob, context);
}

function canceledMove(subjob: Subjob, context: Context): Reaction {
  const to: SubjobState = { name: 'canceled', since: context.now, why: subjob.wanted?.why ?? '' };
  return {
    do: 'move',
    did: 'canceled',
    move: {
      index: subjob.index,
      event: 'stopped',
      to,
      why: subjob.wanted?.why ?? '',
      with: { wanted: null, absent: null },
    },
  };
}

function backToWaiting(subjob: Subjob, context: Context): Reaction {
  const to = madeReady(context.now);
  const fields = { wanted: null, absent: null, failures: 0 };
  return {
    do: 'move',
    did: 'reset',
    move: { index: subjob.index, event: 'giveUp', to, why: subjob.wanted?.why ?? 'reset', with: fields },
  };
}

function failureMove(subjob: Subjob, state: Active, evidence: Evidence, context: Context): Reaction {
  const asked: Asked = { module: context.declared ?? {}, attempt: subjob.resources ?? {} };
  const { failure, verdict } = judge(context.policy, evidence, subjob.failures, context.tries, asked);
  const since = context.now;
  const fields = { failures: subjob.failures + 1, absent: null, lastFailure: { ...failure, at: since } };
  const why = `${failure.cause}: ${failure.reason}`;
  const { index } = subjob;
  switch (verdict.action) {
    case 'retry':
      return {
        do: 'move',
        did: 'retried',
        text: why,
        move: { index, event: 'again', why, with: fields, to: madeReady(since) },
      };
    case 'more': {
      const { resources } = verdict;
      const text = `${why}; again with ${amounts(resources)}`;
      const to = madeReady(since);
      const move: Move = { index, event: 'again', why: text, with: { ...fields, resources }, to };
      return { do: 'move', did: 'retried', text, move };
    }
    case 'later': {
      const to: SubjobState = { name: 'held', since, reason: failure.cause, until: plus(since, verdict.wait), failure };
      return { do: 'move', did: 'held', text: why, move: { index, event: 'cool', why, with: fields, to } };
    }
    case 'hold':
      return {
        do: 'move',
        did: 'held',
        text: why,
        move: { index, event: 'cool', why, with: fields, to: { name: 'held', since, reason: failure.cause, failure } },
      };
    case 'fail':
      return {
        do: 'move',
        did: 'failed',
        failed: true,
        text: why,
        move: { index, event: 'fail', why, with: fields, to: { name: 'failed', since, lock: state.lock, failure } },
      };
  }
}

function amounts({ memory, time }: Resources): string {
  const words = [memory === undefined ? [] : `${memory} MiB`, time === undefined ? [] : `${Math.ceil(time / 1000)} s`];
  return words.flat().join(', ');
}

/** Everything decided about one job's observations. */
export interface Decided {
  readonly seen: Observation;
  readonly reaction: Reaction;
}

/** What became of a job: the outcome of its change, with what was decided. */
export type Applied = Outcome<JobDoc, readonly Decided[]>;

// The states of a subjob, what each carries, and the one transition table. A subjob owns state, attempt and lock;
// the state of a pass is derived from its subjobs (`passState`). Everything that changes a state goes through
// `transition` in job.ts; the table is data, so that code, documents and the property test share it.
import type { Iso } from '../../util/time.ts';

/** What a waiting subjob waits for: nothing, or the document (a prerequisite job, a hold, a data document) named. */
export type Wake = { readonly kind: 'ready' } | { readonly kind: 'on'; readonly id: string };

/** Which claim a subjob is locked to. Its key at the backend is `<claim>.<index>`. */
export interface Lock {
  readonly site: string;
  readonly epoch: number;
  /** Nonce of the claim; also the name of the batch job. */
  readonly claim: string;
  /** Index of the subjob within the claim. */
  readonly index: number;
}

/** An output as catalogued: verified at a storage element before the job's own write published it. */
export interface Output {
  readonly type: string;
  readonly name: string;
  readonly storage: string;
  /** Path at the storage element, with the execution in it. */
  readonly path: string;
  readonly size: number;
  readonly adler32: string;
  readonly guid: string;
  readonly lfn: string;
  /** When verify last found it good. */
  readonly checkedAt?: Iso;
  /** What verify found wrong with it. */
  readonly bad?: string;
}

export interface Usage {
  /** Seconds. */
  readonly wall?: number;
  readonly cpu?: number;
  /** KiB. */
  readonly maxRss?: number;
  readonly host?: string;
}

/** Why an attempt failed. `cause` is a stable slug of the policy table; the rest is evidence. */
export interface Failure {
  readonly cause: string;
  readonly reason: string;
  readonly site: string;
  readonly exit?: number;
  readonly signal?: number;
  /** Phase of the wrapper: setup, stage-in, payload, outputs, stage-out, backend, verify. */
  readonly phase?: string;
}

export type SubjobState =
  | { readonly name: 'waiting'; readonly since: Iso; readonly wake: Wake }
  | {
      readonly name: 'held';
      readonly since: Iso;
      readonly reason: string;
      readonly until?: Iso;
      readonly failure?: Failure;
    }
  | { readonly name: 'submitting'; readonly since: Iso; readonly lock: Lock }
  | { readonly name: 'submitted'; readonly since: Iso; readonly lock: Lock; readonly backendId: string }
  | { readonly name: 'running'; readonly since: Iso; readonly lock: Lock; readonly backendId: string }
  | {
      readonly name: 'completed';
      readonly since: Iso;
      readonly lock: Lock;
      readonly execution: string;
      readonly outputs: readonly Output[];
      readonly usage: Usage;
    }
  | { readonly name: 'failed'; readonly since: Iso; readonly lock?: Lock; readonly failure: Failure }
  | { readonly name: 'canceled'; readonly since: Iso; readonly why: string }
  | { readonly name: 'deleted'; readonly since: Iso; readonly receipt: string };

export type SubjobStateName = SubjobState['name'];

/** Waiting for nothing: submit may pick it. */
export function madeReady(since: Iso): SubjobState {
  return { name: 'waiting', since, wake: { kind: 'ready' } };
}

/** Pass states: those of subjobs, and the mixed and derived ones. */
export type PassState = SubjobStateName | 'partFail' | 'unsatisfied';

export const SUBJOB_STATES: readonly SubjobStateName[] = [
  'waiting',
  'held',
  'submitting',
  'submitted',
  'running',
  'completed',
  'failed',
  'canceled',
  'deleted',
];
export const PASS_STATES: readonly PassState[] = [...SUBJOB_STATES, 'partFail', 'unsatisfied'];

/** States that a pass leaves only where somebody asks for it. */
export const ENDED: ReadonlySet<string> = new Set(['completed', 'failed', 'partFail', 'canceled', 'deleted']);

/** Events and the states they lead from and to. Nothing else may happen to a subjob. */
export const TRANSITIONS = {
  claim: { from: ['waiting'], to: 'submitting', why: 'picked by submit' },
  record: { from: ['submitting'], to: 'submitted', why: 'id of the batch system recorded' },
  unclaim: { from: ['submitting'], to: 'waiting', why: 'submit did not record the job, so it did not run' },
  refuse: { from: ['submitting'], to: 'held', why: 'the batch system refused it' },
  start: { from: ['submitted'], to: 'running', why: 'the batch system says so' },
  complete: { from: ['submitted', 'running'], to: 'completed', why: 'every declared output verified' },
  fail: { from: ['submitted', 'running'], to: 'failed', why: 'policy: no more tries' },
  again: { from: ['submitted', 'running'], to: 'waiting', why: 'policy: retry now' },
  cool: { from: ['submitted', 'running'], to: 'held', why: 'policy: retry later' },
  giveUp: { from: ['submitted', 'running'], to: 'waiting', why: 'farm silent for too long, reset, or unlocked' },
  gate: { from: ['waiting'], to: 'waiting', why: 'not ready; waits for the named document' },
  wake: { from: ['waiting', 'held'], to: 'waiting', why: 'the awaited document has changed' },
  hold: { from: ['waiting'], to: 'held', why: 'paused' },
  retry: { from: ['failed', 'canceled', 'held', 'deleted'], to: 'waiting', why: 'operator' },
  cancel: { from: ['waiting', 'held', 'failed'], to: 'canceled', why: 'operator' },
  stopped: { from: ['submitting', 'submitted', 'running'], to: 'canceled', why: 'the batch system confirmed the end' },
  remove: { from: ['completed', 'failed', 'canceled'], to: 'deleted', why: 'operator, with receipt' },
} as const satisfies Record<string, { from: readonly SubjobStateName[]; to: SubjobStateName; why: string }>;

export type EventName = keyof typeof TRANSITIONS;

/** States in which a batch system may know the subjob. */
export function isActive(state: { readonly name: SubjobStateName }): boolean {
  return state.name === 'submitting' || state.name === 'submitted' || state.name === 'running';
}

/** The cause of the failure that a state shows. */
export function causeOf(state: SubjobState): string | undefined {
  return 'failure' in state ? state.failure?.cause : undefined;
}

/** The lock of a state that has one. */
export function lockOf(state: SubjobState): Lock | undefined {
  return 'lock' in state ? state.lock : undefined;
}

/** The key by which backend, wrapper and records know the attempt. */
export function keyOf(lock: Lock): string {
  return `${lock.claim}.${lock.index}`;
}

/**
 * The state of a pass from its subjobs: active if any is active (the furthest one names it), else waiting, else held,
 * else the mix of the ends. `unsatisfied` needs the prerequisites and is derived by readiness.
 */
export function passState(states: readonly { readonly name: SubjobStateName }[]): PassState {
  const has = (name: SubjobStateName): boolean => states.some((state) => state.name === name);
  for (const name of ['running', 'submitted', 'submitting', 'waiting', 'held'] as const) if (has(name)) return name;
  if (has('failed')) return states.every((state) => state.name === 'failed') ? 'failed' : 'partFail';
  if (has('canceled')) return 'canceled';
  if (has('deleted')) return 'deleted';
  return 'completed';
}

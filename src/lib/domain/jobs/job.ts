// A job: one pass of one (run, module), one document, its subjobs inside; and the one gate for changes of state.
import type { Iso } from '../../util/time.ts';
import type { Said } from '../catalogue/said.ts';
import type { CopyClaim } from '../data/copyclaim.ts';
import { appendHistory, type Doc, type HistoryEntry } from '../doc.ts';
import {
  type EventName,
  type Failure,
  keyOf,
  type PassState,
  passState,
  type SubjobState,
  TRANSITIONS,
  type Usage,
} from './states.ts';

/** An input of a subjob: a raw file of the run, or what a prerequisite pass made. */
export type Input =
  | { readonly kind: 'raw'; readonly level: string; readonly name: string }
  /** `subjob` absent: outputs of all its subjobs. `types` absent: every type. */
  | { readonly kind: 'output'; readonly job: string; readonly subjob?: number; readonly types?: readonly string[] };

/** What an operator wants of an active subjob; monitor carries it out at the backend, then transitions. */
interface Wanted {
  readonly state: 'canceled' | 'waiting';
  readonly at: Iso;
  readonly by: string;
  readonly why: string;
}

/** What an attempt asks the batch system for. */
export interface Resources {
  /** MiB. */
  readonly memory?: number;
  /** Milliseconds. */
  readonly time?: number;
}

/** An attempt that ended without completing: where its log is, and what became of it. */
interface Try extends Usage {
  readonly attempt: number;
  readonly site: string;
  /** Its name at the batch system. */
  readonly key: string;
  /** When it was submitted, or began to run. */
  readonly since: Iso;
  readonly ended: Iso;
  readonly cause?: string;
  readonly reason?: string;
}

/** Tries kept of a subjob; the oldest go first. */
export const TRIES_LIMIT = 10;

export interface Subjob {
  readonly index: number;
  /** Subrun of a sub_run level module; absent at run level. */
  readonly subrun?: number;
  readonly inputs: readonly Input[];
  /** Claims made so far; never decreases. */
  readonly attempt: number;
  /** Attempts that counted as failures since the last operator's retry. */
  readonly failures: number;
  readonly state: SubjobState;
  readonly wanted?: Wanted;
  /** Time of the newest observation applied (store's clock); older ones are ignored. */
  readonly observed?: Iso;
  /** First successful poll that said the backend does not know it; cleared when it is seen again. */
  readonly absent?: Iso;
  /** Raw backend word of the last observation. */
  readonly raw?: string;
  /** What the next attempt asks for instead of what the module says: earlier ones had too little. */
  readonly resources?: Resources;
  /** The last attempt that failed, also while it is tried again. */
  readonly lastFailure?: Failure & { readonly at: Iso };
  /** Attempts that did not complete, the last one last. */
  readonly tries?: readonly Try[];
}

export interface Prerequisite {
  readonly module: string;
  readonly pass: number;
  /** Job document id. */
  readonly job: string;
}

/** One host's claim on making the copies of a pass at one element, or why its last try failed. */
export type OutputClaim =
  | (CopyClaim & { readonly attempt: number; readonly failures?: number })
  | {
      readonly attempt: number;
      readonly failures?: number;
      readonly since?: Iso;
      readonly why: string;
      readonly retryAt: Iso;
    };

export interface JobDoc extends Doc {
  readonly kind: 'job';
  readonly run: number;
  readonly module: string;
  readonly pass: number;
  readonly version: string;
  /** Raw data level the pass starts from. */
  readonly level: string;
  /** Run type mask when it was made. */
  readonly mask?: number;
  /** Name of the request; absent: automatic. */
  readonly request?: string;
  readonly priority: number;
  readonly labels: readonly string[];
  readonly tag?: string;
  readonly created: Iso;
  readonly needs: readonly Prerequisite[];
  /** Declared outputs: type -> file-name suffix, as the module file said when it was made. */
  readonly outputs: Readonly<Record<string, string>>;
  /** Revisions of the run tables it was made with: `RUN` -> `1-ab..`. */
  readonly tables: Readonly<Record<string, string>>;
  /** Outputs that were loaded as run tables, with the revisions of these tables: they are not loaded again. */
  readonly loaded?: Readonly<Record<string, readonly string[]>>;
  /** Hash of configuration and module file at creation: drift is shown by `why`. */
  readonly hash: string;
  readonly subjobs: readonly Subjob[];
  /** Derived by `transition` and `newJob`; never set by hand. */
  readonly state: PassState;
  /** Last change of the pass state. */
  readonly since: Iso;
  /** Copying of its outputs by rule, by storage element: who does it, or why it failed. */
  readonly copies?: Readonly<Record<string, OutputClaim>>;
  /** Deleted outputs whose bytes are left at an element: its name, and the receipt that names them. */
  readonly undeleted?: Readonly<Record<string, string>>;
  /** What the catalogue of the collaboration was told of its outputs. */
  readonly catalogue?: Said;
  readonly notes?: readonly { at: Iso; by: string; text: string }[];
  readonly history: readonly HistoryEntry[];
}

/** An event that the transition table does not allow; a defect of the caller, never of the input. */
export class TransitionError extends Error {
  constructor(job: string, index: number, from: string, event: string) {
    super(`${job} subjob ${index}: ${event} is not allowed from ${from}`);
    this.name = 'TransitionError';
  }
}

/** True when `event` may happen to a subjob in `state`. */
export function allows(event: EventName, state: SubjobState): boolean {
  return TRANSITIONS[event].from.some((name) => name === state.name);
}

/** Fields of a subjob beside its state. `null` removes an optional one. */
export interface Fields {
  readonly attempt?: number;
  readonly failures?: number;
  readonly wanted?: Wanted | null;
  readonly observed?: Iso;
  readonly absent?: Iso | null;
  readonly raw?: string | null;
  readonly resources?: Resources;
  readonly lastFailure?: Failure & { readonly at: Iso };
}

/** A change of a subjob's state. */
export interface Move {
  readonly index: number;
  readonly event: EventName;
  readonly to: SubjobState;
  readonly why?: string;
  /** What changes with it. */
  readonly with?: Fields;
  /** What the attempt used that ends here without completing. */
  readonly usage?: Usage;
}

/** A change of fields without one of the state: an observation, a wish. */
export interface Touch {
  readonly index: number;
  readonly with: Fields;
}

/**
 * The gate: applies moves to a job, checks each against the table, derives the pass state, writes history.
 * Pure; throws TransitionError.
 */
export function transition(job: JobDoc, moves: readonly Move[], at: Iso, by: string): JobDoc {
  const subjobs = [...job.subjobs];
  let history = job.history;
  for (const move of moves) {
    const before = subjobs[move.index];
    if (!before || !allows(move.event, before.state) || TRANSITIONS[move.event].to !== move.to.name) {
      throw new TransitionError(job._id, move.index, before?.state.name ?? 'nothing', move.event);
    }
    subjobs[move.index] = {
      ...withFields({ ...before, state: move.to }, move.with ?? {}),
      ...triesAfter(before, move, at),
    };
    if (before.state.name !== move.to.name) {
      const entry: HistoryEntry = { at, from: before.state.name, to: move.to.name, by, subjob: move.index };
      history = appendHistory(history, move.why === undefined ? entry : { ...entry, why: move.why });
    }
  }
  const state = passState(subjobs.map((subjob) => subjob.state));
  return { ...job, subjobs, history, state, since: state === job.state ? job.since : at };
}

/** An attempt that has left the batch system without completing is one more try. */
function triesAfter({ state, attempt, tries = [] }: Subjob, move: Move, ended: Iso): Pick<Subjob, 'tries'> {
  const { to, usage } = move;
  const ran = state.name === 'submitted' || state.name === 'running';
  if (!ran || to.name === 'completed' || to.name === 'running' || to.name === 'submitted') return {};
  const { site } = state.lock;
  const failure = move.with?.lastFailure;
  const why = failure ? { cause: failure.cause, reason: failure.reason } : { reason: move.why ?? move.event };
  const last: Try = { attempt, site, key: keyOf(state.lock), since: state.since, ended, ...why, ...usage };
  return { tries: [...tries, last].slice(-TRIES_LIMIT) };
}

export function touch(job: JobDoc, index: number, fields: Fields): JobDoc {
  const subjobs = job.subjobs.map((subjob) => (subjob.index === index ? withFields(subjob, fields) : subjob));
  return { ...job, subjobs };
}

function withFields(subjob: Subjob, fields: Fields): Subjob {
  const merged: Record<string, unknown> = { ...subjob, ...fields };
  for (const [name, value] of Object.entries(fields)) if (value === null || value === undefined) delete merged[name];
  return merged as unknown as Subjob;
}

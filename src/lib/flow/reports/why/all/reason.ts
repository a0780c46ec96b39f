// One row of `why --all`: a cause, what stands still for it, and what to type.
import { refOf } from '../../../../domain/ids.ts';
import type { JobDoc } from '../../../../domain/jobs/job.ts';
import type { Row } from '../../look/row.ts';

/** Why things stand still. */
export interface ReasonRow extends Row<'reason'> {
  readonly gate: string;
  /** How many stand still for it. */
  readonly count: number;
  readonly unit?: 'subjobs' | 'runs';
  /** Module of what stands still. */
  readonly module?: string;
  readonly text: string;
  readonly next: string;
}

/** What failed for good, is held until a person acts, or is tried again by itself: the third part of a cause's key. */
export type How = 'failed' | 'held' | 'cooling';

/** A reason: `count` things (`subjobs`, `runs`) stand still for it. */
export interface Reason {
  readonly what: How | 'drained' | 'ready' | 'unsatisfied' | 'waiting' | 'run';
  readonly count: number;
  readonly unit: 'subjobs' | 'runs';
  readonly module?: string;
  readonly text: string;
  /** REF or id of one of them. */
  readonly example?: string;
  readonly next: string;
}

export function rowOf({ what, example, ...reason }: Reason): ReasonRow {
  return { kind: 'reason', ref: example ?? '-', gate: what, ...reason };
}

export function exampleOf(job: JobDoc | undefined): { example?: string } {
  return job ? { example: refOf(job.run, job.module, job.pass) } : {};
}

// The fields that every item has, whatever it is about.
import type { Did } from './did.ts';

/** One thing that a step did, or with `dryRun` would do. Failed items make the exit code 1. */
export interface Said<Kind extends string, Word extends Did> {
  readonly kind: Kind;
  /** What can be pasted into another command. */
  readonly ref: string;
  readonly did: Word;
  /** Only what would be done. */
  readonly dryRun?: boolean;
  readonly failed?: boolean;
  /** One line for people; may change in any version. */
  readonly text?: string;
  /** What to type next, where something is wrong. */
  readonly next?: string;
  /** Step that says it, in `chain`. */
  readonly step?: string;
}

// What doctor yields: checks of the set-up, and trial jobs.
import type { Said } from './baseitem.ts';

/** Parts of a set-up, in the order in which they are examined. */
export const CHECK_GROUPS = [
  'configuration',
  'store',
  'host',
  'credentials',
  'buffer',
  'storage',
  'catalogue',
  'farm',
] as const;
export type CheckGroup = (typeof CHECK_GROUPS)[number];

/** How a check ended. */
export type CheckOutcome = 'ok' | 'warning' | 'failed' | 'not-checked';

/** One thing of the set-up that was looked at. */
export interface CheckItem extends Said<'check', CheckOutcome> {
  readonly group: CheckGroup;
  /** Name of the check, as `--only` takes it. */
  readonly check: string;
  /** Every command refuses to change the store for this: exit code 2. */
  readonly refused?: true;
  /** What was looked at: a storage element, a farm, a folder, a program. */
  readonly subject: string;
  /** Seconds that it took. */
  readonly seconds?: number;
}

/** One trial job: it fetched a file from a storage element, and wrote one to it. */
export interface CanaryItem extends Said<'canary', 'ok' | 'failed' | 'not-checked'> {
  readonly farm: string;
  readonly storage: string;
  /** Where it failed: `submit`, `batch`, or the phase of the job. */
  readonly phase?: string;
  /** Seconds from its submission to its end. */
  readonly seconds?: number;
  /** Host on which it ran. */
  readonly host?: string;
}

export type CheckItems = CheckItem | CanaryItem;

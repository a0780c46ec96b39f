// One request as data: what `report --request --json` yields, and what its pages are drawn from.

import type { RequestEstimate } from '../../../domain/jobs/request.ts';
import type { Progress } from '../../../domain/jobs/requests/progress.ts';
import type { Iso } from '../../../util/time.ts';
import type { CauseCount, RequestUse } from '../../jobs/requests/requestuse.ts';

/** A request: what was asked for, how far it is, what it took and made. */
export interface RequestPage {
  readonly experiment: string;
  readonly at: Iso;
  readonly name: string;
  readonly text?: string;
  readonly version: string;
  readonly modules: readonly string[];
  readonly level: string;
  readonly tag?: string;
  readonly priority: number;
  readonly labels: readonly string[];
  readonly prerequisite: string;
  /** Request that must be done first. */
  readonly after?: string;
  readonly by: string;
  readonly created: Iso;
  readonly runs: { readonly count: number; readonly first?: number; readonly last?: number };
  readonly progress: Progress;
  /** Passes by state. */
  readonly states: Readonly<Record<string, number>>;
  /** By module, and in sum. */
  readonly use: Omit<RequestUse, 'failures'>;
  readonly failures: readonly CauseCount[];
  /** What it was thought to take when it was written. */
  readonly estimate?: RequestEstimate;
  /** The exactly file: `module run pass` of each pass; absent where it has too many lines for a page. */
  readonly exactly?: readonly string[];
  /** The command that prints the exactly file. */
  readonly exactlyCommand: string;
  /** What a person types next. */
  readonly next: readonly string[];
}

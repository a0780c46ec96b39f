// The first pass of a run: who makes its tables now, or how that failed last.
import type { Iso } from '../../util/time.ts';
import type { Doc } from '../doc.ts';
import { runPad } from '../ids.ts';

/**
 * That the command for a run is under way, or failed; removed once its tables are there.
 * `until`: when the claim lapses, or when the next try is due.
 */
export interface FirstPassDoc extends Doc {
  readonly kind: 'firstpass';
  readonly run: number;
  readonly state: 'running' | 'failed';
  readonly nonce: string;
  readonly tries: number;
  readonly until: Iso;
  readonly why?: string;
}

export const firstPassId = (run: number): string => `firstpass:${runPad(run)}`;

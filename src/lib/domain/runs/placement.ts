// Which run numbers are believed. A bad builder writes absurd ones; they must neither be registered nor move the
// reference by which the next ones are judged.
import { MAX_RUN } from '../ids.ts';

export interface PlacementRules {
  readonly first: number;
  readonly last: number;
  /** A run further than this beyond the last one is not believed. */
  readonly maxJump: number;
}

export interface Misplaced {
  readonly reason: 'out-of-range' | 'beyond-max-jump';
  readonly detail: string;
}

/** Why a run is not believed, given the last believed one; `undefined` when it is. */
export function misplaced(run: number, reference: number | undefined, rules: PlacementRules): Misplaced | undefined {
  const last = Math.min(rules.last, MAX_RUN);
  if (run < rules.first || run > last) {
    return { reason: 'out-of-range', detail: `run ${run} is outside ${rules.first}-${last}` };
  }
  if (reference === undefined || run - reference <= rules.maxJump) return undefined;
  const detail = `run ${run} is ${run - reference} beyond run ${reference}, runs.maxJump allows ${rules.maxJump}`;
  return { reason: 'beyond-max-jump', detail };
}

/**
 * The reference when nothing is registered yet: the first run of the largest group of runs on the buffer that has no
 * jump inside, so that a few absurd numbers, high or low, do not speak for the experiment. `runs` has one entry a file.
 */
export function firstReference(runs: readonly number[], rules: PlacementRules): number | undefined {
  const sorted = runs.filter((run) => !misplaced(run, undefined, rules)).sort((a, b) => a - b);
  let best: { start: number; size: number } | undefined;
  let group: { start: number; end: number; size: number } | undefined;
  for (const run of sorted) {
    if (!group || run - group.end > rules.maxJump) group = { start: run, end: run, size: 0 };
    group.end = run;
    group.size++;
    if (!best || group.size > best.size) best = { start: group.start, size: group.size };
  }
  return best?.start;
}

// Handing many tasks to a queue that may become full in the middle of them: as many go as there is room for.
// Knows no batch system.
import type { Refused } from '../../backend.ts';

/** Words of systems that have no room for so many more: `AssocMaxSubmitJobLimit`, `would exceed MAX_JOBS_PER_OWNER`. */
const FULL = /Submit\w*Limit|would exceed MAX_JOBS/;

/** What became of some tasks that were handed over in one call. */
export interface Handed<T, A> {
  readonly tasks: readonly T[];
  readonly answer: A | Refused;
}

/**
 * Calls `submit` with all, or, as long as the system says that so many are too many, with half of them. Once it has no
 * room for a single one, the rest is refused unasked: a few calls more than one, however many tasks there are.
 */
export async function fill<T, A extends object>(
  tasks: readonly T[],
  submit: (tasks: readonly T[]) => Promise<A | Refused>,
): Promise<Handed<T, A>[]> {
  const handed: Handed<T, A>[] = [];
  let size = tasks.length;
  for (let at = 0; at < tasks.length; ) {
    const some = tasks.slice(at, at + size);
    const answer = await submit(some);
    const full = 'refused' in answer && isFull(String(answer.refused));
    if (full && some.length > 1) {
      size = Math.floor(some.length / 2);
      continue;
    }
    if (full) return [...handed, { tasks: tasks.slice(at), answer }];
    handed.push({ tasks: some, answer });
    at += some.length;
  }
  return handed;
}

/** True when the words say that there is no room for more. */
export function isFull(words: string): boolean {
  return FULL.test(words);
}

// Loops: a command of dflow, round after round. How long one rests between two rounds, and what its sign of life says
// about it: pure, so that status, notify and the loop itself agree.
import { DAY, HOUR, type Iso, isAhead, MINUTE, ms, plus, SECOND } from '../../util/time.ts';
import type { LoopDoc, LoopPlan } from './farm.ts';
import type { PlannedLoop } from './hostplan.ts';

/** Milliseconds between two rounds of a step where nobody says. */
const EVERY: Readonly<Record<string, number>> = {
  register: 15 * MINUTE,
  tables: 5 * MINUTE,
  transfer: 5 * MINUTE,
  enqueue: 5 * MINUTE,
  submit: MINUTE,
  monitor: MINUTE,
  'monitor poll': MINUTE,
  'monitor apply': 30 * SECOND,
  chain: MINUTE,
  reset: 10 * MINUTE,
  purge: HOUR,
  verify: DAY,
};

/** Rounds vary by this share, so that the hosts do not all ask at once. */
export const JITTER = 0.1;

/** How often a command runs where nobody says; by its words without flags. */
export function everyOf(run: readonly string[]): number {
  return EVERY[wordsOf(run).join(' ')] ?? 15 * MINUTE;
}

/** The words before the first flag. */
function wordsOf(run: readonly string[]): readonly string[] {
  const flag = run.findIndex((word) => word.startsWith('-'));
  return flag < 0 ? run : run.slice(0, flag);
}

/** A loop as it runs: a planned one with its defaults. */
export interface RunningLoop {
  readonly name: string;
  readonly run: readonly string[];
  readonly every: number;
  readonly jitter: number;
  readonly exclusive?: string;
}

/** Fills in what a plan leaves out; the name is that of the command: `monitor-poll`. */
export function loopOf(planned: Partial<PlannedLoop> & Pick<PlannedLoop, 'run'>): RunningLoop {
  const { name, run, every, jitter, exclusive } = planned;
  return {
    name: name ?? wordsOf(run).join('-'),
    run,
    every: every ?? everyOf(run),
    jitter: jitter ?? JITTER,
    ...(exclusive === undefined ? {} : { exclusive }),
  };
}

/** What a round's exit code means for the next one; `undefined`: it was killed. */
export type Ending = 'well' | 'busy' | 'away' | 'broken';

/** Exit codes of what may come back by itself: a store, credentials, a server; and a file that a person corrects. */
const AWAY: ReadonlySet<number> = new Set([2, 3, 4, 5]);

export function endingOf(exit: number | undefined): Ending {
  if (exit === 0 || exit === 1) return 'well';
  if (exit === 75) return 'busy';
  return exit !== undefined && AWAY.has(exit) ? 'away' : 'broken';
}

/** Longest rest while something is away: it must be noticed soon that it is back. */
const LONGEST_REST = 15 * MINUTE;

/**
 * Milliseconds between the beginning of a round and that of the next. `inARow`: rounds that have failed in a row, this
 * one included: each doubles the rest. A loop that runs rarely tries again sooner, since what failed was no round.
 */
export function restAfter({ every }: Pick<RunningLoop, 'every'>, exit: number | undefined, inARow: number): number {
  const ending = endingOf(exit);
  if (ending === 'well' || ending === 'busy') return every;
  const doubled = Math.max(every, SECOND) * 2 ** Math.min(inARow, 20);
  return Math.min(doubled, LONGEST_REST);
}

/** How a loop stands, by its sign of life. */
export type LoopState = 'ok' | 'failing' | 'silent' | 'stopped' | 'ahead';

/** When silence begins: some time after the next round was due. */
export function overdue({ due, every, jitter }: LoopPlan): Iso {
  return plus(due, Math.min(Math.max(every / 2, 2 * MINUTE), HOUR) + every * jitter);
}

export function stateOf(doc: LoopDoc & { readonly plan: LoopPlan }, now: Iso): LoopState {
  const { plan } = doc;
  if (plan.stopped !== undefined) return 'stopped';
  if (isAhead(plan.at, now)) return 'ahead';
  if (ms(now) > ms(overdue(plan))) return 'silent';
  return doc.outcome === 'ok' ? 'ok' : 'failing';
}

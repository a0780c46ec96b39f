// A round of a loop, seen from the command that runs it: what the command did and how it ended is told to the loop, and
// the loop, or its death, tells the command to stop. Without a loop nothing of this happens.
import type { PlannedLoop } from '../../domain/farms/hostplan.ts';
import type { RunningLoop } from '../../domain/farms/loops.ts';
import { Outcome } from '../../flow/farms/beat.ts';
import type { Item } from '../../flow/ports.ts';
import { given } from '../../util/values/given.ts';

/** Where a loop says what it is; the channel of the process says the rest. */
export const LOOP_VARIABLE = 'DFLOW_LOOP';

/** The process of a loop. */
export interface LoopSelf {
  readonly pid: number;
  readonly holder?: string;
  readonly since: string;
  readonly deaths?: number;
}

/** A loop and its process: what its sign of life says. */
export type LiveLoop = RunningLoop & LoopSelf;

/** What a round is told by its loop. */
export interface RoundOf extends RunningLoop, LoopSelf {
  /** Rounds before this one that failed in a row. */
  readonly inARow: number;
}

/** What a round tells its loop at its end. */
export interface RoundReport {
  /** How many items it did, by what was done. */
  readonly did: Readonly<Record<string, number>>;
  /** How many of them failed. */
  readonly failed: number;
  /** `ok`, or what went wrong, in one line. */
  readonly outcome: string;
  /** What ended the command, when it was an error. */
  readonly error?: string;
  readonly next?: string;
  /** The command line is wrong: no other round can be better. */
  readonly mistyped: boolean;
  /** The store has it. */
  readonly noted: boolean;
  /** What the configuration says of this loop now. */
  readonly planned?: PlannedLoop;
}

/** Words of items that nothing was done with. */
const NOTHING: ReadonlySet<string> = new Set(['unchanged', 'skipped', 'waiting', 'drained']);

export class Round {
  readonly outcome: Outcome;
  mistyped = false;
  noted = false;
  planned: PlannedLoop | undefined;
  private readonly did = new Map<string, number>();
  private failed = 0;
  private error: string | undefined;

  constructor(readonly of: RoundOf) {
    this.outcome = new Outcome(of.run[0] ?? '');
  }

  note(item: Item): void {
    this.outcome.note(item);
    if (item.failed) this.failed++;
    else if (!NOTHING.has(item.did)) this.did.set(item.did, (this.did.get(item.did) ?? 0) + 1);
  }

  /** Also what went wrong before the command began. `words`: the error in one line. */
  failedWith(error: unknown, words: string | undefined, mistyped: boolean): void {
    this.outcome.threw(error);
    this.error = words;
    this.mistyped = mistyped;
  }

  report(): RoundReport {
    const { outcome, failed, mistyped, noted, planned } = this;
    return {
      did: Object.fromEntries(this.did),
      failed,
      outcome: outcome.text,
      mistyped,
      noted,
      ...given({ next: outcome.next, planned, error: this.error }),
    };
  }
}

let current: Round | undefined;

/** The round that this process is; `undefined`: nobody runs it again and again. */
export function thisRound(): Round | undefined {
  return current;
}

/** Takes up what a loop says; `stop` is called when the loop wants the round to end, or is dead. */
export function joinLoop(stop: () => void): void {
  const text = process.env[LOOP_VARIABLE];
  // What this process starts (batch systems, jobs) is not part of the loop.
  delete process.env[LOOP_VARIABLE];
  if (text === undefined || !process.connected) return;
  current = new Round(JSON.parse(text) as RoundOf);
  process.on('message', stop);
  process.on('disconnect', stop);
  process.channel?.unref();
}

/** Tells the loop how the round ended. */
export async function tellLoop(): Promise<void> {
  const round = current;
  if (!round || !process.connected) return;
  await new Promise<void>((resolve) => {
    process.send?.(round.report(), undefined, undefined, () => resolve());
  });
}

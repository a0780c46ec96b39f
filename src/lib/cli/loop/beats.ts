// The sign of life of a loop, written by the command of its round: now and then while it works, and at its end.

import type { LoopPlan } from '../../domain/farms/farm.ts';
import { endingOf, restAfter } from '../../domain/farms/loops.ts';
import { beatLoop } from '../../flow/farms/beat.ts';
import { type Turn, takeTurn } from '../../flow/farms/turn.ts';
import type { Ports } from '../../flow/ports.ts';
import { BusyError } from '../../util/errors.ts';
import { stop } from '../../util/processes/stopping.ts';
import { MINUTE, plus } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import { report } from '../output/report.ts';
import type { LiveLoop, Round } from './round.ts';

/** Milliseconds between two signs of life of a long round, and how long one is good for. */
const SIGN = MINUTE;
const GOOD = 5 * MINUTE;

/** What a loop says of itself, besides its last round. */
export function planOf(of: LiveLoop): Omit<LoopPlan, 'at' | 'due'> {
  const { run, every, jitter, exclusive, pid, holder, since, deaths } = of;
  return { command: run.join(' '), every, jitter, pid, since, ...given({ exclusive, holder, deaths }) };
}

export interface Beats {
  /** The round has ended with this exit code. */
  end(exit: number): Promise<void>;
}

/** Signs of life from now to the end of the round. */
export async function beats(ports: Ports, round: Round): Promise<Beats> {
  const began = await ports.store.now();
  const from = performance.now();
  const plan = planOf(round.of);
  const sign = async (): Promise<void> => {
    const now = await ports.store.now();
    await beatLoop(ports, round.of.name, { outcome: 'ok' }, { ...plan, began, due: plus(now, GOOD) });
  };
  // A store that does not answer is met by the command itself.
  const timer = setInterval(() => void sign().catch(() => undefined), SIGN).unref();
  return {
    async end(exit) {
      clearInterval(timer);
      const { text: outcome, next } = round.outcome;
      const inARow = endingOf(exit) === 'well' ? 0 : round.of.inARow + 1;
      const due = plus(began, restAfter(round.of, exit, inARow));
      const at = await ports.store.now();
      const last = { exit, took: Math.round(performance.now() - from), due: due > at ? due : at };
      await beatLoop(ports, round.of.name, { outcome, ...given({ next }) }, { ...plan, ...last });
      round.noted = true;
    },
  };
}

/** The turn of an exclusive loop, renewed while the round works; who loses it stops. */
export async function turnOf(ports: Ports, name: string): Promise<Turn> {
  const turn = await takeTurn(ports, name, Date.now);
  const every = Math.min(ports.settings.limits.stale / 6, SIGN);
  const timer = setInterval(() => {
    // A store that does not answer is met by the command itself.
    turn.renew().catch((error: unknown) => {
      if (error instanceof BusyError) stop(() => process.exit(report(error)));
    });
  }, every).unref();
  return {
    ...turn,
    release: () => {
      clearInterval(timer);
      return turn.release();
    },
  };
}

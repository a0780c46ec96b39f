// How long an outage is waited out: a restart of a server takes 5 to 20 seconds, and a loop shall outlive it. What waits
// says so after two seconds; what has waited in vain is not waited for again by the same process.
import { setTimeout as sleep } from 'node:timers/promises';
import { stopping } from '../../../util/processes/stopping.ts';
import type { UnclearError } from './unclear.ts';

/** A word to a person, about what is waited for. */
export type Say = (text: string) => void;

/** Longer than any restart, and short enough for a person who waits. */
export const PATIENCE = 45_000;

/** Milliseconds after which the wait is said. */
export const SAID_AFTER = 2_000;

/** Milliseconds between two words about one wait. */
export const SAY_EVERY = 15_000;

export class Patience {
  readonly #patience: number;
  readonly #say: Say;
  /** When the outage began, by the local monotonic clock. */
  #since: number | undefined;
  #said = false;
  readonly #closed = new AbortController();

  constructor(patience: number, say: Say) {
    this.#patience = patience;
    this.#say = say;
  }

  /** The server has answered, whatever. */
  answered(): void {
    if (this.#said) this.#say('the store answers again');
    this.#since = undefined;
    this.#said = false;
  }

  /** Nobody waits any more: what is under way ends at once. */
  close(): void {
    this.#closed.abort();
  }

  /** A request that began at `began` has no answer yet. */
  silent(began: number): void {
    this.#since ??= began;
    this.#tell('the store does not answer yet');
  }

  /**
   * Waits before try `attempt` + 1 of a request that began at `began`.
   * @throws `error` when it was waited long enough, the server asks for longer, or this process shall end
   */
  async wait(error: UnclearError, attempt: number, began: number): Promise<void> {
    this.#since ??= began;
    const waited = performance.now() - this.#since;
    const pause = Math.max(backOffTime(attempt), error.retryAfter ?? 0);
    if (waited + pause > this.#patience || this.isOver) throw error.after(waited);
    if (waited > SAID_AFTER || pause > SAID_AFTER) this.#tell(error.message);
    const signal = AbortSignal.any([stopping, this.#closed.signal]);
    await sleep(pause, undefined, { signal }).catch(() => undefined);
    if (this.isOver) throw error;
  }

  /** This process ends, or has closed the store. */
  get isOver(): boolean {
    return stopping.aborted || this.#closed.signal.aborted;
  }

  #tell(text: string): void {
    if (this.#said || this.isOver) return;
    this.#said = true;
    this.#say(`${text}; trying for up to ${Math.round(this.#patience / 1000)} s`);
  }
}

/** Milliseconds before try `attempt` + 1: `first`, then twice as long each time up to 2 s, half of it by chance. */
function backOffTime(attempt: number, first = 50): number {
  const longest = Math.min(first * 2 ** (attempt - 1), 2000);
  return longest * (0.5 + Math.random() / 2);
}

export async function backOff(attempt: number, first = 50): Promise<void> {
  await sleep(backOffTime(attempt, first));
}

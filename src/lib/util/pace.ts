// A cap on bytes per second over everything that shares it: a token bucket with a tenth of a second's worth of tokens.
// Knows nothing of what the bytes are.
import { setTimeout as wait } from 'node:timers/promises';

/** Seconds that may be caught up after a pause. */
const BURST = 0.1;

export class Pace {
  /** Bytes per second. */
  readonly rate: number;
  /** When the bytes taken so far are paid for, by the monotonic clock, in milliseconds. */
  #paid = -Infinity;

  constructor(rate: number) {
    this.rate = rate;
  }

  /** Resolves when these bytes may pass. @throws the signal's reason when it is aborted meanwhile */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    const now = performance.now();
    this.#paid = Math.max(this.#paid, now - BURST * 1000) + (bytes / this.rate) * 1000;
    if (this.#paid <= now) return;
    await wait(this.#paid - now, undefined, signal ? { signal } : {}).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw error;
    });
  }
}

// A server's clock as this process knows it: what its answers say, on top of the local monotonic clock. Pure but for the two local clocks that are handed in.

/** What a server said of its clock, and when it was asked and answered by the local monotonic clock, ms. */
export interface DateSeen {
  readonly date: string;
  readonly sent: number;
  readonly received: number;
}

/** A local monotonic clock (never set, stands still while the machine sleeps) and the wall clock (which does not). */
export interface LocalClocks {
  readonly mono: () => number;
  readonly wall: () => number;
}

/** An offset older than this is observed anew: clocks drift. */
const MAX_AGE = 30_000;
/** The two local clocks moved apart by this much: the machine slept, or its clock was set. */
const MAX_SLIP = 500;

/**
 * The offset of the server's clock, from the dates of its answers, which are cut to `resolution` ms. Each answer gives an
 * interval; the middle of what several have in common is taken. One that misses the others starts anew: somebody set that clock.
 */
export class ServerClock {
  readonly #clocks: LocalClocks;
  #low = Number.NEGATIVE_INFINITY;
  #high = Number.POSITIVE_INFINITY;
  #observed: { readonly mono: number; readonly slip: number } | undefined;
  #latest = 0;

  constructor(
    clocks: LocalClocks,
    private readonly resolution = 1000,
  ) {
    this.#clocks = clocks;
  }

  /** One answer: its date, and the local monotonic times of asking and of the answer. */
  observe({ date, sent, received }: DateSeen): void {
    const server = Date.parse(date);
    const low = server - received;
    const high = server + this.resolution - sent;
    const apart = low > this.#high || high < this.#low || this.#slipped();
    this.#low = apart ? low : Math.max(low, this.#low);
    this.#high = apart ? high : Math.min(high, this.#high);
    this.#observed = { mono: received, slip: this.#clocks.wall() - this.#clocks.mono() };
  }

  /** False when an answer of the server is needed before `now` can be believed. */
  get fresh(): boolean {
    return this.#observed !== undefined && this.#clocks.mono() - this.#observed.mono < MAX_AGE && !this.#slipped();
  }

  /** The server's time, ms since 1970; never goes back within this process. */
  now(): number {
    this.#latest = Math.max(this.#latest, Math.round(this.#clocks.mono() + (this.#low + this.#high) / 2));
    return this.#latest;
  }

  #slipped(): boolean {
    if (!this.#observed) return false;
    return Math.abs(this.#clocks.wall() - this.#clocks.mono() - this.#observed.slip) > MAX_SLIP;
  }
}

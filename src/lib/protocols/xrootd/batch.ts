// What is asked for one by one goes to a server together: in one run what gathered while the one before was running. Knows
// the queue, not the work.

/** How it went with one item of a run: an Error is that of this item alone. */
export type Each<R> = readonly (R | Error)[];

export interface Limits {
  /** Items of one run. */
  readonly most: number;
  /** Runs at once. */
  readonly runs: number;
}

/** Calls of `add` that come while `work` runs are handed to its next run. */
export class Gathering<T, R> {
  readonly #limits: Limits;
  readonly #work: (items: readonly T[]) => Promise<Each<R>>;
  #waiting: { item: T; resolve: (result: R) => void; reject: (error: unknown) => void }[] = [];
  #running = 0;

  /** `work` answers in the order of its items; its own failure is that of all in it. */
  constructor(limits: Limits, work: (items: readonly T[]) => Promise<Each<R>>) {
    this.#limits = limits;
    this.#work = work;
  }

  add(item: T): Promise<R> {
    const done = new Promise<R>((resolve, reject) => this.#waiting.push({ item, resolve, reject }));
    // Callers of the same moment come together.
    if (this.#waiting.length === 1) setImmediate(() => setImmediate(() => this.#next()));
    return done;
  }

  #next(): void {
    while (this.#running < this.#limits.runs && this.#waiting.length > 0) void this.#run();
  }

  async #run(): Promise<void> {
    const batch = this.#waiting.splice(0, this.#limits.most);
    this.#running++;
    try {
      const results = await this.#work(batch.map(({ item }) => item));
      for (const [index, { resolve, reject }] of batch.entries()) {
        const result = results[index];
        if (result instanceof Error) reject(result);
        else resolve(result as R);
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
    this.#running--;
    this.#next();
  }
}

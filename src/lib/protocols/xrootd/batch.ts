// Small files that are asked for one by one go to a server together: one xrdcp for what gathered while the one before
// was running. Knows the queue, not the copying.

/** Calls of `add` that come while `work` runs are handed to its next run, `most` at a time, two runs at once. */
export class Gathering<T> {
  readonly #work: (items: readonly T[]) => Promise<void>;
  readonly #most: number;
  #waiting: { item: T; resolve: () => void; reject: (error: unknown) => void }[] = [];
  #running = 0;

  constructor(most: number, work: (items: readonly T[]) => Promise<void>) {
    this.#most = most;
    this.#work = work;
  }

  /** Resolves when the run with this item has ended; its failure is the failure of all in it. */
  add(item: T): Promise<void> {
    const done = new Promise<void>((resolve, reject) => this.#waiting.push({ item, resolve, reject }));
    // Callers of the same moment come together.
    setImmediate(() => setImmediate(() => this.#next()));
    return done;
  }

  #next(): void {
    if (this.#running >= RUNS || this.#waiting.length === 0) return;
    const batch = this.#waiting.splice(0, this.#most);
    this.#running++;
    this.#work(batch.map(({ item }) => item))
      .then(
        () => {
          for (const { resolve } of batch) resolve();
        },
        (error: unknown) => {
          for (const { reject } of batch) reject(error);
        },
      )
      .finally(() => {
        this.#running--;
        this.#next();
      });
  }
}

/** Runs at once. */
export const RUNS = 2;

// Small files that are asked for one by one go to a server together: one xrdcp for what gathered while the one before
// was running. Knows the queue, not the copying.

/** Calls of `add` that come while `work` runs are handed to its next run, `most` at a time, two runs at once. */
export class Gathering<T, R> {
  readonly #work: (items: readonly T[]) => Promise<R>;
  readonly #most: number;
  #waiting: { item: T; resolve: (result: R) => void; reject: (error: unknown) => void }[] = [];
  #running = 0;

  constructor(most: number, work: (items: readonly T[]) => Promise<R>) {
    this.#most = most;
    this.#work = work;
  }

  /** What the run with this item has returned, the same for all in it; its failure is the failure of all in it. */
  add(item: T): Promise<R> {
    const done = new Promise<R>((resolve, reject) => this.#waiting.push({ item, resolve, reject }));
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
        (result) => {
          for (const { resolve } of batch) resolve(result);
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

/** Where those of one run wait for each other: what they ask next is then asked together. */
export class Meeting {
  #missing: number;
  readonly #all: Promise<void>;
  #open: () => void = () => undefined;

  constructor(count: number) {
    this.#missing = count;
    this.#all = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  /** Resolves when all have come. */
  come(): Promise<void> {
    if (--this.#missing === 0) this.#open();
    return this.#all;
  }
}

/** Runs at once. */
export const RUNS = 2;

// Progress of a step in plain numbers: the step reports what is due and what is done, and the reader adds up. Without a
// reader, which is the usual case, nothing is counted.

/** How many things, and their bytes where they have any. */
interface Amount {
  readonly count: number;
  readonly bytes: number;
}

export type ProgressEvent =
  /** So much more is due; less where it is negative. */
  | ({ readonly what: 'due' } & Amount)
  /** Things of which only the number is known so far, under a name: replaces what was said under it before. */
  | { readonly what: 'ahead'; readonly of: string; readonly count: number }
  | { readonly what: 'begun'; readonly name: string }
  | ({ readonly what: 'done' } & Amount)
  /** A round of several steps begins. */
  | { readonly what: 'round'; readonly steps: readonly string[] }
  | { readonly what: 'step'; readonly step: string; readonly state: 'begun' | 'ended' | 'failed' };

/** Where progress is reported to. */
interface Watched {
  readonly progress?: (event: ProgressEvent) => void;
}

/** Reports progress on things that a step works on, several at once. */
export class Progress {
  readonly #tell: ((event: ProgressEvent) => void) | undefined;
  /** Bytes of each announced thing that has not ended, by its key. */
  readonly #open = new Map<string, number>();

  constructor({ progress }: Watched) {
    this.#tell = progress;
  }

  /** Whether progress is shown: only then is counting ahead worth its time. */
  get isWatched(): boolean {
    return this.#tell !== undefined;
  }

  /** Announces things with their bytes; a key that is already announced counts once. */
  expect(things: Iterable<readonly [key: string, bytes: number]>): void {
    if (!this.#tell) return;
    let [count, bytes] = [0, 0];
    for (const [key, size] of things) {
      if (this.#open.has(key)) continue;
      this.#open.set(key, size);
      count++;
      bytes += size;
    }
    if (count > 0) this.#tell({ what: 'due', count, bytes });
  }

  /** Announces things without bytes. */
  due(count: number): void {
    this.#tell?.({ what: 'due', count, bytes: 0 });
  }

  /** Announces how many more things under this name will be found. */
  ahead(of: string, count: number): void {
    this.#tell?.({ what: 'ahead', of, count: Math.max(0, count) });
  }

  /** Things without bytes have ended. */
  done(count: number): void {
    this.#tell?.({ what: 'done', count, bytes: 0 });
  }

  /**
   * Works on one thing. `moved` takes bytes as they are copied; the rest counts when the work succeeds. After a failure
   * (`worked` is false) the thing is no longer due.
   */
  async one<T>(
    [key, bytes, name]: readonly [key: string, bytes: number, name: string],
    work: (moved?: (bytes: number) => void) => Promise<T>,
    worked: (result: T) => boolean = () => true,
  ): Promise<T> {
    const tell = this.#tell;
    if (!tell) return work();
    this.expect([[key, bytes]]);
    tell({ what: 'begun', name });
    let left = bytes;
    let good = false;
    const moved = (more: number): void => {
      const part = Math.min(more, left);
      left -= part;
      if (part > 0) tell({ what: 'done', count: 0, bytes: part });
    };
    try {
      const result = await work(moved);
      good = worked(result);
      return result;
    } finally {
      this.#open.delete(key);
      if (good) tell({ what: 'done', count: 1, bytes: left });
      else tell({ what: 'due', count: -1, bytes: -left });
    }
  }

  /** Announced things that were never begun are no longer due. */
  forget(keys: Iterable<string>): void {
    let [count, bytes] = [0, 0];
    for (const key of keys) {
      const size = this.#open.get(key);
      if (size === undefined) continue;
      this.#open.delete(key);
      count++;
      bytes += size;
    }
    if (count > 0) this.#tell?.({ what: 'due', count: -count, bytes: -bytes });
  }
}

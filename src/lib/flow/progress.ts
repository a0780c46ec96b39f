// How far a step is, in plain numbers: a step says what is due and what it has done, whoever watches adds up. Where nobody
// watches, which is the rule, nothing is counted. Knows no terminal.

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

/** Who is told, if anybody. */
interface Watched {
  readonly progress?: (event: ProgressEvent) => void;
}

/** What a step tells of things that it works on one by one, several at once. */
export class Progress {
  readonly #tell: ((event: ProgressEvent) => void) | undefined;
  /** Bytes of what was announced and has not ended. */
  readonly #open = new Map<string, number>();

  constructor({ progress }: Watched) {
    this.#tell = progress;
  }

  /** Somebody looks on: what costs time only to be told is worth it. */
  get isWatched(): boolean {
    return this.#tell !== undefined;
  }

  /** These are due: bytes by a key. Those that are known already count once. */
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

  /** So many without bytes are due. */
  due(count: number): void {
    this.#tell?.({ what: 'due', count, bytes: 0 });
  }

  /** So many more will come to light. */
  ahead(of: string, count: number): void {
    this.#tell?.({ what: 'ahead', of, count: Math.max(0, count) });
  }

  /** So many without bytes have ended. */
  done(count: number): void {
    this.#tell?.({ what: 'done', count, bytes: 0 });
  }

  /**
   * Works on one thing. `moved` takes bytes as they go; what it is not told of counts when the work has ended well. What
   * did not come to its end (`worked`) is no longer due.
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

  /** What of these was announced and never begun is no longer due. */
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

// Bounded parallelism over async generators. Knows nothing of what is done in parallel.

/**
 * Maps `items` with at most `limit` calls of `map` at once and yields the results as they finish.
 * The first error stops it; before anything leaves here (error, or the consumer's `break`), what is running has ended.
 */
export async function* parallel<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  limit: number,
  map: (item: T) => Promise<R>,
): AsyncGenerator<R, void, void> {
  type Step = { id: number; result: R } | { next: IteratorResult<T> };
  const source = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  const steps = new Map<number, Promise<Step>>();
  const PULL = -1;
  const begin = (id: number, work: Promise<Step>) => {
    // It is awaited below; until then a rejection must not count as unhandled.
    work.catch(() => undefined);
    steps.set(id, work);
  };
  let last = 0;
  let drained = false;
  try {
    while (true) {
      const running = steps.size - (steps.has(PULL) ? 1 : 0);
      if (!drained && !steps.has(PULL) && running < Math.max(1, limit)) {
        begin(
          PULL,
          Promise.resolve(source.next()).then((next) => ({ next })),
        );
      }
      if (steps.size === 0) return;
      const step = await Promise.race(steps.values());
      if ('result' in step) {
        steps.delete(step.id);
        yield step.result;
        continue;
      }
      steps.delete(PULL);
      const { next } = step;
      const id = last++;
      if (next.done) drained = true;
      else
        begin(
          id,
          map(next.value).then((result) => ({ id, result })),
        );
    }
  } finally {
    await Promise.allSettled(steps.values());
    if (!drained) await source.return?.();
  }
}

/** As `parallel`, collected, in the order of `items`. */
export async function mapLimit<T, R>(items: Iterable<T>, limit: number, map: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const one = async ([index, item]: readonly [number, T]) => ({ index, result: await map(item) });
  for await (const { index, result } of parallel([...items].entries(), limit, one)) results[index] = result;
  return results;
}

/** Items of several generators as they come, all running at once. An error of one ends the others first. */
export async function* merge<T>(generators: readonly AsyncGenerator<T, void, void>[]): AsyncGenerator<T, void, void> {
  const pull = (generator: AsyncGenerator<T, void, void>) => {
    const step = generator.next().then((next) => ({ generator, next }));
    step.catch(() => undefined);
    return step;
  };
  const steps = new Map(generators.map((generator) => [generator, pull(generator)]));
  try {
    while (steps.size > 0) {
      const { generator, next } = await Promise.race(steps.values());
      if (next.done) {
        steps.delete(generator);
        continue;
      }
      yield next.value;
      steps.set(generator, pull(generator));
    }
  } finally {
    await Promise.allSettled([...steps.keys()].map((generator) => generator.return()));
  }
}

/**
 * Runs `work` so that callers who come while it waits its turn share one run: a group commit.
 * Each caller's run starts after the call, never before.
 */
export function grouped(work: (key: string) => Promise<void>): (key: string) => Promise<void> {
  const state = new Map<string, { running: Promise<void>; next?: Promise<void> }>();
  const start = (key: string): Promise<void> => {
    const running = work(key).finally(() => {
      if (!state.get(key)?.next) state.delete(key);
    });
    state.set(key, { running });
    return running;
  };
  return (key) => {
    const current = state.get(key);
    if (!current) return start(key);
    current.next ??= current.running.catch(() => undefined).then(() => start(key));
    return current.next;
  };
}

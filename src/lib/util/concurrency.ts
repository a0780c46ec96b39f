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
  type Step = { result: R } | { next: IteratorResult<T> } | { error: unknown };
  const source = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  // What has finished, in its order: a race over all that runs would cost their number for each of them.
  const steps: Step[] = [];
  const running = new Set<Promise<void>>();
  let heard: () => void = () => undefined;
  let pulling = false;
  let drained = false;
  const begin = (work: Promise<Step>) => {
    const said = work
      .catch((error: unknown) => ({ error }))
      .then((step) => {
        running.delete(said);
        steps.push(step);
        heard();
      });
    running.add(said);
  };
  const pull = () => {
    pulling = true;
    begin(Promise.resolve(source.next()).then((next) => ({ next })));
  };
  try {
    while (true) {
      const mapping = running.size - (pulling ? 1 : 0);
      if (!drained && !pulling && mapping < Math.max(1, limit)) pull();
      const step = steps.shift();
      if (!step) {
        if (running.size === 0) return;
        await new Promise<void>((resolve) => {
          heard = resolve;
        });
        continue;
      }
      if ('error' in step) throw step.error;
      if ('result' in step) yield step.result;
      else {
        pulling = false;
        if (step.next.done) drained = true;
        else begin(map(step.next.value).then((result) => ({ result })));
      }
    }
  } finally {
    await Promise.all(running);
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

/** Maps `items` in their order, two at once: one is begun while the one before ends and the consumer works on it. */
export async function* ahead<T, R>(items: Iterable<T>, map: (item: T) => Promise<R>): AsyncGenerator<R, void, void> {
  let next: Promise<R> | undefined;
  try {
    for (const item of items) {
      const current = next;
      next = map(item);
      // Its error is met when its turn comes.
      next.catch(() => undefined);
      if (current) yield await current;
    }
    if (next) yield await next;
  } finally {
    await next?.catch(() => undefined);
  }
}

/** All that a generator yields. */
export async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
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

/** What several questions answer that are asked at once, one list after the other. */
export async function together<T>(...lists: (readonly T[] | Promise<readonly T[]>)[]): Promise<T[]> {
  return (await Promise.all(lists)).flat();
}

/** As `Promise.all`, but an error is thrown only when everything has ended: nothing goes on behind the caller's back. */
export async function allOf<T extends readonly unknown[]>(
  ...work: { readonly [K in keyof T]: Promise<T[K]> }
): Promise<T> {
  await Promise.allSettled(work);
  return (await Promise.all(work)) as unknown as T;
}

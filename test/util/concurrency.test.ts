// Work done at once: never more than allowed, nothing left running, nothing lost.
import { describe, expect, test } from 'vitest';
import { ahead, collected, grouped, merge, parallel } from '../../src/lib/util/concurrency.ts';

describe('concurrency', () => {
  const collect = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
    const all: T[] = [];
    for await (const item of items) all.push(item);
    return all;
  };
  const turns = async (n: number) => {
    for (let i = 0; i < n; i++) await new Promise((resolve) => setImmediate(resolve));
  };

  test('parallel yields as they finish, never more than the limit at once', async () => {
    let now = 0;
    let most = 0;
    const order = await collect(
      parallel([9, 1, 5, 2], 2, async (n) => {
        most = Math.max(most, ++now);
        await turns(n * 3);
        now--;
        return n;
      }),
    );
    expect(order).toEqual([1, 5, 2, 9]);
    expect(most).toBe(2);
  });

  test('parallel lets the running ones end before it throws or is left', async () => {
    const ended: number[] = [];
    const work = async (n: number) => {
      await turns(n);
      if (n === 1) throw new Error('one');
      ended.push(n);
      return n;
    };
    await expect(collect(parallel([1, 20], 2, work))).rejects.toThrow('one');
    expect(ended).toEqual([20]);
    for await (const _ of parallel([2, 30], 2, work)) break;
    expect(ended).toEqual([20, 2, 30]);
  });

  test('parallel does not wait for a slow source before it yields', async () => {
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    async function* slow() {
      yield 1;
      await gate;
      yield 2;
    }
    const results = parallel(slow(), 4, async (n) => n);
    expect((await results.next()).value).toBe(1);
    release();
    expect(await collect(results)).toEqual([2]);
  });

  test('merge has every item of all', async () => {
    async function* count(from: number, to: number) {
      for (let i = from; i < to; i++) {
        await turns(1);
        yield i;
      }
    }
    expect((await collect(merge([count(0, 5), count(5, 8)]))).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test('grouped callers share a run that began after they asked', async () => {
    let runs = 0;
    const sync = grouped(async () => {
      runs++;
      await turns(2);
    });
    await Promise.all([sync('a'), sync('a'), sync('a'), sync('b')]);
    expect(runs).toBe(3);
    await sync('a');
    expect(runs).toBe(4);
  });
});

describe('ahead', () => {
  test('in order, never more than two at once, the second while the consumer works', async () => {
    let running = 0;
    let most = 0;
    const begun: number[] = [];
    const got: number[] = [];
    const map = async (item: number): Promise<number> => {
      begun.push(item);
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, item % 2));
      running--;
      return item;
    };
    for await (const item of ahead([1, 2, 3, 4], map)) {
      got.push(item);
      expect(begun).toContain(Math.min(4, item + 1));
    }
    expect({ got, most }).toEqual({ got: [1, 2, 3, 4], most: 2 });
    expect(await collected(ahead([], map))).toEqual([]);
  });

  test('an error comes in its turn, after what was begun has ended', async () => {
    let ended = 0;
    const map = async (item: number): Promise<number> => {
      if (item === 2) throw new Error('two');
      await new Promise((resolve) => setTimeout(resolve, 5));
      ended++;
      return item;
    };
    const got: number[] = [];
    const read = async () => {
      for await (const item of ahead([1, 2, 3, 4], map)) got.push(item);
    };
    await expect(read()).rejects.toThrow('two');
    expect({ got, ended }).toEqual({ got: [1], ended: 2 });
  });
});

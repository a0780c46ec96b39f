// Work done at once: never more than allowed, nothing left running, nothing lost.
import { describe, expect, test } from 'vitest';
import { grouped, merge, parallel } from '../../src/lib/util/concurrency.ts';

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

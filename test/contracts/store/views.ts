// Views: keys in order, queries, counts.
import { describe, expect, test } from 'vitest';
import type { Json } from '../../../src/lib/domain/doc.ts';
import type { Store } from '../../../src/lib/store.ts';
import { UsageError } from '../../../src/lib/util/errors.ts';
import { create, keysView, number, ORDERED_KEYS, sumsView, type Thing } from '../things.ts';
import { type StoreFeatures, store } from './fixture.ts';

/** Keys whose order any collation agrees on. */
function plainKeys(keys: readonly Json[]): readonly Json[] {
  return keys.filter((key) => typeof key !== 'string' || /^[0-9a-z]*$/.test(key));
}

export function viewsContract(features: StoreFeatures): void {
  describe('views', () => {
    const known = (keys: readonly Json[]) => (features.icu === false ? plainKeys(keys) : keys);
    const ordered = known(ORDERED_KEYS);
    const keyed = (keys: readonly Json[]) => keys.map((key, i) => create(number(i), { key, value: i }));
    const keysOf = async (query: Parameters<Store['view']>[1]) =>
      (await store.view(keysView, query)).map(({ key }) => key);

    test('keys of every JSON type stand in order', async () => {
      const shuffled = [...keyed(ordered)].sort((a, b) => (a.id.slice(-1) < b.id.slice(-1) ? -1 : 1));
      await store.bulk(shuffled);
      const rows = await store.view(keysView);
      expect(rows.map(({ key }) => key)).toEqual(ordered);
      const zero = ordered.indexOf('0');
      expect(rows[zero]).toEqual({ key: '0', value: zero, id: number(zero) });
      expect(await keysOf({ descending: true })).toEqual([...ordered].reverse());
    });

    test('one key, several keys, ranges with both ends', async () => {
      await store.bulk(keyed(ordered));
      for (const key of known([null, false, 0, -9.5, 'a', 'A', 'Aa', ['a', 'b'], [], {}, { a: 2 }])) {
        expect(await keysOf({ key }), JSON.stringify(key)).toEqual([key]);
      }
      expect(await keysOf({ keys: [2, 'b', ['b'], 'none', null] })).toEqual([2, 'b', ['b'], null]);
      expect(await keysOf({ start: -1, end: 2 })).toEqual([-1, 0, 0.1, 1, 2]);
      expect(await keysOf({ start: 'aa', end: 'ab' })).toEqual(known(['aa', 'aA', 'Aa', 'ab']));
      expect(await keysOf({ start: 'aa', end: 'ab', descending: true })).toEqual(known(['ab', 'Aa', 'aA', 'aa']));
      expect(await keysOf({ end: true })).toEqual([null, false, true]);
      expect(await keysOf({ start: { a: 2 } })).toEqual([{ a: 2 }, { a: 2, b: 0 }, { b: 0 }]);
    });

    test('array keys by their first elements', async () => {
      await store.bulk(keyed(ordered));
      expect(await keysOf({ prefix: ['a'] })).toEqual([['a'], ['a', 1], ['a', 'b'], ['a', 'b', 'c']]);
      expect(await keysOf({ prefix: ['b'] })).toEqual([['b'], ['b', {}]]);
      expect(await keysOf({ prefix: [1] })).toEqual([[1], [1, 'a'], [1, 'b']]);
      expect(await keysOf({ prefix: ['a', 'b'], descending: true })).toEqual([
        ['a', 'b', 'c'],
        ['a', 'b'],
      ]);
      expect(await keysOf({ prefix: ['a'], start: ['a', 'b'] })).toEqual([
        ['a', 'b'],
        ['a', 'b', 'c'],
      ]);
      expect(await keysOf({ prefix: ['nope'] })).toEqual([]);
    });

    test('limit and skip, from either end', async () => {
      await store.bulk(keyed([1, 2, 3, 4, 5]));
      expect(await keysOf({ limit: 2 })).toEqual([1, 2]);
      expect(await keysOf({ limit: 2, skip: 1 })).toEqual([2, 3]);
      expect(await keysOf({ descending: true, limit: 2, skip: 1 })).toEqual([4, 3]);
      expect(await keysOf({ limit: 0 })).toEqual([]);
    });

    test('questions asked at the same time get each their own answer', async () => {
      await store.bulk([...keyed(['a', ['a', 1], { a: 1 }]), create('n', { n: 4 })]);
      const [docs, none, range, rows, key, keys, last, groups, total, sums] = await Promise.all([
        store.get(['n', number(0), 'none']),
        store.get([]),
        store.range({ start: 'thing:', end: 'thing:~', limit: 2, descending: true }),
        store.view(keysView),
        store.view(keysView, { key: 'a' }),
        store.view(keysView, { keys: [['a', 1], 'none'] }),
        store.view(keysView, { descending: true, limit: 1 }),
        store.count(keysView, 1),
        store.count(keysView, 0, { prefix: ['a'] }),
        store.count(sumsView, 2, { prefix: ['n'] }),
      ]);
      expect([...docs.keys()].sort()).toEqual(['n', number(0)].sort());
      expect(none.size).toBe(0);
      expect(range.map(({ _id }) => _id)).toEqual([number(2), number(1)]);
      const keysIn = (found: readonly { key: Json }[]) => found.map((row) => row.key);
      expect(keysIn(rows)).toEqual(['a', ['a', 1], { a: 1 }]);
      expect(keysIn(key)).toEqual(['a']);
      expect(keysIn(keys)).toEqual([['a', 1]]);
      expect(keysIn(last)).toEqual([{ a: 1 }]);
      expect(keysIn(groups)).toEqual(['a', ['a'], { a: 1 }]);
      expect(total).toEqual([{ key: null, value: 1 }]);
      expect(sums).toEqual([{ key: ['n', 'even'], value: 4 }]);
    });

    test('rows of one key stand in the order of their ids', async () => {
      await store.bulk(['thing:c', 'thing:a', 'thing:b'].map((id) => create(id, { key: 'same' })));
      expect((await store.view(keysView, { key: 'same' })).map(({ id }) => id)).toEqual([
        'thing:a',
        'thing:b',
        'thing:c',
      ]);
    });

    test('rows follow their document', async () => {
      await store.bulk(keyed(['old', 'stays']));
      await store.update<Thing>(number(0), (doc) => ({ write: { ...doc!, key: 'new' } }));
      expect(await keysOf({})).toEqual(['new', 'stays']);
      await store.update<Thing>(number(0), (doc) => ({ write: { ...doc!, value: 'v' } }));
      expect(await store.view(keysView, { key: 'new' })).toEqual([{ key: 'new', value: 'v', id: number(0) }]);
      await store.update(number(0), () => ({ remove: true }));
      expect(await keysOf({})).toEqual(['stays']);
    });

    test('a view that there is not is named', async () => {
      await expect(store.view({ ...keysView, name: 'kyes' })).rejects.toThrow(UsageError);
      await expect(store.count({ ...keysView, name: 'kyes' }, 0)).rejects.toThrow('kyes');
    });
  });

  describe('counts', () => {
    test('groups at each level, total at level 0, kept right by changes', async () => {
      await store.bulk([1, 2, 3, 101, 102].map((n) => create(number(n), { n })));
      expect(await store.count(sumsView, 0)).toEqual([{ key: null, value: 1 + 2 + 3 + 101 + 102 + 2 }]);
      const groups = [
        { key: ['big'], value: 2 },
        { key: ['n'], value: 209 },
      ];
      expect(await store.count(sumsView, 1)).toEqual(groups);
      expect(await store.count(sumsView, 2, { prefix: ['n'] })).toEqual([
        { key: ['n', 'even'], value: 104 },
        { key: ['n', 'odd'], value: 105 },
      ]);
      expect(await store.count(sumsView, 3, { prefix: ['n', 'odd'] })).toEqual(
        [1, 3, 101].map((n) => ({ key: ['n', 'odd', n], value: n })),
      );
      expect(await store.count(sumsView, 3, { start: ['n', 'even', 50], end: ['n', 'odd', 1] })).toEqual([
        { key: ['n', 'even', 102], value: 102 },
        { key: ['n', 'odd', 1], value: 1 },
      ]);
      expect(await store.count(sumsView, 1, { start: ['n', 'even', 50], end: ['n', 'odd', 1] })).toEqual([
        { key: ['n'], value: 103 },
      ]);
      expect(await store.count(sumsView, 2, { prefix: ['n'], start: ['n', 'odd'] })).toEqual([
        { key: ['n', 'odd'], value: 105 },
      ]);
      expect(await store.count(sumsView, 1, { start: ['n', 'even'] })).toEqual([{ key: ['n'], value: 209 }]);
      expect(await store.count(sumsView, 1, { start: ['n', 'odd'] })).toEqual([{ key: ['n'], value: 105 }]);
      expect(await store.count(sumsView, 1, { start: 'z' })).toEqual(groups);
      expect(await store.count(sumsView, 0, { prefix: ['n', 'even'] })).toEqual([{ key: null, value: 104 }]);
      expect(await store.count(sumsView, 1, { prefix: ['n', 'even'] })).toEqual([{ key: ['n'], value: 104 }]);
      await store.update<Thing>(number(102), (doc) => ({ write: { ...doc!, n: 4 } }));
      await store.update(number(101), () => ({ remove: true }));
      expect(await store.count(sumsView, 1)).toEqual([{ key: ['n'], value: 10 }]);
    });

    test('keys that are no arrays are groups of their own', async () => {
      await store.bulk(['a', 'a', 'b', 7, null, ['a', 1], ['a', 2]].map((key, i) => create(number(i), { key })));
      expect(await store.count(keysView, 1)).toEqual([
        { key: null, value: 1 },
        { key: 7, value: 1 },
        { key: 'a', value: 2 },
        { key: 'b', value: 1 },
        { key: ['a'], value: 2 },
      ]);
      expect(await store.count(keysView, 1, { start: 'a', end: 'b' })).toEqual([
        { key: 'a', value: 2 },
        { key: 'b', value: 1 },
      ]);
    });

    test('nothing: a total of 0 and no groups', async () => {
      expect(await store.count(keysView, 0)).toEqual([{ key: null, value: 0 }]);
      expect(await store.count(keysView, 1)).toEqual([]);
      expect(await store.count(keysView, 0, { prefix: ['x'] })).toEqual([{ key: null, value: 0 }]);
      expect(await store.count(keysView, 1, { prefix: ['x'] })).toEqual([]);
    });
  });
}

// The store as a whole: its feed, its clock, who may write it.
import { describe, expect, test } from 'vitest';
import type { Decision } from '../../../src/lib/store.ts';
import { ReadOnlyStoreError, UsageError } from '../../../src/lib/util/errors.ts';
import { create, keysView, number, type Thing } from '../things.ts';
import { fixture, open, type StoreFeatures, store } from './fixture.ts';

export function wholeContract(features: StoreFeatures): void {
  describe('feed, clock, setup', () => {
    test('changes: each id once, and only what came after the mark', async () => {
      await store.bulk([create('thing:a'), create('thing:b'), create('thing:c')]);
      const first = await store.changes();
      expect(first.changes.map(({ id }) => id).sort()).toEqual(['thing:a', 'thing:b', 'thing:c']);
      expect((await store.changes(first.last)).changes).toEqual([]);
      await store.update<Thing>('thing:a', (doc) => ({ write: { ...doc!, n: 1 } }));
      await store.update<Thing>('thing:a', (doc) => ({ write: { ...doc!, n: 2 } }));
      expect((await store.changes(first.last)).changes).toEqual([
        { id: 'thing:a', deleted: false, cursor: expect.any(String) },
      ]);
      expect((await store.changes()).changes).toHaveLength(3);
      const second = await store.changes(first.last);
      await store.update('thing:b', () => ({ remove: true }));
      const third = await store.changes(second.last);
      expect(third.changes).toEqual([{ id: 'thing:b', deleted: true, cursor: expect.any(String) }]);
      expect((await store.changes(third.last)).last).toBe(third.last);
    });

    test('changes in pages', async () => {
      await store.bulk(Array.from({ length: 25 }, (_, i) => create(number(i))));
      const seen: string[] = [];
      let page = await store.changes(undefined, 10);
      while (page.changes.length > 0) {
        expect(page.changes.length).toBeLessThanOrEqual(10);
        seen.push(...page.changes.map(({ id }) => id));
        page = await store.changes(page.last, 10);
      }
      expect(seen.sort()).toEqual(Array.from({ length: 25 }, (_, i) => number(i)));
    });

    test('every change has its cursor, from which the feed goes on', async () => {
      await store.bulk(Array.from({ length: 12 }, (_, i) => create(number(i))));
      const { changes } = await store.changes();
      const rest = await store.changes(changes[4]!.cursor);
      // A database of several shards lists them in another order at each call.
      expect(rest.changes.map(({ id }) => id).sort()).toEqual(
        changes
          .slice(5)
          .map(({ id }) => id)
          .sort(),
      );
    });

    test('changes from now on', async () => {
      await store.bulk([create('thing:a'), create('thing:b')]);
      const now = await store.changes('now');
      expect(now.changes).toEqual([]);
      await store.update<Thing>('thing:c', () => ({ write: { _id: 'thing:c', kind: 'thing', v: 1, n: 1 } as Thing }));
      expect((await store.changes(now.last)).changes.map(({ id }) => id)).toEqual(['thing:c']);
    });

    test('what is not a cursor is a mistake of the command line, not the beginning', async () => {
      await expect(store.changes('yesterday')).rejects.toThrow(UsageError);
    });

    test('the clock gives RFC 3339 and never goes back', async () => {
      const times: string[] = [];
      for (let i = 0; i < 5; i++) times.push(await store.now());
      for (const time of times) expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      expect([...times].sort()).toEqual(times);
    });

    test('setup marks it once and for one experiment', async () => {
      const first = await store.info();
      expect(first).toMatchObject({ writable: true, experiment: 'demo', schema: 1, documents: 0 });
      expect(first.uuid).toMatch(/^[0-9a-f-]{36}$/);
      expect(first.where).not.toContain('@');
      const again = await open({ write: 'setup' });
      expect((await again.setup('demo')).uuid).toBe(first.uuid);
      await expect(again.setup('other')).rejects.toThrow('demo');
    });

    if (features.unmark) {
      test('a store without a mark gets the unique id that it is given', async () => {
        await fixture.unmark?.();
        const again = await open({ write: 'setup' });
        const uuid = '11111111-2222-4333-8444-555555555555';
        expect((await again.setup('demo', undefined, uuid)).uuid).toBe(uuid);
        expect((await again.setup('demo')).uuid).toBe(uuid);
      });
    }

    test('a configuration of another experiment reads and does not write', async () => {
      await store.bulk([create('thing:a')]);
      const refused = {
        exit: 2,
        message: expect.stringContaining("'demo', not 'other'"),
        hint: expect.stringContaining('demo'),
      };
      await expect(open({ write: true, experiment: 'other' })).rejects.toMatchObject(refused);
      expect((await (await open({ write: false, experiment: 'other' })).get(['thing:a'])).size).toBe(1);
      const own = await open({ write: true, experiment: 'demo' });
      expect(await own.update('thing:a', () => ({ remove: true }))).toMatchObject({ result: 'written' });
    });

    test('a store opened for reading reads and does not write', async () => {
      await store.bulk([create('thing:a', { key: 'a' })]);
      const reader = await open({ write: false });
      expect((await reader.get(['thing:a'])).size).toBe(1);
      expect(await reader.view(keysView)).toHaveLength(1);
      expect(await reader.count(keysView, 0)).toEqual([{ key: null, value: 1 }]);
      await expect(reader.update('thing:a', () => ({ remove: true }))).rejects.toThrow(ReadOnlyStoreError);
    });
  });

  if (features.unmark) {
    test('without the marker, as on a replica: changing commands are refused, reading goes on', async () => {
      await store.bulk([create('thing:a')]);
      await fixture.unmark!();
      await expect(open({ write: true })).rejects.toMatchObject({ exit: 2, hint: expect.stringContaining('setup') });
      const reader = await open({ write: false });
      expect((await reader.get(['thing:a'])).size).toBe(1);
      expect((await reader.info()).writable).toBe(false);
      const setup = await open({ write: 'setup' });
      await expect(setup.setup('demo')).rejects.toMatchObject({
        exit: 2,
        hint: expect.stringContaining('--force demo'),
      });
      await expect(open({ write: true })).rejects.toMatchObject({ exit: 2 });
      expect((await setup.setup('demo', 'demo')).writable).toBe(true);
    });
  }

  if (features.setSchema) {
    test('a store of a newer dflow is not written', async () => {
      await fixture.setSchema!(99);
      await expect(open({ write: true })).rejects.toThrow(ReadOnlyStoreError);
      await expect(open({ write: true })).rejects.toThrow('99');
      expect((await (await open({ write: false })).info()).writable).toBe(false);
    });
  }

  if (features.conflict) {
    test('a document with replication conflicts is frozen and shown', async () => {
      await store.bulk([create('thing:a', { n: 1 }), create('thing:b', { n: 1 })]);
      await fixture.conflict!('thing:a');
      const read = await store.get<Thing>(['thing:a', 'thing:b']);
      expect(read.get('thing:a')?._conflicts?.length).toBe(1);
      expect(read.get('thing:b')?._conflicts).toBeUndefined();
      const change = (doc: Thing | undefined): Decision<Thing> => ({ write: { ...doc!, n: 2 } });
      expect(await store.update<Thing>('thing:a', change)).toMatchObject({
        result: 'frozen',
        doc: { _id: 'thing:a' },
      });
      const both = await store.bulk<Thing>([
        { id: 'thing:a', base: read.get('thing:a')!, change },
        { id: 'thing:b', base: read.get('thing:b')!, change },
      ]);
      expect(both.map(({ result }) => result)).toEqual(['frozen', 'written']);
    });
  }
}

// Documents: reading them, changing them one by one and in bulk, ranges of their ids.
import { describe, expect, test } from 'vitest';
import { type Change, type IdSpan, idsWith, type Store, tookEffect } from '../../../src/lib/store.ts';
import { create, increment, number, put, sumsView, type Thing, thing } from '../things.ts';
import { open, type StoreFeatures, store } from './fixture.ts';

export function documentsContract(features: StoreFeatures): void {
  describe('documents', () => {
    test('get answers what exists, by id', async () => {
      await store.bulk([create('thing:a', { n: 1 }), create('thing:b', { n: 2 })]);
      const found = await store.get<Thing>(['thing:b', 'thing:nope', 'thing:a']);
      expect([...found.keys()].sort()).toEqual(['thing:a', 'thing:b']);
      expect(found.get('thing:b')).toMatchObject({ _id: 'thing:b', kind: 'thing', v: 1, n: 2 });
      expect(found.get('thing:a')?._rev).toBeTypeOf('string');
      expect((await store.get([])).size).toBe(0);
    });

    test('text of every kind comes back as it was', async () => {
      const text = 'a"b\\c\n\t \u2028 é 漢 😀 $(rm) -- \'';
      const value = { [text]: [text, `\u0000${text}`, null] };
      await store.bulk([create(`thing:${text}`, { value })]);
      expect((await store.get<Thing>([`thing:${text}`])).get(`thing:${text}`)?.value).toEqual(value);
    });

    test('update creates, changes, skips and removes', async () => {
      const created = await store.update<Thing>('thing:a', (doc) => ({
        write: thing('thing:a', { n: doc ? -1 : 1 }),
      }));
      expect(created).toMatchObject({ id: 'thing:a', result: 'written', doc: { n: 1 } });
      const changed = await store.update<Thing>('thing:a', (doc) => ({ write: { ...doc!, n: doc!.n! + 1 } }));
      expect(changed).toMatchObject({ result: 'written', doc: { n: 2 } });
      expect(changed.doc?._rev).not.toBe(created.doc?._rev);
      const skipped = await store.update<Thing>('thing:a', () => ({ skip: 'no longer applies' }));
      expect(skipped).toMatchObject({ result: 'skipped', why: 'no longer applies', doc: { n: 2 } });
      expect(await store.update('thing:a', () => ({ remove: true }))).toMatchObject({ result: 'written' });
      expect((await store.get(['thing:a'])).size).toBe(0);
      const again = await store.update<Thing>('thing:a', (doc) => ({ write: thing('thing:a', { n: doc ? -1 : 5 }) }));
      expect(again).toMatchObject({ result: 'written', doc: { n: 5 } });
    });

    test('removing what is not there is skipped', async () => {
      expect((await store.update('thing:none', () => ({ remove: true }))).result).toBe('skipped');
    });

    test('a document remembers its last operations, not all', async () => {
      for (let i = 0; i < 12; i++) await store.update<Thing>('counter', increment);
      const doc = (await store.get<Thing>(['counter'])).get('counter');
      expect(doc?.n).toBe(12);
      expect(doc?.ops?.length).toBeGreaterThan(1);
      expect(doc?.ops?.length).toBeLessThanOrEqual(8);
      expect(new Set(doc?.ops).size).toBe(doc?.ops?.length);
    });

    test('a change that finds its own operation answers already and is not applied again', async () => {
      const again = await open({ write: true, nonce: () => 'the-same' });
      expect(await again.update<Thing>('counter', increment)).toMatchObject({ result: 'written', doc: { n: 1 } });
      const outcome = await again.update<Thing>('counter', increment);
      expect(outcome).toMatchObject({ result: 'already', doc: { n: 1 } });
      expect(tookEffect(outcome)).toBe(true);
    });

    test('a change that throws writes nothing and is told', async () => {
      await expect(
        store.bulk([
          create('thing:a'),
          {
            id: 'thing:b',
            change: () => {
              throw new Error('a defect');
            },
          },
        ]),
      ).rejects.toThrow('a defect');
      expect((await store.get(['thing:a', 'thing:b'])).size).toBe(0);
    });

    test('writing under another id is refused', async () => {
      await expect(store.update('thing:a', put(thing('thing:b')))).rejects.toThrow('thing:b');
    });
  });

  describe('bulk', () => {
    test('thousands, outcomes in the order of the changes', async () => {
      const many = features.many ?? 2500;
      const changes = Array.from({ length: many }, (_, i) => create(number(many - i), { n: i }));
      const outcomes = await store.bulk(changes);
      expect(outcomes.map(({ id }) => id)).toEqual(changes.map(({ id }) => id));
      expect(outcomes.every(({ result }) => result === 'written')).toBe(true);
      const found = await store.get<Thing>(changes.map(({ id }) => id));
      expect(found.size).toBe(many);
      expect(found.get(number(1))?.n).toBe(many - 1);
      expect((await store.info()).documents).toBe(many);
      expect(await store.count(sumsView, 0)).toEqual([{ key: null, value: expect.any(Number) }]);
    });

    test('every change has its own outcome', async () => {
      await store.bulk([create('thing:a', { n: 1 }), create('thing:c', { n: 3 })]);
      const outcomes = await store.bulk<Thing>([
        { id: 'thing:c', change: (doc) => ({ write: { ...doc!, n: 4 } }) },
        { id: 'thing:b', change: (doc) => (doc ? { remove: true } : { skip: 'there is none' }) },
        { id: 'thing:a', change: () => ({ remove: true }) },
      ]);
      expect(outcomes.map(({ result }) => result)).toEqual(['written', 'skipped', 'written']);
      expect([...(await store.get<Thing>(['thing:a', 'thing:b', 'thing:c'])).values()].map(({ n }) => n)).toEqual([4]);
    });

    test('a stale base is read again, never written over', async () => {
      const [first] = await store.bulk([create('thing:a', { n: 1 })]);
      await store.update<Thing>('thing:a', (doc) => ({ write: { ...doc!, n: 10 } }));
      const seen: (number | undefined)[] = [];
      const [outcome] = await store.bulk<Thing>([
        {
          id: 'thing:a',
          base: first!.doc!,
          change: (doc) => {
            seen.push(doc?.n);
            return { write: { ...doc!, n: (doc?.n ?? 0) + 1 } };
          },
        },
      ]);
      expect(outcome).toMatchObject({ result: 'written', doc: { n: 11 } });
      expect(seen.at(-1)).toBe(10);
    });

    test('a fresh base is good', async () => {
      const [first] = await store.bulk([create('thing:a', { n: 1 })]);
      const outcomes = await store.bulk<Thing>([
        { id: 'thing:a', base: first!.doc!, change: (doc) => ({ write: { ...doc!, n: doc!.n! + 1 } }) },
      ]);
      expect(outcomes).toMatchObject([{ result: 'written', doc: { n: 2 } }]);
    });

    test('known to be missing: made without reading, and read where somebody made it first', async () => {
      const claim = (by: number): Change<Thing> => ({
        id: 'thing:a',
        base: null,
        change: (doc) => (doc ? { skip: `taken by ${doc.n}` } : { write: thing('thing:a', { n: by }) }),
      });
      expect(await store.bulk<Thing>([claim(1)])).toMatchObject([{ result: 'written', doc: { n: 1 } }]);
      expect(await store.bulk<Thing>([claim(2)])).toMatchObject([
        { result: 'skipped', why: 'taken by 1', doc: { n: 1 } },
      ]);
      // One that was removed is missing too.
      await store.update('thing:a', () => ({ remove: true }));
      expect(await store.bulk<Thing>([claim(3)])).toMatchObject([{ result: 'written', doc: { n: 3 } }]);
    });

    test('a note of the last decision comes back with its outcome', async () => {
      const [first] = await store.bulk([create('thing:a', { n: 1 }), create('thing:b', { n: 1 })]);
      await store.update<Thing>('thing:a', (doc) => ({ write: { ...doc!, n: 10 } }));
      const outcomes = await store.bulk<Thing, number>([
        // On the stale base there is a note, on the document none.
        {
          id: 'thing:a',
          base: first!.doc!,
          change: (doc) => (doc?.n === 10 ? { skip: 'ten' } : { write: thing('thing:a', { n: 2 }), note: 1 }),
        },
        { id: 'thing:b', change: (doc) => ({ write: { ...doc!, n: 2 }, note: doc?.n ?? 0 }) },
        { id: 'thing:c', change: () => ({ skip: 'no', note: 3 }) },
      ]);
      expect(outcomes.map(({ result, note }) => [result, note])).toEqual([
        ['skipped', undefined],
        ['written', 1],
        ['skipped', 3],
      ]);
      expect(await store.update<Thing, string>('thing:b', () => ({ remove: true, note: 'gone' }))).toMatchObject({
        result: 'written',
        note: 'gone',
      });
      expect((await store.get<Thing>(['thing:b'])).size).toBe(0);
    });

    test('an id twice is refused; no change is no work', async () => {
      await expect(store.bulk([create('thing:a'), create('thing:a')])).rejects.toThrow('twice');
      expect(await store.bulk([])).toEqual([]);
    });

    test('racing clients: no increment is lost, none is made twice, every loser is reported', async () => {
      const { clients, times } = features.race ?? { clients: 5, times: 20 };
      const stores = await Promise.all(Array.from({ length: clients }, () => open({ write: true })));
      const outcomes = await Promise.all(
        stores.flatMap((each) =>
          Array.from({ length: times }, async () => {
            for (;;) {
              const outcome = await each.update<Thing>('counter', increment);
              if (outcome.result !== 'lost') return outcome;
            }
          }),
        ),
      );
      expect(outcomes.every(tookEffect)).toBe(true);
      expect((await store.get<Thing>(['counter'])).get('counter')?.n).toBe(clients * times);
    });

    test('racing creators: one wins, the others see its document', async () => {
      const stores = await Promise.all([1, 2, 3, 4].map(() => open({ write: true })));
      const ids = Array.from({ length: 50 }, (_, i) => number(i));
      const all = await Promise.all(
        stores.map((each, who) =>
          each.bulk<Thing>(
            ids.map((id) => ({
              id,
              change: (doc) => (doc ? { skip: 'exists' } : { write: thing(id, { n: who }) }),
            })),
          ),
        ),
      );
      for (const [i, id] of ids.entries()) {
        const won = all.map((outcomes) => outcomes[i]!).filter(tookEffect);
        expect(won, id).toHaveLength(1);
        expect(all.filter((outcomes) => outcomes[i]?.result === 'skipped')).toHaveLength(3);
      }
    });
  });

  describe('ranges of ids', () => {
    test('many ranges at once, those of each in order, none twice', async () => {
      await store.bulk(Array.from({ length: features.many ?? 300 }, (_, i) => create(number(2 * i), { n: 2 * i })));
      const last = 2 * (features.many ?? 300) - 2;
      const at = (first: number, end: number) => ({ start: number(first), end: number(end) });
      const read = async (spans: readonly IdSpan[]) => (await store.ranges<Thing>(spans)).map(({ n }) => n);
      expect(await read([])).toEqual([]);
      expect(await read([at(1, 3), at(5, 5), at(8, 12), at(last, last + 100)])).toEqual([2, 8, 10, 12, last]);
      const each = Array.from({ length: last / 2 + 1 }, (_, i) => at(2 * i, 2 * i));
      expect(await read(each)).toEqual(each.map((_, i) => 2 * i));
    });

    const ids = [
      'job:0000000002:A:001',
      'job:0000000010:A:001',
      'job:0000000010:a:001',
      'run:0000000001',
      'run:0000000002',
    ];

    test('byte order, both ends, limit, descending', async () => {
      await store.bulk([...ids].reverse().map((id) => create(id)));
      const read = async (range: Parameters<Store['range']>[0]) => (await store.range(range)).map(({ _id }) => _id);
      expect(await read(idsWith('job:'))).toEqual(ids.slice(0, 3));
      expect(await read(idsWith('run:'))).toEqual(ids.slice(3));
      expect(await read({ start: ids[1]!, end: ids[3]! })).toEqual(ids.slice(1, 4));
      expect(await read({ ...idsWith('job:'), limit: 2 })).toEqual(ids.slice(0, 2));
      expect(await read({ ...idsWith('job:'), descending: true })).toEqual(ids.slice(0, 3).reverse());
      expect(await read({ ...idsWith('job:'), descending: true, limit: 1 })).toEqual([ids[2]]);
      expect(await read(idsWith('nothing:'))).toEqual([]);
    });

    test('removed documents are not in it', async () => {
      await store.bulk([create('thing:a'), create('thing:b')]);
      await store.update('thing:a', () => ({ remove: true }));
      expect((await store.range(idsWith('thing:'))).map(({ _id }) => _id)).toEqual(['thing:b']);
    });
  });
}

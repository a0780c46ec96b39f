// What every store must do, whatever it is made of: stores/*.ts, and the fakes that stand in for them.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Json } from '../../src/lib/domain/doc.ts';
import { type Decision, idsWith, type Store, type StoreOptions, tookEffect } from '../../src/lib/store.ts';
import { ReadOnlyStoreError, UsageError } from '../../src/lib/util/errors.ts';
import type { View } from '../../src/lib/views/view.ts';
import { CONTRACT_VIEWS, ORDERED_KEYS, type Thing } from './things.ts';

/** One empty database, and the means to open it as different programs would. */
export interface StoreFixture {
  /** Opens the database, each call like another process. `views`: always CONTRACT_VIEWS. */
  open(options: StoreOptions, views: readonly View[]): Promise<Store>;
  /** Removes the database and whatever serves it. */
  dispose(): Promise<void>;
  /** Takes the setup marker away, as on a replica. */
  unmark?(): Promise<void>;
  /** Marks the database as made by a newer dflow. */
  setSchema?(schema: number): Promise<void>;
  /** Makes a replication conflict on a document. */
  conflict?(id: string): Promise<void>;
}

/** What of the contract a fixture can show; the tests of the rest are not registered. */
export interface StoreFeatures {
  readonly unmark?: boolean;
  readonly setSchema?: boolean;
  readonly conflict?: boolean;
  /** False: strings sort by their code units, as PouchDB has them, and not by ICU's root collation. */
  readonly icu?: boolean;
  /** How many clients race, and how often each: fewer for a slow server. */
  readonly race?: { readonly clients: number; readonly times: number };
  /** Documents of the big bulk; 2500 makes three batches. */
  readonly many?: number;
}

/** Keys whose order any collation agrees on. */
function plainKeys(keys: readonly Json[]): readonly Json[] {
  return keys.filter((key) => typeof key !== 'string' || /^[0-9a-z]*$/.test(key));
}

const thing = (id: string, more: Partial<Thing> = {}): Thing => ({ _id: id, kind: 'thing', v: 1, ...more });
const put = (doc: Thing) => (): Decision<Thing> => ({ write: doc });
const create = (id: string, more: Partial<Thing> = {}) => ({ id, change: put(thing(id, more)) });
const increment = (doc: Thing | undefined): Decision<Thing> => ({
  write: { ...thing('counter'), ...doc, n: (doc?.n ?? 0) + 1 },
});
const number = (i: number): string => `thing:${String(i).padStart(6, '0')}`;

export function storeContract(name: string, make: () => Promise<StoreFixture>, features: StoreFeatures = {}): void {
  describe(`store contract: ${name}`, () => {
    let fixture: StoreFixture;
    let store: Store;
    const opened: Store[] = [];
    const open = async (options: StoreOptions): Promise<Store> => {
      const next = await fixture.open(options, CONTRACT_VIEWS);
      opened.push(next);
      return next;
    };

    beforeEach(async () => {
      fixture = await make();
      store = await open({ write: 'setup' });
      await store.setup('demo');
    });
    afterEach(async () => {
      for (const each of opened.splice(0)) await each.close();
      await fixture.dispose();
    });

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
        expect(await store.count('sums', 0)).toEqual([{ key: null, value: expect.any(Number) }]);
      });

      test('every change has its own outcome', async () => {
        await store.bulk([create('thing:a', { n: 1 }), create('thing:c', { n: 3 })]);
        const outcomes = await store.bulk<Thing>([
          { id: 'thing:c', change: (doc) => ({ write: { ...doc!, n: 4 } }) },
          { id: 'thing:b', change: (doc) => (doc ? { remove: true } : { skip: 'there is none' }) },
          { id: 'thing:a', change: () => ({ remove: true }) },
        ]);
        expect(outcomes.map(({ result }) => result)).toEqual(['written', 'skipped', 'written']);
        expect([...(await store.get<Thing>(['thing:a', 'thing:b', 'thing:c'])).values()].map(({ n }) => n)).toEqual([
          4,
        ]);
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

    describe('views', () => {
      const known = (keys: readonly Json[]) => (features.icu === false ? plainKeys(keys) : keys);
      const ordered = known(ORDERED_KEYS);
      const keyed = (keys: readonly Json[]) => keys.map((key, i) => create(number(i), { key, value: i }));
      const keysOf = async (query: Parameters<Store['view']>[1]) =>
        (await store.view('keys', query)).map(({ key }) => key);

      test('keys of every JSON type stand in order', async () => {
        const shuffled = [...keyed(ordered)].sort((a, b) => (a.id.slice(-1) < b.id.slice(-1) ? -1 : 1));
        await store.bulk(shuffled);
        const rows = await store.view('keys');
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

      test('rows of one key stand in the order of their ids', async () => {
        await store.bulk(['thing:c', 'thing:a', 'thing:b'].map((id) => create(id, { key: 'same' })));
        expect((await store.view('keys', { key: 'same' })).map(({ id }) => id)).toEqual([
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
        expect(await store.view('keys', { key: 'new' })).toEqual([{ key: 'new', value: 'v', id: number(0) }]);
        await store.update(number(0), () => ({ remove: true }));
        expect(await keysOf({})).toEqual(['stays']);
      });

      test('a view that there is not is named', async () => {
        await expect(store.view('kyes')).rejects.toThrow(UsageError);
        await expect(store.count('kyes', 0)).rejects.toThrow('kyes');
      });
    });

    describe('counts', () => {
      test('groups at each level, total at level 0, kept right by changes', async () => {
        await store.bulk([1, 2, 3, 101, 102].map((n) => create(number(n), { n })));
        expect(await store.count('sums', 0)).toEqual([{ key: null, value: 1 + 2 + 3 + 101 + 102 + 2 }]);
        const groups = [
          { key: ['big'], value: 2 },
          { key: ['n'], value: 209 },
        ];
        expect(await store.count('sums', 1)).toEqual(groups);
        expect(await store.count('sums', 2, { prefix: ['n'] })).toEqual([
          { key: ['n', 'even'], value: 104 },
          { key: ['n', 'odd'], value: 105 },
        ]);
        expect(await store.count('sums', 3, { prefix: ['n', 'odd'] })).toEqual(
          [1, 3, 101].map((n) => ({ key: ['n', 'odd', n], value: n })),
        );
        expect(await store.count('sums', 3, { start: ['n', 'even', 50], end: ['n', 'odd', 1] })).toEqual([
          { key: ['n', 'even', 102], value: 102 },
          { key: ['n', 'odd', 1], value: 1 },
        ]);
        expect(await store.count('sums', 1, { start: ['n', 'even', 50], end: ['n', 'odd', 1] })).toEqual([
          { key: ['n'], value: 103 },
        ]);
        expect(await store.count('sums', 0, { prefix: ['n', 'even'] })).toEqual([{ key: null, value: 104 }]);
        expect(await store.count('sums', 1, { prefix: ['n', 'even'] })).toEqual([{ key: ['n'], value: 104 }]);
        await store.update<Thing>(number(102), (doc) => ({ write: { ...doc!, n: 4 } }));
        await store.update(number(101), () => ({ remove: true }));
        expect(await store.count('sums', 1)).toEqual([{ key: ['n'], value: 10 }]);
      });

      test('keys that are no arrays are groups of their own', async () => {
        await store.bulk(['a', 'a', 'b', 7, null, ['a', 1], ['a', 2]].map((key, i) => create(number(i), { key })));
        expect(await store.count('keys', 1)).toEqual([
          { key: null, value: 1 },
          { key: 7, value: 1 },
          { key: 'a', value: 2 },
          { key: 'b', value: 1 },
          { key: ['a'], value: 2 },
        ]);
        expect(await store.count('keys', 1, { start: 'a', end: 'b' })).toEqual([
          { key: 'a', value: 2 },
          { key: 'b', value: 1 },
        ]);
      });

      test('nothing: a total of 0 and no groups', async () => {
        expect(await store.count('keys', 0)).toEqual([{ key: null, value: 0 }]);
        expect(await store.count('keys', 1)).toEqual([]);
        expect(await store.count('keys', 0, { prefix: ['x'] })).toEqual([{ key: null, value: 0 }]);
        expect(await store.count('keys', 1, { prefix: ['x'] })).toEqual([]);
      });
    });

    describe('feed, clock, setup', () => {
      test('changes: each id once, and only what came after the mark', async () => {
        await store.bulk([create('thing:a'), create('thing:b'), create('thing:c')]);
        const first = await store.changes();
        expect(first.changes.map(({ id }) => id).sort()).toEqual(['thing:a', 'thing:b', 'thing:c']);
        expect((await store.changes(first.last)).changes).toEqual([]);
        await store.update<Thing>('thing:a', (doc) => ({ write: { ...doc!, n: 1 } }));
        await store.update<Thing>('thing:a', (doc) => ({ write: { ...doc!, n: 2 } }));
        expect((await store.changes(first.last)).changes).toEqual([{ id: 'thing:a', deleted: false }]);
        expect((await store.changes()).changes).toHaveLength(3);
        const second = await store.changes(first.last);
        await store.update('thing:b', () => ({ remove: true }));
        const third = await store.changes(second.last);
        expect(third.changes).toEqual([{ id: 'thing:b', deleted: true }]);
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

      test('a store opened for reading reads and does not write', async () => {
        await store.bulk([create('thing:a', { key: 'a' })]);
        const reader = await open({ write: false });
        expect((await reader.get(['thing:a'])).size).toBe(1);
        expect(await reader.view('keys')).toHaveLength(1);
        expect(await reader.count('keys', 0)).toEqual([{ key: null, value: 1 }]);
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
  });
}

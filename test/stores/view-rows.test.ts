// View rows that are rewritten one by one: whatever lists a document emits one after the other, the rows are those of a
// store that never saw the older ones. And the four orders of the queue, which share two rows of a pass.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import type { Doc } from '../../src/lib/domain/doc.ts';
import { ORDERS, queue } from '../../src/lib/flow/steps/submit/queue.ts';
import type { Store } from '../../src/lib/store.ts';
import { openWith } from '../../src/lib/stores/sqlite/sqlite.ts';
import { VIEWS } from '../../src/lib/views/index.ts';
import { SHARES } from '../../src/lib/views/jobs.ts';
import type { View } from '../../src/lib/views/view.ts';

const folder = mkdtempSync(join(tmpdir(), 'dflow-rows-'));
afterAll(() => rmSync(folder, { recursive: true }));
let stores = 0;

async function fresh(views: readonly View[]): Promise<Store> {
  const store = await openWith(`sqlite:${join(folder, `${stores++}.db`)}`, { write: 'setup' }, views);
  await store.setup('test');
  return store;
}

const list: View = {
  name: 'list',
  reduce: '_sum',
  map: (doc, emit) => {
    for (const [key, value] of doc.rows || []) emit(key, value);
  },
};
type Rows = readonly (readonly [string | readonly (string | number)[], number])[];
type Listed = Doc & { readonly rows: Rows };

async function put(store: Store, id: string, rows: Rows, before?: Doc): Promise<Doc> {
  const doc: Listed = { _id: id, kind: 'list', v: 1, rows };
  const base = before ? { base: before as Listed } : {};
  const [outcome] = await store.bulk<Listed>([{ id, ...base, change: () => ({ write: doc }) }]);
  expect(outcome?.result).toBe('written');
  return outcome!.doc!;
}

test('rows that come, go, move, and stand twice', async () => {
  const key = fc.constantFrom('a', 'A', ['a'], ['a', 1], ['a', 2], ['b', 1, 2]);
  const rows = fc.array(fc.tuple(key, fc.integer({ min: -2, max: 2 })), { maxLength: 6 });
  const store = await fresh([list]);
  let number = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(rows, { minLength: 1, maxLength: 5 }), fc.boolean(), async (versions, held) => {
      const id = `list:${number++}`;
      const other = await fresh([list]);
      let last: Doc | undefined;
      for (const version of versions) last = await put(store, id, version as Rows, held ? last : undefined);
      await put(other, id, versions.at(-1) as Rows);
      expect(await store.view(list)).toEqual(await other.view(list));
      for (const level of [0, 1, 2] as const) {
        const [one, two] = [await store.count(list, level), await other.count(list, level)];
        expect(one).toEqual(two);
      }
      await other.close();
      await store.bulk([{ id, change: () => ({ remove: true }) }]);
      expect(await store.view(list)).toEqual([]);
    }),
    { numRuns: 30 },
  );
  await store.close();
});

describe('a held document is believed only as the store made it', () => {
  test('an older one, a changed copy, one of another store', async () => {
    const [store, other] = [await fresh([list]), await fresh([list])];
    const first = await put(store, 'list:1', [['a', 1]]);
    await put(other, 'list:1', [['x', 9]]);
    const foreign = (await other.get<Listed>(['list:1'])).get('list:1')!;
    await put(store, 'list:1', [['b', 1]]);
    const second = (await store.get<Listed>(['list:1'])).get('list:1')!;
    for (const base of [first as Listed, foreign, { ...second, rows: [['y', 9]] } as Listed, second]) {
      let seen: Listed | undefined;
      const change = (doc: Listed | undefined) => {
        seen = doc;
        return { skip: 'only looked' };
      };
      await store.bulk<Listed>([{ id: 'list:1', base, change }]);
      expect(seen).toEqual(second);
    }
    await store.bulk([{ id: 'list:1', change: () => ({ remove: true }) }]);
    let gone: unknown = 'never called';
    const looked = (doc: Listed | undefined) => {
      gone = doc;
      return { skip: 'only looked' };
    };
    await store.bulk<Listed>([{ id: 'list:1', base: second, change: looked }]);
    expect(gone).toBeUndefined();
    await store.close();
    await other.close();
  });
});

test('the four orders of the queue, with and without a limit', async () => {
  const store = await fresh(VIEWS);
  const passes = Array.from({ length: 60 }, (_, i) => ({
    _id: `job:${String((i * 7) % 20).padStart(10, '0')}:M${i % 3}:${String(i).padStart(3, '0')}`,
    kind: 'job',
    v: 1,
    run: (i * 7) % 20,
    priority: [0, 5, -2][i % 3]!,
    created: `2026-07-14T06:00:0${(i * 3) % 10}.000Z`,
    ...(i % 4 === 0 ? { request: 'again' } : {}),
    subjobs: [{ state: { name: 'waiting', wake: i % 10 === 9 ? { kind: 'on', id: 'x' } : { kind: 'ready' } } }],
    gated: i % 10 === 9,
  }));
  await store.bulk(passes.map((pass) => ({ id: pass._id, change: () => ({ write: pass as unknown as Doc }) })));
  type Pass = (typeof passes)[number];
  const text = (value: string | number) => (typeof value === 'number' ? String(value + 1000).padStart(8, '0') : value);
  const by: Record<string, (pass: Pass) => (string | number)[]> = {
    priority: ({ priority, created, run, _id }) => [-priority, created, run, _id],
    newest: ({ run, _id }) => [-run, _id],
    lowest: ({ run, _id }) => [run, _id],
    fifo: ({ created, run, _id }) => [created, run, _id],
  };
  for (const share of SHARES) {
    for (const order of ORDERS) {
      const sortKey = (pass: Pass) => by[order]!(pass).map(text).join(' ');
      const mine = passes.filter((pass) => !pass.gated && ('request' in pass ? 'requested' : 'automatic') === share);
      const sorted = mine.sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1)).map(({ _id }) => _id);
      expect((await queue(store, share, order)).map(({ id }) => id)).toEqual(sorted);
      const some = (await queue(store, share, order, 10)).map(({ id }) => id);
      expect(some).toHaveLength(10);
      // Where the limit cuts through the passes of one run, which of them come first is open.
      if (order !== 'newest') expect(some).toEqual(sorted.slice(0, 10));
      else expect(some.map((id) => id.slice(0, 14))).toEqual(sorted.slice(0, 10).map((id) => id.slice(0, 14)));
    }
  }
  await store.close();
});

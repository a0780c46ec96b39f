// Export and import of a store's documents, from one SQLite store to another.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { exportStore, importStore } from '../../../src/lib/flow/steps/archive/archive.ts';
import { idsWith, type Store } from '../../../src/lib/store.ts';
import { open } from '../../../src/lib/stores/sqlite/sqlite.ts';
import type { Seen } from '../../support/items.ts';

let folder: string;
let from: Store;
let to: Store;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dflow-archive-'));
  from = await open(join(folder, 'from.db'), { write: 'setup' });
  to = await open(join(folder, 'to.db'), { write: 'setup' });
  await from.setup('demo');
  await to.setup('demo');
});
afterEach(async () => {
  await from.close();
  await to.close();
  rmSync(folder, { recursive: true, force: true });
});

const at = '2026-07-14T06:00:00.000Z';
const least: Record<string, (id: string) => object> = {
  hold: () => ({ what: 'pause', scope: {}, why: 'test', by: 'x', since: at }),
  run: (id) => ({ run: Number(id.slice(4)), levels: {}, firstSeen: at, history: [] }),
  quarantine: (id) => ({ level: 'L1', name: id.slice('quarantine:L1:'.length), reason: 'empty', detail: '', at }),
};
/** A document with what its kind must have. */
function doc(id: string, more: object = {}) {
  const kind = id.split(':')[0]!;
  return { _id: id, kind, v: 1, ...least[kind]?.(id), ...more };
}
async function put(store: Store, docs: readonly ReturnType<typeof doc>[]): Promise<void> {
  await store.bulk(docs.map((each) => ({ id: each._id, change: () => ({ write: each }) })));
}
async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
async function* lines(...values: unknown[]): AsyncGenerator<unknown> {
  yield* values;
}
const brief = (items: readonly Seen[]): string[] => items.map((item) => `${item.did} ${item.ref}`);

test('everything goes out and in again, over many pages, once', async () => {
  const docs = Array.from({ length: 2300 }, (_, i) => doc(`run:${String(i).padStart(10, '0')}`, { n: i }));
  await put(from, docs);
  await put(from, [doc('quarantine:L1:😀 "x".dat', { reason: 'unparsable-name' }), doc('hold:a')]);
  const out = await all(exportStore(from));
  expect(out).toHaveLength(2302);
  expect(out.find(({ _id }) => _id === 'run:0000000007')).toEqual(docs[7]);
  expect(await all(exportStore(from, ['hold', 'quarantine']))).toHaveLength(2);

  const text = out.map((each) => JSON.stringify(each));
  const planned = await all(importStore(to, lines(...text), { dryRun: true }));
  expect((await to.info()).documents).toBe(0);
  const done = await all(importStore(to, lines(...text)));
  expect(brief(done)).toEqual(brief(planned));
  expect(done).toHaveLength(2302);
  expect(done.some(({ failed }) => failed)).toBe(false);
  expect(await all(exportStore(to))).toEqual(out);

  const again = await all(importStore(to, lines(...text)));
  expect(again).toMatchObject([{ did: 'skipped', count: 2302 }]);
});

test('what differs is refused and named, what is bad is named by its line, the rest goes in', async () => {
  await put(to, [doc('hold:a', { why: 'old', who: 'x' }), doc('hold:same', { a: 1, b: { c: 2, d: 3 } })]);
  const input = [
    doc('hold:a', { why: 'new' }),
    JSON.stringify(doc('hold:b')),
    '{"_id": "hold:c", ',
    '',
    '["hold:d"]',
    '{"kind":"hold","v":1}',
    '{"_id":"_design/x","kind":"hold","v":1}',
    '{"_id":"hold:new","kind":"hold","v":99}',
    JSON.stringify({ b: { d: 3, c: 2 }, a: 1, ...doc('hold:same'), _rev: '9-x', ops: ['q'] }),
    doc('hold:b', { other: true }),
    doc('hold:b'),
  ];
  const planned = await all(importStore(to, lines(...input), { dryRun: true }));
  const items = await all(importStore(to, lines(...input)));
  expect(brief(items)).toEqual(brief(planned));
  expect(brief(items).sort()).toEqual([
    'imported hold:b',
    'refused hold:a',
    'refused hold:b',
    'refused line 3',
    'refused line 5',
    'refused line 6',
    'refused line 7',
    'refused line 8',
    'skipped identical',
  ]);
  expect(items.filter(({ failed }) => failed)).toHaveLength(7);
  expect(items.find(({ ref }) => ref === 'identical')).toMatchObject({ count: 2 });
  expect(items.find(({ ref }) => ref === 'hold:a')?.text).toContain('line 1');
  expect(await all(exportStore(to))).toEqual([
    doc('hold:a', { why: 'old', who: 'x' }),
    doc('hold:b'),
    doc('hold:same', { a: 1, b: { c: 2, d: 3 } }),
  ]);
  expect((await to.range(idsWith('hold:'))).length).toBe(3);
});

test.each([
  ['an unknown kind', { _id: 'thing:a', kind: 'thing', v: 1 }, "kind: 'thing' is not known"],
  ['an id of another kind', { ...doc('run:0000000009'), kind: 'job' }, "_id: does not begin with 'job:'"],
  ['an id that its fields do not make', { ...doc('run:0000000009'), run: 8 }, '_id: its fields make run:0000000008'],
  ['a field that is missing', { _id: 'run:0000000009', kind: 'run', v: 1, run: 9 }, 'levels: is missing'],
  [
    'a field of another type',
    doc('hold:a', { scope: { runs: [[1, 'x']] } }),
    'scope.runs[0][1]: expected a whole number',
  ],
  ['a time that is none', doc('hold:a', { since: 'yesterday' }), 'since: expected a time'],
  ['depth', doc('hold:a', { x: JSON.parse('['.repeat(20_000) + ']'.repeat(20_000)) }), 'levels deep'],
])('%s is refused with its line and field', async (_, bad, words) => {
  const [first, second] = await all(importStore(to, lines(bad, doc('hold:good'))));
  expect(first).toMatchObject({ did: 'refused', failed: true, text: expect.stringContaining(words) });
  expect(first?.text).toMatch(/^line 1: /);
  expect(second).toMatchObject({ did: 'imported', ref: 'hold:good' });
});

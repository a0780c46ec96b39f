// Compaction of a SQLite store: smaller, nothing lost, and not begun where the disk has too little room.
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Item } from '../../src/lib/flow/ports.ts';
import { compactStore, replicate } from '../../src/lib/flow/steps/keeping/replicate.ts';
import { compactFile } from '../../src/lib/stores/sqlite/compact.ts';
import { openDatabase } from '../../src/lib/util/sqlite.ts';
import { create, type Thing } from '../contracts/things.ts';
import { fresh, keep, path, setUp, tearDown } from '../support/sqlite.ts';

beforeEach(setUp);
afterEach(tearDown);

async function all(step: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of step) items.push(item);
  return items;
}

test('the room of removed documents comes back, and the others stay', async () => {
  const store = await fresh();
  const text = 'x'.repeat(20_000);
  const ids = Array.from({ length: 200 }, (_, at) => `thing:${at}`);
  await store.bulk<Thing>(ids.map((id) => ({ ...create(id), change: () => ({ write: { ...thing(id), text } }) })));
  await store.bulk(ids.slice(1).map((id) => ({ id, change: () => ({ remove: true }) })));
  const [item] = await all(compactStore(store, {}));
  expect(item).toMatchObject({ kind: 'store', did: 'compacted', before: expect.any(Number) });
  if (item?.kind !== 'store') throw new Error('no item');
  expect(item.bytes).toBeLessThan((item.before ?? 0) / 2);
  expect([...(await store.get(ids)).keys()]).toEqual(['thing:0']);
});

const thing = (id: string) => ({ _id: id, kind: 'thing', v: 1 }) as Thing;

test('a disk with too little room is told before anything is written', async () => {
  const store = await fresh();
  const db = keep(openDatabase(path));
  const space = async () => ({ total: 1e9, free: 1_000 });
  await expect(compactFile(db, false, space)).rejects.toMatchObject({
    exit: 3,
    message: expect.stringMatching(/compacting needs .* are free/),
  });
  expect(await all(compactStore(store, { dryRun: true }))).toMatchObject([{ did: 'compacted', dryRun: true }]);
});

test('a SQLite store has no server that replicates it', async () => {
  const store = await fresh();
  const refused = { exit: 2, hint: expect.stringContaining('store backup') };
  await expect(all(replicate(store, 'https://spare.example.org/db', {}))).rejects.toMatchObject(refused);
});

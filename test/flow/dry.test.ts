// Ports without effects: what a dry run decides is what the store would have done, and nothing of it is done.
import { expect, test } from 'vitest';
import type { Doc } from '../../src/lib/domain/doc.ts';
import { DID, type Did } from '../../src/lib/domain/results/did.ts';
import { dryPorts, dryStore, foretold } from '../../src/lib/flow/dry.ts';
import type { Item, Ports, Step } from '../../src/lib/flow/ports.ts';
import { idsWith, pages, type Store } from '../../src/lib/store.ts';
import { create, increment, number, put, type Thing, thing } from '../contracts/things.ts';
import { Database } from '../simulator/database.ts';
import { MemoryStore } from '../simulator/memory-store.ts';

function fresh(): Store {
  const database = new Database();
  let ops = 0;
  const raw = {
    read: async (ids: readonly string[]) =>
      new Map(ids.flatMap((id) => database.read(id) ?? []).map((doc) => [doc._id, doc])),
    write: async (puts: Parameters<Database['write']>[0]) => database.write(puts),
    range: async (range: Parameters<Database['range']>[0]) => database.range(range),
    view: async (name: string, query: object) => database.view(name, query),
    count: async (name: string, level: number, query: object) => database.count(name, level, query),
    changes: async (since?: string, limit?: number) => database.changes(since, limit),
    now: async () => '2026-07-14T06:00:00.000Z',
  };
  return new MemoryStore(raw, database, () => `op${ops++}`);
}

const everything = async (store: Store): Promise<string> => JSON.stringify(await store.range(idsWith('')));
const plain = (docs: readonly Doc[]) => docs.map(({ _rev, ops, ...rest }) => rest);

test('changes decide as in the store, and on what was decided before; the store stays as it is', async () => {
  const [real, kept] = [fresh(), fresh()];
  for (const store of [real, kept])
    await store.bulk([create(number(1), { n: 1 }), create(number(2)), create(number(5))]);
  const before = await everything(kept);
  const told: unknown[] = [];
  for (const store of [real, dryStore(kept)]) {
    const outcomes = [
      await store.update<Thing>('counter', increment),
      await store.update<Thing>('counter', increment),
      await store.update<Thing>(number(1), (doc) => (doc?.n === 1 ? { remove: true } : { skip: 'another number' })),
      await store.update<Thing>(number(1), (doc) => (doc ? { remove: true } : { skip: 'gone' })),
      await store.update<Thing>(number(1), () => ({ remove: true })),
      ...(await store.bulk([create(number(3)), { id: number(2), change: () => ({ skip: 'no', note: 7 }) }])),
    ];
    told.push(outcomes.map(({ result, doc, note }) => ({ result, n: (doc as Thing | undefined)?.n, note })));
    const docs = await store.get<Thing>(['counter', number(1), number(2), number(3)]);
    told.push([...docs.keys()].sort());
    expect(docs.get('counter')?.n).toBe(2);
  }
  expect(told[2]).toEqual(told[0]);
  expect(told[3]).toEqual(told[1]);
  expect(await everything(kept)).toBe(before);
});

test('ranges show what would be there, from either end, page by page', async () => {
  const [real, kept] = [fresh(), fresh()];
  for (const store of [real, kept]) await store.bulk([1, 2, 3, 5, 8].map((n) => create(number(n), { n })));
  const dry = dryStore(kept);
  for (const store of [real, dry]) {
    await store.bulk([number(2), number(3)].map((id) => ({ id, change: () => ({ remove: true }) })));
    await store.bulk<Thing>([4, 9].map((n) => ({ id: number(n), change: put(thing(number(n), { n })) })));
  }
  for (const range of [{}, { descending: true }, { limit: 2 }, { limit: 2, descending: true }]) {
    const asked = { ...idsWith('thing:'), ...range };
    expect(plain(await dry.range(asked))).toEqual(plain(await real.range(asked)));
  }
  const read: Doc[] = [];
  for await (const page of pages(dry, idsWith('thing:'), 2)) read.push(...page);
  expect(read.map(({ _id }) => _id)).toEqual([1, 4, 5, 8, 9].map(number));
});

test('storage and batch systems are read only; whoever writes is stopped', async () => {
  const done: string[] = [];
  const storage = { name: 'sfu', stat: async () => new Map(), remove: async () => void done.push('remove') };
  const backend = { status: async () => new Map(), cancel: async () => void done.push('cancel') };
  const base = {
    store: fresh(),
    storage: async () => storage,
    buffer: async () => storage,
    backend: async (_farm: string, looking?: boolean) => {
      if (!looking) done.push('opened');
      return backend;
    },
  };
  const ports = dryPorts(base as unknown as Ports);
  expect(ports.dry).toBe(true);
  expect(dryPorts(ports)).toBe(ports);
  const dry = await ports.storage('sfu');
  expect(dry.name).toBe('sfu');
  expect(await dry.stat([])).toEqual(new Map());
  expect(() => dry.remove([])).toThrow('a dry run called remove');
  const farm = await ports.backend('cedar');
  expect(() => farm.cancel([])).toThrow('a dry run called cancel');
  expect(done).toEqual([]);
});

test('what would be done is marked; what is found is not', async () => {
  const item = (did: string, more: Partial<Item> = {}) => ({ kind: 'job', ref: '1/M/1', did, ...more }) as Item;
  const step = async function* (): Step {
    yield item('made');
    yield item('failed', { failed: true });
    yield item('not-ready', { failed: true });
    yield item('skipped');
  };
  const marked: (boolean | undefined)[] = [];
  for await (const { dryRun } of foretold(step())) marked.push(dryRun);
  expect(marked).toEqual([true, true, undefined, undefined]);
});

test('what does not happen is not said as what would be', async () => {
  const words = Object.keys(DID).filter((did): did is Did => /^(un(?!locked)|not-)/.test(did));
  expect(words.length).toBeGreaterThan(8);
  async function* each(): Step {
    for (const did of words) yield { kind: 'run', ref: '1', did } as Item;
  }
  const would: string[] = [];
  for await (const item of foretold(each())) if (item.dryRun) would.push(item.did);
  // An unchanged hold is what asking for it again would leave.
  expect(would.sort()).toEqual(['unchanged', 'unlabelled', 'unpublished']);
});

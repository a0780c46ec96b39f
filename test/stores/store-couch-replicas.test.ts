// Replicas that the server itself makes: what is refused as a target, how far they are, that no replica becomes writable by
// mistake; and compaction. On the in-memory server, and on a real one where DFLOW_TEST_COUCHDB names it.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Item } from '../../src/lib/flow/ports.ts';
import { compactStore, replicate, storeState } from '../../src/lib/flow/steps/keeping/replicate.ts';
import type { Store, StoreOptions } from '../../src/lib/store.ts';
import { openWith } from '../../src/lib/stores/couch/couch.ts';
import { CONTRACT_VIEWS, create, increment, type Thing } from '../contracts/things.ts';
import { type RunningServer, startCouchServer } from '../fakes/couch-server.ts';
import { type RealCouch, realCouch } from '../support/couch-real.ts';

async function all(step: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of step) items.push(item);
  return items;
}

function replicas(server: () => RealCouch): void {
  const opened: Store[] = [];
  let name = '';
  let store: Store;
  const open = async (database: string, write: StoreOptions['write'], user?: string): Promise<Store> => {
    const one = await openWith(server().url(database, user), { write }, CONTRACT_VIEWS);
    opened.push(one);
    return one;
  };
  beforeEach(async () => {
    name = server().newName();
    store = await open(name, 'setup');
    await store.setup('demo');
    await store.bulk([create('thing:a'), create('thing:b')]);
  });
  afterAll(async () => {
    for (const one of opened) await one.close();
    await server().clean();
  });

  test('a single copy: complete, read-only, and no password is left in the server', async () => {
    const copy = server().newName();
    const dry = await all(replicate(store, server().url(copy), { dryRun: true }));
    expect(dry).toEqual([expect.objectContaining({ did: 'started', dryRun: true, state: 'planned' })]);
    await expect(open(copy, false)).rejects.toMatchObject({ exit: 3 });
    const [item] = await all(replicate(store, server().url(copy), {}));
    expect(item).toMatchObject({ kind: 'replication', did: 'copied', state: 'completed' });
    expect(JSON.stringify(item)).not.toContain('secret');
    expect((await (await open(copy, false)).get(['thing:a', 'thing:b'])).size).toBe(2);
    await expect(open(copy, true)).rejects.toMatchObject({ exit: 2 });
    expect(await store.replication!.list()).toEqual([]);
    // Once more: what has changed since.
    await store.update<Thing>('counter', increment);
    expect(await all(replicate(store, server().url(copy), {}))).toMatchObject([{ did: 'copied' }]);
    expect((await (await open(copy, false)).get(['counter'])).size).toBe(1);
  });

  test('a continuous one says how far it is, goes on once, and is ended', async () => {
    const url = server().url(server().newName());
    expect(await all(replicate(store, url, { continuous: true }))).toMatchObject([
      { did: 'started', state: 'running' },
    ]);
    expect(await all(replicate(store, url, { continuous: true }))).toMatchObject([{ did: 'unchanged' }]);
    // The server says how far it is after a while.
    const state = async () => (await storeState(store)).replications?.[0];
    await expect.poll(state, { timeout: 240_000 }).toMatchObject({ continuous: true, state: 'running', lag: 0 });
    expect(JSON.stringify(await state())).not.toMatch(/secret|@/);
    expect(await all(replicate(store, url, { stop: true }))).toMatchObject([{ did: 'stopped' }]);
    expect(await all(replicate(store, url, { stop: true }))).toMatchObject([{ did: 'unchanged' }]);
    expect((await storeState(store)).replications).toBeUndefined();
  });

  test('a target that is writable, holds something else, or is the store itself, is refused', async () => {
    const [other, filled] = [server().newName(), server().newName()];
    await (await open(other, 'setup')).setup('other');
    await server().call('PUT', filled);
    await server().call('PUT', `${filled}/mine`, { a: 1 });
    for (const [database, words] of [
      [other, "writable store of the experiment 'other'"],
      [filled, '1 document and is not a replica of this store'],
      [name, 'its own replica'],
    ] as const) {
      const refused = { exit: 2, message: expect.stringContaining(words), hint: expect.anything() };
      await expect(all(replicate(store, server().url(database), {}))).rejects.toMatchObject(refused);
    }
  });

  test('a replica is not set up by mistake, an empty one neither; by the name of the experiment it is', async () => {
    const copy = server().newName();
    await all(replicate(store, server().url(copy), {}));
    const replica = await open(copy, 'setup');
    const refused = { exit: 2, message: expect.stringContaining(`is a replica of ${(await store.info()).where}`) };
    await expect(replica.setup('demo')).rejects.toMatchObject(refused);
    expect(await replica.setup('demo', 'demo')).toMatchObject({ writable: true, documents: 2 });
    expect(await (await open(copy, true)).update<Thing>('counter', increment)).toMatchObject({ result: 'written' });
    // It is a store of its own now, and no target any more.
    await expect(all(replicate(store, server().url(copy), {}))).rejects.toMatchObject({ exit: 2 });
  });

  test('replication takes an admin of the server', async () => {
    const operator = server().newUser('otto');
    await store.rights!.grant(operator, 'operator', { password: 'pw' });
    const theirs = await open(name, true, operator);
    const refused = { exit: 2, message: expect.stringContaining('admin of the server') };
    await expect(all(replicate(theirs, server().url(server().newName()), {}))).rejects.toMatchObject(refused);
    expect(await storeState(theirs)).toMatchObject({ user: operator, role: 'operator' });
  });

  test('compacting names each part with its size', async () => {
    const parts = await all(compactStore(store, {}));
    expect(parts.length).toBe(2);
    for (const part of parts) expect(part).toMatchObject({ did: 'compacted', bytes: expect.any(Number) });
    expect(await all(compactStore(store, { dryRun: true }))).toMatchObject([{ dryRun: true }, { dryRun: true }]);
    expect((await store.get(['thing:a', 'thing:b'])).size).toBe(2);
  });
}

describe('in memory', () => {
  let server: RunningServer;
  let couch: RealCouch | undefined;
  beforeAll(async () => {
    server = await startCouchServer();
  });
  afterAll(() => server.stop());
  replicas(() => {
    couch ??= realCouch(server.url.replace('//', '//admin:secret@'));
    return couch;
  });

  test('a server that refuses the login of the target: the item fails with the words of the server', async () => {
    couch ??= realCouch(server.url.replace('//', '//admin:secret@'));
    const store = await openWith(couch.url(couch.newName()), { write: 'setup' }, CONTRACT_VIEWS);
    await store.setup('demo');
    const target = couch.url(couch.newName()).replace('admin:secret', 'admin:wrong');
    const [item] = await all(replicate(store, target, { continuous: true }));
    expect(item).toMatchObject({
      did: 'failed',
      failed: true,
      text: expect.stringContaining('replication_auth_error'),
    });
    expect(JSON.stringify(item)).not.toContain('wrong@');
    await store.close();
  });
});

const real = process.env.DFLOW_TEST_COUCHDB;

describe.skipIf(!real)('on the real CouchDB of DFLOW_TEST_COUCHDB', () => {
  const couch = realCouch(real ?? 'http://admin:x@127.0.0.1:1');
  replicas(() => couch);
});

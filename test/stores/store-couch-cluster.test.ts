// A CouchDB cluster with several copies of each shard is not compare-and-swap: nothing of dflow writes such a database.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Store } from '../../src/lib/store.ts';
import { openWith } from '../../src/lib/stores/couch/couch.ts';
import { CONTRACT_VIEWS, increment, type Thing } from '../contracts/things.ts';
import { clusterOf, type FaultProxy, type RunningServer, startCouchServer, startProxy } from '../fakes/couch-server.ts';

let server: RunningServer;
let proxy: FaultProxy;
const opened: Store[] = [];
beforeAll(async () => {
  server = await startCouchServer();
  proxy = await startProxy(server.url);
});
afterAll(async () => {
  for (const each of opened) await each.close();
  await proxy.stop();
  await server.stop();
});

const open = async (name: string, write: boolean | 'setup'): Promise<Store> => {
  const store = await openWith(`${proxy.url}/${name}`, { write }, CONTRACT_VIEWS);
  opened.push(store);
  return store;
};

test('n=2: setup and every opening for writing end with 2, say why and what to do; reading goes on', async () => {
  proxy.fault = clusterOf(1);
  const store = await open('moved', 'setup');
  await store.setup('demo');
  await store.update<Thing>('counter', increment);
  proxy.fault = clusterOf(2);
  const refused = {
    name: 'ReadOnlyStoreError',
    exit: 2,
    message: expect.stringContaining('n=2'),
    where: `${proxy.url}/moved`,
    hint: expect.stringContaining('dflow store setup'),
  };
  await expect(open('moved', true)).rejects.toMatchObject(refused);
  await expect((await open('moved', 'setup')).setup('demo')).rejects.toMatchObject(refused);
  const reader = await open('moved', false);
  expect((await reader.get(['counter'])).size).toBe(1);
  expect(await reader.info()).toMatchObject({ writable: false, unsafe: expect.stringContaining('n=2') });
});

test('a new database of such a cluster is asked for with n=1; one that has more is left without a mark', async () => {
  proxy.fault = clusterOf(3);
  const queries: string[] = [];
  const cluster = proxy.fault;
  proxy.fault = (method, path, user) => {
    queries.push(`${method} ${path}`);
    return cluster(method, path, user);
  };
  await expect((await open('fresh', 'setup')).setup('demo')).rejects.toMatchObject({ exit: 2 });
  expect(queries).toContain('PUT /fresh?n=1');
  proxy.fault = clusterOf(1);
  await expect(open('fresh', true)).rejects.toMatchObject({ exit: 2, message: expect.stringContaining('not set up') });
});

test('many shards with one copy each are fine', async () => {
  proxy.fault = (method, path, user) => {
    const fault = clusterOf(1)(method, path, user);
    if (fault.kind !== 'edit') return fault;
    return { kind: 'edit', edit: (body) => ({ ...body, cluster: { q: 8, n: 1, w: 1, r: 1 } }) };
  };
  const store = await open('sharded', 'setup');
  expect(await store.setup('demo')).toMatchObject({ writable: true });
  expect(await (await open('sharded', true)).update<Thing>('counter', increment)).toMatchObject({ result: 'written' });
});

// The CouchDB store: the contract over an in-memory server that speaks its protocol, over a real one where
// DFLOW_TEST_COUCHDB=http://user:password@host:port names it, and what is its own: lost replies, refusals, clocks.
import { afterAll, beforeAll, test } from 'vitest';
import { openWith } from '../src/lib/stores/couch.ts';
import { type StoreFixture, storeContract } from './contracts/store.ts';
import { type RunningServer, startCouchServer } from './fakes/couch-server.ts';

let server: RunningServer;
beforeAll(async () => {
  server = await startCouchServer();
});
afterAll(() => server.stop());

/** A database with a name of its own at `base`, which may carry a login. */
function fixtureAt(base: string): StoreFixture {
  const name = `dflow-test-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`;
  const url = new URL(name, base.endsWith('/') ? base : `${base}/`);
  const login = url.username ? { authorization: `Basic ${btoa(`${url.username}:${url.password}`)}` } : {};
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  const call = async (method: string, path: string, body?: unknown): Promise<Record<string, unknown>> => {
    const headers = { 'content-type': 'application/json', ...login };
    const reply = await fetch(bare.href + path, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return (await reply.json()) as Record<string, unknown>;
  };
  const marker = () => call('GET', '/_local/dflow');
  return {
    open: (options, views) => openWith(url.href, options, views),
    dispose: async () => void (await call('DELETE', '')),
    unmark: async () => void (await call('DELETE', `/_local/dflow?rev=${(await marker())._rev}`)),
    setSchema: async (schema) => void (await call('PUT', '/_local/dflow', { ...(await marker()), schema })),
    conflict: async (id) => {
      const doc = { _id: id, _rev: '1-00000000000000000000000000000001', kind: 'thing', v: 1 };
      await call('POST', '/_bulk_docs', { new_edits: false, docs: [doc] });
    },
  };
}

const ALL = { unmark: true, setSchema: true, conflict: true } as const;
storeContract('couch, in-memory server', async () => fixtureAt(server.url), {
  ...ALL,
  icu: false,
  race: { clients: 3, times: 4 },
  many: 1100,
});

const real = process.env.DFLOW_TEST_COUCHDB;
if (real) storeContract('couch, real server', async () => fixtureAt(real), { ...ALL, race: { clients: 4, times: 10 } });
else test.skip('LEFT OUT: the contract on a real CouchDB, since DFLOW_TEST_COUCHDB names none', () => {});

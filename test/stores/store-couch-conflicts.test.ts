// Replication conflicts of CouchDB: seen, shown, and settled by keeping one revision. In memory, and on the real server of
// DFLOW_TEST_COUCHDB.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Doc } from '../../src/lib/domain/doc.ts';
import type { Store } from '../../src/lib/store.ts';
import { openWith } from '../../src/lib/stores/couch/couch.ts';
import { CONTRACT_VIEWS, put, type Thing, thing } from '../contracts/things.ts';
import { type FaultProxy, type RunningServer, startCouchServer, startProxy } from '../fakes/couch-server.ts';

const ID = 'thing:a';
const LOSER = '1-00000000000000000000000000000001';

const real = process.env.DFLOW_TEST_COUCHDB;
describe.each(real ? ['in memory', 'real'] : ['in memory'])('%s', (where) => {
  let server: RunningServer | undefined;
  let proxy: FaultProxy;
  let url: URL;
  let store: Store;
  beforeAll(async () => {
    if (where === 'in memory') server = await startCouchServer();
  });
  afterAll(async () => server?.stop());
  beforeEach(async () => {
    const base = new URL(server?.url ?? real!);
    proxy = await startProxy(base.origin);
    url = new URL(`/dflow-test-conflict-${Math.random().toString(36).slice(2, 10)}`, proxy.url);
    url.username = base.username;
    url.password = base.password;
    store = await openWith(url.href, { write: 'setup' }, CONTRACT_VIEWS);
    await store.setup('demo');
    await store.update<Thing>(ID, put(thing(ID, { n: 1, value: 'ours' })));
    await store.update<Thing>(ID, (doc) => ({ write: { ...doc!, n: 2 } }));
    const theirs = { ...thing(ID, { n: 7, value: 'theirs' }), _rev: LOSER };
    await call('POST', '/_bulk_docs', { new_edits: false, docs: [theirs] });
  });
  afterEach(async () => {
    await store.close();
    proxy.fault = () => ({ kind: 'pass' });
    await call('DELETE', '');
    await proxy.stop();
  });

  async function call(method: string, path: string, body?: unknown): Promise<void> {
    const headers = {
      'content-type': 'application/json',
      ...(url.username && { authorization: `Basic ${btoa(`${url.username}:${url.password}`)}` }),
    };
    await fetch(`${proxy.url}${url.pathname}${path}`, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }

  const revisions = async (): Promise<Doc[]> =>
    ((await store.keeping?.conflicts?.revisions(ID)) ?? []).map(({ doc }) => doc);
  const now = async (): Promise<Thing | undefined> => (await store.get<Thing>([ID])).get(ID);

  test('revisions: the one that everybody sees, then those that lost', async () => {
    const [winner, loser, ...more] = (await revisions()) as Thing[];
    expect(winner).toMatchObject({ n: 2, value: 'ours' });
    expect(loser).toMatchObject({ n: 7, value: 'theirs', _rev: LOSER });
    expect(more).toEqual([]);
    expect(await store.keeping?.conflicts?.revisions('thing:none')).toEqual([]);
  });

  test.each(['the winner', 'the loser'])('keeping %s: it is the document, and changes again', async (which) => {
    const [winner, loser] = (await revisions()) as Thing[];
    const kept = which === 'the winner' ? winner! : loser!;
    expect(await store.keeping?.conflicts?.keep(ID, kept._rev!)).toBe(true);
    const doc = await now();
    expect(doc).toMatchObject({ n: kept.n, value: kept.value });
    expect(doc?._conflicts).toBeUndefined();
    expect(await revisions()).toHaveLength(1);
    const changed = await store.update<Thing>(ID, (there) => ({ write: { ...there!, n: 3 } }));
    expect(changed).toMatchObject({ result: 'written', doc: { value: kept.value } });
  });

  test('the reply is lost: it is settled all the same', async () => {
    let dropped = 0;
    proxy.fault = (method, path) =>
      method !== 'GET' && !path.includes('_all_docs') && dropped++ % 2 === 0 ? { kind: 'drop' } : { kind: 'pass' };
    expect(await store.keeping?.conflicts?.keep(ID, LOSER)).toBe(true);
    expect(await now()).toMatchObject({ value: 'theirs' });
    expect(await revisions()).toHaveLength(1);
  });

  test('a revision that is not there settles nothing', async () => {
    expect(await store.keeping?.conflicts?.keep(ID, '5-00000000000000000000000000000005')).toBe(false);
    expect(await revisions()).toHaveLength(2);
  });
});

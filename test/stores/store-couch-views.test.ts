// Views on CouchDB: each version of dflow has a set of its own beside the others'; what somebody edited is noticed; a
// query that waits for a build says so. And setting up: with the rights that there are, and never a second writable store.
import { beforeEach, describe, expect, test } from 'vitest';
import type { Store, StoreOptions, ViewSet } from '../../src/lib/store.ts';
import { designOf } from '../../src/lib/stores/couch/design.ts';
import type { View } from '../../src/lib/views/view.ts';
import { CONTRACT_VIEWS, create, increment, sumsView, type Thing } from '../contracts/things.ts';
import { refusal } from '../fakes/couch-server.ts';
import { couchBehindProxy, PASS } from '../support/couch.ts';

const couch = couchBehindProxy('views');
beforeEach(async () => {
  await couch.store.update<Thing>('counter', increment);
});

const open = (write: StoreOptions['write'], views: readonly View[] = CONTRACT_VIEWS): Promise<Store> =>
  couch.open(write, { views });

const OWN = designOf(CONTRACT_VIEWS)._id;

/** The views of the next version. */
const NEXT: readonly View[] = [
  { name: 'sums', reduce: '_sum', map: (doc, emit) => emit(['new', doc.n], doc.n) } as typeof sumsView,
];

const call = async (method: string, path: string, body?: unknown): Promise<Record<string, unknown>> => {
  const headers = { 'content-type': 'application/json' };
  const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
  return (await (await fetch(`${couch.url}/${path}`, init)).json()) as Record<string, unknown>;
};

async function deployed(from: Store, options: { prune?: boolean; dryRun?: boolean } = {}): Promise<ViewSet[]> {
  const sets: ViewSet[] = [];
  for await (const set of from.keeping!.deploy(options)) sets.push(set);
  return sets;
}

test('a database without any views is told as one that is not set up', async () => {
  const { _rev } = await call('GET', OWN);
  await call('DELETE', `${OWN}?rev=${_rev}`);
  await expect((await open(false)).view(sumsView)).rejects.toMatchObject({
    exit: 2,
    message: expect.stringContaining('it is not set up'),
    hint: 'dflow store setup',
  });
});

describe('two versions of dflow on one store', () => {
  test('the new one is told to deploy; then both work side by side until somebody prunes', async () => {
    const next = await open(true, NEXT);
    await expect(next.view(sumsView)).rejects.toMatchObject({
      exit: 2,
      hint: expect.stringContaining('dflow store deploy'),
    });
    const own = designOf(NEXT)._id;
    expect(await deployed(next, { dryRun: true })).toEqual([
      { id: own, did: 'deployed' },
      { id: OWN, did: 'kept' },
    ]);
    await expect((await open(true, NEXT)).view(sumsView)).rejects.toMatchObject({ exit: 2 });
    expect(await deployed(next)).toEqual([
      { id: own, did: 'deployed' },
      { id: OWN, did: 'kept' },
    ]);
    for (let round = 2; round <= 4; round++) {
      await couch.store.update<Thing>('counter', increment);
      expect((await next.view(sumsView)).map(({ key }) => key)).toEqual([['new', round]]);
      expect((await couch.store.view(sumsView)).map(({ key }) => key)).toEqual([
        ['n', round % 2 ? 'odd' : 'even', round],
      ]);
    }
    // Setting up again, by either, removes nothing of the other.
    await (await open('setup')).setup('demo');
    await (await open('setup', NEXT)).setup('demo');
    expect(await (await open(true)).view(sumsView)).toHaveLength(1);
    expect(await deployed(next, { prune: true })).toEqual([
      { id: own, did: 'unchanged' },
      { id: OWN, did: 'pruned' },
    ]);
    expect(await next.view(sumsView)).toHaveLength(1);
    await expect((await open(true)).view(sumsView)).rejects.toMatchObject({ exit: 2 });
    expect((await next.info()).documents).toBe(1);
  });
});

describe('a design document that somebody edited', () => {
  const edits: readonly [string, (design: Record<string, unknown>) => Record<string, unknown>][] = [
    [
      'another map',
      (design) => withView(design, { map: 'function (doc) { if (false) emit(null, 1); }', reduce: '_sum' }),
    ],
    ['another reduce', (design) => withView(design, { map: 'function (doc) { emit(doc.n, 1); }', reduce: '_count' })],
    ['a view less', (design) => ({ ...design, views: {} })],
    ['a view more', (design) => ({ ...design, views: { ...(design.views as object), more: { map: '(doc) => {}' } } })],
  ];
  function withView(design: Record<string, unknown>, sums: object): Record<string, unknown> {
    return { ...design, views: { ...(design.views as object), sums } };
  }

  for (const [what, edit] of edits) {
    test(`${what}: every command that uses views ends with 2; deploy and setup repair`, async () => {
      const damage = async (): Promise<void> => void (await call('PUT', OWN, edit(await call('GET', OWN))));
      for (const write of [true, false]) {
        await damage();
        const reader = await open(write);
        await expect(reader.view(sumsView)).rejects.toMatchObject({
          exit: 2,
          message: expect.stringContaining('was edited'),
          hint: 'dflow store deploy',
        });
        expect(await deployed(await open(true))).toEqual([{ id: OWN, did: 'repaired' }]);
        expect(await (await open(write)).view(sumsView)).toHaveLength(1);
      }
      await damage();
      await (await open('setup')).setup('demo');
      expect(await (await open(true)).view(sumsView)).toHaveLength(1);
    });
  }
});

test('a query that waits for a build says so, with what is left, and goes on when a proxy gives up in between', async () => {
  let gaveUp = 0;
  couch.proxy.fault = (_, path) => {
    if (path.includes('/_info')) {
      return { kind: 'answer', status: 200, body: { view_index: { updates_pending: { total: 123_456 } } } };
    }
    if (!path.includes('/_view/')) return PASS;
    if (gaveUp++ < 1) return refusal(504, 'gateway_timeout', 'no answer from upstream');
    return { kind: 'slow', milliseconds: 4_000 };
  };
  expect(await (await open(true)).view(sumsView)).toHaveLength(1);
  expect(couch.said).toEqual([expect.stringMatching(/builds its views: 123456 changes to go/)]);
});

test("CouchDB's own timeout of a build is waited out as well", async () => {
  let times = 0;
  const slow = refusal(500, 'timeout', 'The request could not be processed in a reasonable amount of time.');
  couch.proxy.fault = (_, path) => (path.includes('/_view/') && times++ < 2 ? slow : PASS);
  expect(await (await open(true)).view(sumsView)).toHaveLength(1);
});

describe('setting up', () => {
  test("an admin of the database is enough where it exists; where it does not, the server's admin is asked for", async () => {
    const notAdmin = refusal(401, 'unauthorized', 'You are not a server admin.');
    couch.proxy.fault = (method, path) => (method === 'PUT' && /^\/[^/?]+(\?|$)/.test(path) ? notAdmin : PASS);
    expect(await (await open('setup')).setup('demo')).toMatchObject({ writable: true });
    couch.url = `${couch.url}-new`;
    await expect((await open('setup')).setup('demo')).rejects.toMatchObject({
      exit: 2,
      message: expect.stringContaining('does not exist'),
      hint: expect.stringContaining(`curl -X PUT -u ADMIN ${couch.url}`),
    });
  });

  test('who may not write design documents is told so', async () => {
    const notAdmin = refusal(401, 'unauthorized', 'You are not a db or server admin.');
    couch.proxy.fault = (method, path) => (method === 'PUT' && path.includes('/_design/') ? notAdmin : PASS);
    await expect(deployed(await open(true, NEXT))).rejects.toMatchObject({
      exit: 2,
      message: expect.stringContaining('You are not a db or server admin'),
    });
  });

  test('a filled database without a mark is not made a second writable one, but by the name of the experiment', async () => {
    await couch.store.bulk([create('thing:a'), create('thing:b')]);
    const marker = await call('GET', '_local/dflow');
    await call('DELETE', `_local/dflow?rev=${marker._rev}`);
    const setup = await open('setup');
    await expect(setup.setup('demo')).rejects.toMatchObject({
      exit: 2,
      message: expect.stringContaining('3 documents'),
      hint: expect.stringContaining('dflow store setup --force demo'),
    });
    await expect(setup.setup('demo', 'other')).rejects.toMatchObject({ exit: 2 });
    await expect(open(true)).rejects.toMatchObject({ exit: 2 });
    expect(await setup.setup('demo', 'demo')).toMatchObject({ writable: true, documents: 3 });
  });
});

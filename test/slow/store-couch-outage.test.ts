// What a CouchDB that is away, slow, overloaded or silent means: waited out for a while, said after a moment, and told
// with its HTTP status and its own words.
import { beforeEach, expect, test } from 'vitest';
import type { Store } from '../../src/lib/store.ts';
import type { Timing } from '../../src/lib/stores/couch/server/connection.ts';
import { increment, sumsView, type Thing } from '../contracts/things.ts';
import { type Fault, refusal } from '../fakes/couch-server.ts';
import { couchBehindProxy, PASS } from '../support/couch.ts';

const couch = couchBehindProxy('outage');
beforeEach(async () => {
  await couch.store.update<Thing>('counter', increment);
});

const open = (write: boolean, timing: Timing = {}): Promise<Store> => couch.open(write, { timing });

/** Every request meets `fault`, the first `times` of them. */
function failing(fault: Fault, times = Number.POSITIVE_INFINITY): void {
  let left = times;
  couch.proxy.fault = () => (left-- > 0 ? fault : PASS);
}

const errorOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

test('a server that is away for a while is waited for: a read, a view and a write end as if nothing had been', async () => {
  const store = await open(true);
  failing({ kind: 'refuse' }, 7);
  expect((await store.get<Thing>(['counter'])).get('counter')?.n).toBe(1);
  failing(refusal(502, 'bad_gateway', 'the proxy in front of the store'), 7);
  expect(await store.view(sumsView)).toHaveLength(1);
  failing({ kind: 'refuse' }, 7);
  expect(await store.update<Thing>('counter', increment)).toMatchObject({ result: 'written', doc: { n: 2 } });
});

test('the wait is said, and its end', async () => {
  const store = await open(true);
  failing(refusal(503, 'service_unavailable', 'starting', { 'retry-after': '3' }), 1);
  expect((await store.get(['counter'])).size).toBe(1);
  expect(couch.said).toEqual([
    expect.stringMatching(/HTTP 503 Service Unavailable: service_unavailable: starting.*asks to wait 3 s.*up to 45 s/),
    'the store answers again',
  ]);
});

test('a server that wants to be left alone for longer than anybody waits is told at once', async () => {
  const store = await open(true);
  failing(refusal(429, 'too_many_requests', 'slow down', { 'retry-after': '3600' }));
  couch.proxy.seen.length = 0;
  expect(await errorOf(store.get(['counter']))).toMatchObject({
    exit: 3,
    where: couch.url,
    message: expect.stringMatching(
      /HTTP 429 Too Many Requests: too_many_requests: slow down, which asks to wait 3600 s/,
    ),
    hint: expect.stringContaining('curl'),
  });
  expect(couch.proxy.seen).toHaveLength(1);
});

test('a server that takes connections and never answers is said, and told as that', async () => {
  const store = await open(true, { silence: 50, sign: 150, patience: 400 });
  failing({ kind: 'hang' });
  expect(await errorOf(store.get(['counter']))).toMatchObject({
    exit: 3,
    message: expect.stringContaining('it takes connections and does not answer'),
  });
  expect(couch.said[0]).toContain('the store does not answer yet');
  // Nobody waits a second time for what was waited for in vain.
  couch.proxy.seen.length = 0;
  expect(await errorOf(store.view(sumsView))).toMatchObject({ exit: 3 });
  expect(couch.proxy.seen.filter((line) => line.includes('_view'))).toHaveLength(1);
});

test('a slow answer of a server that lives is waited for', async () => {
  const store = await open(true, { silence: 50, sign: 5_000, patience: 100 });
  couch.proxy.fault = (_, path) => (path.includes('_all_docs') ? { kind: 'slow', milliseconds: 600 } : PASS);
  expect((await store.get(['counter'])).size).toBe(1);
});

test('one kind of request that is never answered ends, too', async () => {
  const store = await open(true, { silence: 50, longest: 300, patience: 100 });
  couch.proxy.fault = (_, path) => (path.includes('_bulk_docs') ? { kind: 'hang' } : PASS);
  expect(await errorOf(store.update<Thing>('counter', increment))).toMatchObject({ exit: 3 });
});

test('every other answer is told with its status and words', async () => {
  const store = await open(true);
  failing(refusal(418, 'teapot', 'short and stout'));
  expect(await errorOf(store.get(['counter']))).toMatchObject({
    exit: 3,
    message: expect.stringContaining("HTTP 418 I'm a Teapot: teapot: short and stout"),
  });
  failing(refusal(413, 'document_too_large', 'counter'));
  expect(await errorOf(store.get(['counter']))).toMatchObject({
    exit: 1,
    message: expect.stringContaining('HTTP 413'),
  });
});

test('closing the store ends what waits for the server', async () => {
  const store = await open(true);
  failing({ kind: 'refuse' });
  const waiting = [errorOf(store.get(['counter'])), errorOf(store.view(sumsView))];
  await expect.poll(() => couch.proxy.seen.filter((line) => line.includes('_view')).length).toBeGreaterThan(1);
  const seen = couch.proxy.seen.length;
  await store.close();
  // Well within the time for which an outage is waited out, or the test times out.
  for (const error of await Promise.all(waiting)) expect(error).toMatchObject({ exit: 3 });
  expect(couch.proxy.seen.length).toBeLessThanOrEqual(seen + 2);
});

test('a document that the server does not take for another reason is told with the words of the server', async () => {
  const store = await open(true);
  const row = { id: 'counter', error: 'compilation_error', reason: `Expression does not eval ${'x'.repeat(9_000)}` };
  couch.proxy.fault = (_, path) => (path.includes('_bulk_docs') ? { kind: 'answer', status: 201, body: [row] } : PASS);
  const error = (await errorOf(store.update<Thing>('counter', increment))) as Error;
  expect(error).toMatchObject({ exit: 3, message: expect.stringContaining('counter: compilation_error: Expression') });
  expect(error.message.length).toBeLessThan(400);
});

// The CouchDB store over a network that fails: lost replies, refusals, a server that is away.
import { beforeEach, describe, expect, test } from 'vitest';
import type { Doc } from '../../src/lib/domain/doc.ts';
import type { Store } from '../../src/lib/store.ts';
import { openWith } from '../../src/lib/stores/couch/couch.ts';
import { CONTRACT_VIEWS, increment, sumsView, type Thing } from '../contracts/things.ts';
import type { Fault } from '../fakes/couch-server.ts';
import { couchBehindProxy, PASS } from '../support/couch.ts';

const couch = couchBehindProxy('net');

/** No outage is waited out. */
const IMPATIENT = { patience: 0 };
const isBulk = (method: string, path: string): boolean => method === 'POST' && path.endsWith('/_bulk_docs');

describe('a network that fails', () => {
  let store: Store;
  beforeEach(() => {
    store = couch.store;
  });
  /** The first `times` requests that `match` meet `fault`. */
  const failing = (times: number, fault: Fault, match: (method: string, path: string) => boolean): void => {
    let left = times;
    couch.proxy.fault = (method, path) => (match(method, path) && left-- > 0 ? fault : PASS);
  };
  const counter = async (): Promise<number | undefined> => (await store.get<Thing>(['counter'])).get('counter')?.n;

  const written: readonly [string, Fault][] = [
    ['the reply is lost', { kind: 'drop' }],
    ['the reply is cut off', { kind: 'cut' }],
    ['202, too few copies', { kind: 'status', status: 202, forward: true }],
    ['500 after it was written', { kind: 'status', status: 500, forward: true }],
  ];
  for (const [what, fault] of written) {
    test(`written, but ${what}: found by its operation, made once`, async () => {
      await store.update<Thing>('counter', increment);
      failing(1, fault, isBulk);
      expect(await store.update<Thing>('counter', increment)).toMatchObject({ result: 'already', doc: { n: 2 } });
      expect(await counter()).toBe(2);
      failing(1, fault, isBulk);
      expect(await store.update('counter', () => ({ remove: true }))).toMatchObject({ result: 'already' });
      expect(await counter()).toBeUndefined();
    });
  }

  const unwritten: readonly [string, Fault][] = [
    ['refused', { kind: 'refuse' }],
    ['503', { kind: 'status', status: 503, forward: false }],
  ];
  for (const [what, fault] of unwritten) {
    test(`not written, ${what}: made at the next try`, async () => {
      failing(2, fault, isBulk);
      expect(await store.update<Thing>('counter', increment)).toMatchObject({ result: 'written', doc: { n: 1 } });
      expect(await counter()).toBe(1);
    });
  }

  test('racing clients that lose every third reply: no increment lost or doubled', async () => {
    let requests = 0;
    couch.proxy.fault = (method, path) => (isBulk(method, path) && ++requests % 3 === 0 ? { kind: 'drop' } : PASS);
    const stores = await Promise.all([1, 2, 3].map(() => couch.open(true)));
    const outcomes = await Promise.all(
      stores.map(async (each) => {
        const results: string[] = [];
        for (let i = 0; i < 6; i++) results.push((await each.update<Thing>('counter', increment)).result);
        return results;
      }),
    );
    const effects = outcomes.flat().filter((result) => result === 'written' || result === 'already');
    expect(outcomes.flat()).toContain('already');
    expect(await counter()).toBe(effects.length);
  });

  test('reads are tried again; an answer cut off is never taken for an empty one', async () => {
    await store.update<Thing>('counter', increment);
    for (const fault of [
      { kind: 'cut' },
      { kind: 'drop' },
      { kind: 'status', status: 500, forward: false },
    ] as Fault[]) {
      failing(2, fault, () => true);
      expect(await counter()).toBe(1);
      failing(2, fault, () => true);
      expect(await store.view(sumsView)).toHaveLength(1);
    }
  });

  test('out of reach: exit code 3, with the URL and without the login', async () => {
    store = await couch.open(true, { timing: IMPATIENT });
    failing(Number.POSITIVE_INFINITY, { kind: 'refuse' }, () => true);
    await expect(store.get(['counter'])).rejects.toMatchObject({ exit: 3, where: couch.url });
    await expect(store.update('counter', () => ({ skip: 'x' }))).rejects.toMatchObject({ exit: 3 });
    const secret = couch.url.replace('//', '//ann:s3cret@');
    const error = await openWith(secret, { write: true }, CONTRACT_VIEWS, IMPATIENT).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ exit: 3, where: couch.url });
    const { message, hint, stack, cause } = error as Error & { hint?: string };
    expect(JSON.stringify([message, hint, stack, String(cause)])).not.toContain('s3cret');
  });

  test('a database that there is not', async () => {
    await expect(openWith(`${couch.proxy.url}/none`, { write: false }, CONTRACT_VIEWS)).rejects.toMatchObject({
      exit: 3,
      hint: 'dflow store setup',
    });
  });

  test('thousands go as batches, not one by one', async () => {
    couch.proxy.seen.length = 0;
    const docs = Array.from({ length: 1001 }, (_, i) => ({ _id: `thing:${i}`, kind: 'thing' as const, v: 1 }));
    await store.bulk<Doc>(docs.map((doc) => ({ id: doc._id, change: () => ({ write: doc }) })));
    expect(couch.proxy.seen.map((line) => line.replace(/.*\//, ''))).toEqual([
      '_all_docs',
      '_bulk_docs',
      '_all_docs',
      '_bulk_docs',
    ]);
  });
});

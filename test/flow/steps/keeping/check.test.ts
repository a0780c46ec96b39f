// store check: what it finds in documents, what it leaves alone, and that it asks the store in pages.
import { beforeEach, describe, expect, test } from 'vitest';
import type { Doc } from '../../../../src/lib/domain/doc.ts';
import { runId } from '../../../../src/lib/domain/ids.ts';
import type { JobDoc } from '../../../../src/lib/domain/jobs/job.ts';
import { checkStore } from '../../../../src/lib/flow/steps/keeping/check.ts';
import type { Store } from '../../../../src/lib/store.ts';
import { openDatabase } from '../../../../src/lib/util/sqlite.ts';
import { VIEWS } from '../../../../src/lib/views/index.ts';
import { dataDoc, job, module, rawFile, T0 } from '../../../support/docs.ts';
import { eachStore } from '../../../support/eachstore.ts';
import { collect } from '../../../support/items.ts';
import { replacing } from '../../../support/ports.ts';
import { fresh, path, setUp, tearDown } from '../../../support/sqlite.ts';

const STORES = eachStore();

const put = (store: Store, ...docs: readonly Doc[]) =>
  store.bulk(docs.map((doc) => ({ id: doc._id, change: () => ({ write: doc }) })));
const run = (n: number): Doc & object =>
  ({ _id: runId(n), kind: 'run', v: 1, run: n, levels: {}, firstSeen: T0, history: [] }) as Doc;
const brief = async (store: Store, options = {}): Promise<string[]> =>
  (await collect(checkStore(store, options))).map(({ did, ref, text }) => `${did} ${ref}: ${text}`);

describe.each(Object.entries(STORES))('on %s', (_, make) => {
  let store: Store;
  beforeEach(async () => {
    store = await make();
  });

  test('a sound store has no finding', async () => {
    const first = job();
    await put(store, run(12), dataDoc(12, [rawFile(12, 0, ['disk'])]), first);
    await put(store, job({ module: module('Sum', { needs: ['Count'] }), needs: [first] }));
    expect(await collect(checkStore(store))).toMatchObject([
      { did: 'checked', documents: 4, text: '4 documents, 0 findings' },
    ]);
  });

  test('each document that is named and missing is a finding, with what to type', async () => {
    const first = job({ request: 'spring' });
    const second = job({ module: module('Sum', { needs: ['Count'] }), needs: [first], pass: 2 });
    await put(store, { ...second, tag: 'frozen' } as Doc, dataDoc(13, [rawFile(13, 0)]));
    const claim = { _id: 'claim:n1', kind: 'claim', v: 1, site: 'here', epoch: 0, nonce: 'n1', at: T0, by: 'x' };
    await put(store, { ...claim, refs: [['job:0000000099:Gone:001', 0]] } as Doc);
    const items = (await collect(checkStore(store))).filter(({ failed }) => failed);
    expect(items.map(({ did, ref, text }) => `${did} ${ref} ${text}`).sort()).toEqual([
      'dangling claim:n1 the pass job:0000000099:Gone:001 does not exist',
      'dangling data:L1:0000000013 the run run:0000000013 does not exist',
      'dangling job:0000000012:Sum:002 the prerequisite pass job:0000000012:Count:001 does not exist',
      'dangling job:0000000012:Sum:002 the run run:0000000012 does not exist',
      'dangling job:0000000012:Sum:002 the tag tag:frozen does not exist',
    ]);
    expect(items.every(({ next }) => next?.includes('dflow '))).toBe(true);
    await put(store, run(12), run(13), { ...first, request: undefined } as Doc, dataDoc(12, [rawFile(12, 0)]));
    expect(await brief(store)).toEqual(expect.arrayContaining([expect.stringContaining('7 documents, 2 findings')]));
  });

  test('an unreadable document, one of a newer dflow, an impossible state and an abandoned copy are told', async () => {
    const file = rawFile(12, 0);
    const slot = { state: 'copying', attempt: 1, since: T0, host: 'old', nonce: 'n', expires: T0 } as const;
    await put(store, run(12), dataDoc(12, [{ ...file, replicas: { disk: slot } }]));
    const odd = { at: T0, by: 'x', subjob: 0, from: 'completed', to: 'running' };
    await put(store, { ...job(), state: 'completed', history: [odd] } as JobDoc);
    await put(store, { ...run(14), firstSeen: 7 } as Doc, { ...run(15), v: 2 });
    const found = (await collect(checkStore(store))).filter(({ failed }) => failed);
    expect(found.map(({ did, ref, next }) => `${did} ${ref} ${next}`)).toEqual([
      'abandoned data:L1:0000000012 dflow transfer --level L1 --run 12',
      'impossible job:0000000012:Count:001 dflow store check --mend',
      expect.stringContaining('impossible job:0000000012:Count:001 no command changes it'),
      expect.stringContaining('unreadable run:0000000014 dflow store drop run:0000000014'),
      'unreadable run:0000000015 upgrade dflow on this host: npm install -g dflow',
    ]);
  });

  test('--mend gives a pass the state of its subjobs; a dry run writes nothing', async () => {
    await put(store, run(12), dataDoc(12, [rawFile(12, 0)]), { ...job(), state: 'completed' } as JobDoc);
    const stateNow = async () => (await store.get<JobDoc>([job()._id])).get(job()._id)?.state;
    expect(await collect(checkStore(store, { mend: true, dryRun: true }))).toMatchObject([
      { did: 'mended', dryRun: true },
      { did: 'checked' },
    ]);
    expect(await stateNow()).toBe('completed');
    expect(await collect(checkStore(store, { mend: true }))).toMatchObject([{ did: 'mended' }, { did: 'checked' }]);
    expect(await stateNow()).toBe('waiting');
    expect(await brief(store)).toEqual([expect.stringContaining('0 findings')]);
  });

  test('what was written while the store was read is no finding', async () => {
    await put(store, dataDoc(12, [rawFile(12, 0)]));
    let asked = 0;
    const late = replacing(store, {
      get: async (ids) => {
        const found = await store.get(ids);
        if (asked++ === 0) await put(store, run(12));
        return found as never;
      },
    });
    expect(await brief(late)).toEqual([expect.stringContaining('0 findings')]);
  });
});

test('view rows and counts that were changed by hand are a finding', async () => {
  for (const table of ['rows', 'reduced']) {
    const store = await fresh(VIEWS);
    await put(store, run(12), dataDoc(12, [rawFile(12, 0)]), job());
    await store.close();
    const db = openDatabase(path);
    db.exec(`DELETE FROM ${table} WHERE view = (SELECT view FROM views WHERE name = 'kinds')`);
    db.close();
    const again = await fresh(VIEWS);
    expect((await collect(checkStore(again)))[0]?.next).toContain('dflow store backup new.jsonl');
    expect(await brief(again), table).toEqual([
      expect.stringMatching(/^differing kinds: the rows of view kinds make 0, and the documents make \d/),
      expect.stringContaining('1 finding'),
    ]);
    await tearDown();
    setUp();
  }
});

test('where others write all the time, the views are not compared, and that is no finding', async () => {
  const store = await fresh(VIEWS);
  await put(store, run(12));
  let n = 100;
  const busy = replacing(store, {
    range: async (range) => {
      const found = await store.range(range);
      await put(store, run(n++));
      return found as never;
    },
  });
  expect((await collect(checkStore(busy))).at(-2)).toMatchObject({ kind: 'views', did: 'not-checked' });
});

test('thousands of documents are read in pages', async () => {
  const store = await fresh(VIEWS);
  for (let n = 1; n < 2500; n += 500) await put(store, ...Array.from({ length: 500 }, (_, i) => run(n + i)));
  const sizes: number[] = [];
  const watched = replacing(store, {
    range: async (range) => {
      sizes.push(range.limit ?? Number.POSITIVE_INFINITY);
      return (await store.range(range)) as never;
    },
  });
  expect(await brief(watched)).toEqual([expect.stringContaining('2500 documents, 0 findings')]);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(1000);
});

test('a document in conflict is a finding', async () => {
  const store = await STORES.CouchDB();
  await put(store, run(12));
  const { where } = await store.identity();
  const losing = { ...run(12), _rev: '1-00000000000000000000000000000001' };
  await fetch(`${where}/_bulk_docs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ new_edits: false, docs: [losing] }),
  });
  expect(await collect(checkStore(store))).toMatchObject([
    { did: 'frozen', ref: runId(12), failed: true, next: `dflow store conflicts show ${runId(12)}` },
    { did: 'checked', text: '1 document, 1 finding' },
  ]);
});

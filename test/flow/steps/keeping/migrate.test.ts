// Documents of an older and of a newer form, with a step that is real: a hold once said `reason` for `why`.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { soundStore } from '../../../../src/lib/cli/soundstore.ts';
import { type Doc, SCHEMA } from '../../../../src/lib/domain/doc.ts';
import type { HoldDoc } from '../../../../src/lib/domain/hold.ts';
import { FORMS, type Forms } from '../../../../src/lib/domain/migrations/migrations.ts';
import { dropUnreadable } from '../../../../src/lib/flow/steps/archive/drop.ts';
import { migrateStore } from '../../../../src/lib/flow/steps/keeping/migrate.ts';
import { idsWith, type Store } from '../../../../src/lib/store.ts';
import { VIEWS } from '../../../../src/lib/views/index.ts';
import { T0 } from '../../../support/docs.ts';
import { eachStore } from '../../../support/eachstore.ts';
import { collect } from '../../../support/items.ts';
import { closeWorlds, replacing, world } from '../../../support/ports.ts';
import { fresh } from '../../../support/sqlite.ts';

afterEach(closeWorlds);

interface OldHold extends Doc {
  readonly reason: string;
}
const { version } = FORMS;
const old = (n: number): OldHold => ({
  ...{ _id: `hold:h${String(n).padStart(5, '0')}`, kind: 'hold', v: version },
  ...{ what: 'pause', scope: {}, by: 'x', since: T0, reason: `r${n}` },
});
const loop = (host: string): Doc =>
  ({ _id: `loop:${host}:submit`, kind: 'loop', v: version, host, loop: 'submit', at: T0, outcome: 'ok' }) as Doc;

const next: Forms = {
  version: version + 1,
  steps: [
    {
      to: version + 1,
      kinds: ['hold'],
      change: (doc) => {
        const { reason, ...rest } = doc as OldHold;
        return { ...rest, why: reason } as Doc;
      },
    },
  ],
};

const put = (store: Store, docs: readonly Doc[]) =>
  store.bulk(docs.map((doc) => ({ id: doc._id, change: () => ({ write: doc }) })));
const hold = async (store: Store, n: number) => (await store.get<HoldDoc & OldHold>([old(n)._id])).get(old(n)._id);

const STORES = eachStore();

test('the steps are in order, and the last one makes the schema of this dflow', () => {
  const numbers = FORMS.steps.map(({ to }) => to);
  expect(numbers).toEqual(numbers.map((_, i) => SCHEMA - numbers.length + 1 + i));
  expect(FORMS.version).toBe(SCHEMA);
});

describe.each(Object.entries(STORES))('on %s', (_, make) => {
  let store: Store;
  beforeEach(async () => {
    store = await make();
    await put(store, [old(1), old(2), loop('a')]);
  });

  test('an older form is read as the form of today, and a change stores that', async () => {
    const unread = new Map<string, string>();
    const sound = soundStore(store, unread, next);
    expect(await hold(sound, 1)).toMatchObject({ v: version + 1, why: 'r1' });
    expect(await sound.range(idsWith('hold:'))).toMatchObject([{ why: 'r1' }, { why: 'r2' }]);
    const ended = { at: T0, by: 'y' };
    const base = await hold(sound, 2);
    const [outcome] = await sound.bulk<HoldDoc>([
      { id: old(2)._id, base: base!, change: (doc) => ({ write: { ...doc!, ended } }) },
    ]);
    expect(outcome).toMatchObject({ result: 'written', doc: { why: 'r2', ended } });
    expect(await hold(store, 2)).toMatchObject({ v: version + 1, why: 'r2', ended });
    expect(await hold(store, 1)).toMatchObject({ v: version, reason: 'r1' });
    expect([...unread]).toEqual([]);
  });

  test('migrate counts in a dry run, writes each document once, and leaves other kinds alone', async () => {
    const before = (await store.changes()).last;
    const would = await collect(migrateStore(store, { dryRun: true }, next));
    expect(would).toMatchObject([{ did: 'migrated', ref: 'hold', count: 2, dryRun: true }]);
    expect((await store.changes(before)).changes).toEqual([]);
    expect(await collect(migrateStore(store, {}, next))).toMatchObject([{ did: 'migrated', ref: 'hold', count: 2 }]);
    expect((await store.changes(before)).changes.map(({ id }) => id).sort()).toEqual([old(1)._id, old(2)._id]);
    expect(await hold(store, 1)).not.toHaveProperty('reason');
    expect(await hold(store, 1)).toMatchObject({ v: version + 1, why: 'r1', by: 'x', since: T0 });
    expect(await collect(migrateStore(store, {}, next))).toEqual([]);
  });

  test('a change of somebody else meanwhile is kept', async () => {
    const raced = replacing(store, {
      bulk: async (changes) => {
        await put(store, [{ ...old(1), reason: 'changed' } as Doc]);
        return store.bulk(changes);
      },
    });
    await collect(migrateStore(raced, {}, next));
    expect(await hold(store, 1)).toMatchObject({ v: version + 1, why: 'changed' });
  });

  test('an older dflow leaves a newer form as it is, and says that this host must be upgraded', async () => {
    const ports = await world();
    await collect(migrateStore(store, {}, next));
    await put(store, [{ ...loop('b'), v: version + 1 }]);
    const unread = new Map<string, string>();
    const outcome = await soundStore(store, unread).update('loop:b:submit', (doc) => ({
      write: { ...doc!, v: version },
    }));
    expect(outcome).toMatchObject({ result: 'skipped' });
    expect(unread.get('loop:b:submit')).toContain('made by a newer dflow');
    expect(await collect(dropUnreadable(ports, store, ['loop:b:submit'], 'test'))).toMatchObject([
      { did: 'kept', failed: true, next: 'upgrade dflow on this host: npm install -g dflow' },
    ]);
    const told = await collect(migrateStore(store));
    expect(told.map(({ did, ref, next: what }) => `${did} ${ref}: ${what}`)).toEqual(
      [old(1)._id, old(2)._id, 'loop:b:submit'].map(
        (id) => `unreadable ${id}: upgrade dflow on this host: npm install -g dflow`,
      ),
    );
    expect((await store.get(['loop:b:submit'])).get('loop:b:submit')).toMatchObject({ v: version + 1 });
    await expect(soundStore(store, unread).range(idsWith('hold:'))).rejects.toMatchObject({
      hint: 'upgrade dflow on this host: npm install -g dflow',
    });
  });

  test('what a step cannot make readable is named and left', async () => {
    await put(store, [{ ...old(3), reason: 7 } as unknown as Doc]);
    expect(await collect(migrateStore(store, {}, next))).toMatchObject([
      { did: 'unreadable', ref: old(3)._id, failed: true, next: expect.stringContaining('store drop') },
      { did: 'migrated', count: 2 },
    ]);
    expect(await hold(store, 3)).toMatchObject({ v: version, reason: 7 });
  });
});

test('a migration that is stopped goes on, page by page', async () => {
  const store = await fresh(VIEWS);
  await put(
    store,
    Array.from({ length: 2500 }, (_, i) => old(i)),
  );
  let writes = 0;
  const killed = replacing(store, {
    bulk: (changes) => (writes++ === 1 ? Promise.reject(new Error('killed')) : store.bulk(changes)),
  });
  await expect(collect(migrateStore(killed, {}, next))).rejects.toThrow('killed');
  expect((await collect(migrateStore(store, {}, next))).at(-1)).toMatchObject({ did: 'migrated', count: 1500 });
  const all = await store.range<HoldDoc>(idsWith('hold:'));
  expect(all.filter((doc, i) => doc.v !== version + 1 || doc.why !== `r${i}`)).toEqual([]);
});

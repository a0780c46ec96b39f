// What goes wrong at a real PostgreSQL server, and what several versions of dflow on it do to each other.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Store, StoreOptions } from '../../src/lib/store.ts';
import { openWith } from '../../src/lib/stores/postgres/postgres.ts';
import type { Timing } from '../../src/lib/stores/postgres/server/connection.ts';
import type { View } from '../../src/lib/views/view.ts';
import { CONTRACT_VIEWS, create, increment, keysView, number, sumsView, type Thing } from '../contracts/things.ts';
import { Postgres, schemaName } from './postgres-world.ts';

let server: Postgres;
let schema: string;
let store: Store;
const opened: Store[] = [];
const said: string[] = [];

const QUICK: Timing = { patience: 500, connect: 3000 };

interface Opening extends Partial<StoreOptions> {
  readonly url?: string;
  readonly views?: readonly View[];
  readonly timing?: Timing;
}

async function open(write: StoreOptions['write'], { url, views, timing, ...more }: Opening = {}): Promise<Store> {
  const say = (text: string): void => void said.push(text);
  const one = await openWith(
    url ?? `${server.url()}/${schema}`,
    { write, say, ...more },
    views ?? CONTRACT_VIEWS,
    timing,
  );
  opened.push(one);
  return one;
}

beforeAll(async () => {
  server = await Postgres.start('wal_level=replica');
});
afterAll(() => server?.remove());
beforeEach(async () => {
  schema = schemaName();
  said.length = 0;
  store = await open('setup');
  await store.setup('demo');
});
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

describe('changes in order', () => {
  test('a reader never sees a later change before an earlier one has ended', async () => {
    const holder = new pg.Client({ connectionString: server.url() });
    await holder.connect();
    try {
      // A writer that has its number and takes long to commit.
      await holder.query(`BEGIN; UPDATE ${schema}.head SET seq = seq + 1;
        INSERT INTO ${schema}.docs SELECT 'thing:slow', 1, seq, 'op', '{"_id":"thing:slow","kind":"thing","v":1}' FROM ${schema}.head`);
      const other = await open(true);
      let done = false;
      const writing = other.bulk([create('thing:quick')]).then(() => {
        done = true;
      });
      await expect
        .poll(async () => (await server.sql('SELECT 1 FROM pg_locks WHERE NOT granted')).length, { timeout: 60_000 })
        .toBeGreaterThan(0);
      expect(done).toBe(false);
      const before = await store.changes();
      expect(before.changes).toEqual([]);
      await holder.query('COMMIT');
      await writing;
      expect((await store.changes(before.last)).changes.map(({ id }) => id)).toEqual(['thing:slow', 'thing:quick']);
    } finally {
      await holder.end();
    }
  });

  test('a feed beside four writers misses nothing', async () => {
    const writers = await Promise.all([0, 1, 2, 3].map(() => open(true)));
    let over = false;
    const writing = Promise.all(
      writers.map(async (one, who) => {
        for (let i = 0; i < 25; i++) await one.bulk([create(`thing:${who}:${i}`), create(`thing:${who}:${i}:b`)]);
      }),
    ).finally(() => {
      over = true;
    });
    const seen: string[] = [];
    for (let last = '0'; ; ) {
      const wasOver = over;
      const page = await store.changes(last, 7);
      seen.push(...page.changes.map(({ id }) => id));
      last = page.last;
      if (wasOver && page.changes.length === 0) break;
    }
    await writing;
    expect(new Set(seen).size).toBe(200);
    expect(seen).toHaveLength(200);
  });
});

describe('the server ends in the middle', () => {
  test('connections that are ended while thousands write: each increment is made once', async () => {
    const writers = await Promise.all([0, 1, 2].map(() => open(true)));
    let over = false;
    const working = Promise.all(
      writers.map(async (one, who) => {
        for (let i = 0; i < 20; i++) {
          for (;;) {
            const [counter] = await one.bulk<Thing>([
              { id: 'counter', change: increment },
              ...Array.from({ length: 5 }, (_, j) => create(`thing:${who}:${i}:${j}`)),
            ]);
            if (counter?.result !== 'lost') break;
          }
        }
      }),
    ).finally(() => {
      over = true;
    });
    let kills = 0;
    while (!over) {
      const ended = await server.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dflow'",
      );
      kills += ended.length;
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    await working;
    expect(kills).toBeGreaterThan(3);
    expect((await store.get<Thing>(['counter'])).get('counter')?.n).toBe(60);
    expect((await store.info()).documents).toBe(301);
    expect((await store.changes('0', 1000)).changes).toHaveLength(301);
  });

  test('a restart is waited out', async () => {
    await store.bulk([create('thing:a')]);
    server.stop('immediate');
    const reading = store.get(['thing:a']);
    const writing = store.bulk([create('thing:b')]);
    await server.up();
    expect((await reading).size).toBe(1);
    expect(await writing).toMatchObject([{ result: 'written' }]);
  });

  test('a server that is away: exit 3, its address, what to type', async () => {
    const error = await open(true, { url: 'postgres://dflow@127.0.0.1:1/none', timing: QUICK }).catch(
      (thrown) => thrown,
    );
    expect(error).toMatchObject({ exit: 3, hint: 'pg_isready -h 127.0.0.1 -p 1' });
    expect(error.message).toMatch(/cannot be reached: .*ECONNREFUSED/);
  });
});

describe('refusals', () => {
  const at = (user: string, password: string, database = 'postgres'): string =>
    `${server.url(database, user, password)}/${schema}`;

  test('a wrong password, a missing database, a store that is not set up', async () => {
    const wrong = await open(true, { url: at('dflow', 'sesame42') }).catch((thrown) => thrown);
    expect(wrong).toMatchObject({ exit: 4, message: expect.stringContaining("user 'dflow'") });
    expect(`${wrong.message} ${wrong.hint} ${wrong.where}`).not.toContain('sesame42');
    await expect(open(true, { url: `${server.url('nowhere')}` })).rejects.toMatchObject({
      exit: 2,
      hint: expect.stringContaining('createdb -h 127.0.0.1'),
    });
    await expect(open(false, { url: `${server.url()}/${schema}_not` })).rejects.toMatchObject({
      exit: 2,
      hint: 'dflow store setup',
    });
  });

  test('passwords with every character, encoded or not', async () => {
    await server.sql(`CREATE ROLE ${schema} LOGIN PASSWORD 'a/b%c d@e#f' SUPERUSER`);
    for (const password of ['a/b%c d@e#f', encodeURIComponent('a/b%c d@e#f')]) {
      const url = `postgres://${schema}:${password}@127.0.0.1:${server.port}/postgres/${schema}`;
      expect((await (await open(true, { url })).info()).user).toBe(schema);
    }
  });

  test('a reader reads, also what another version wrote, and does not write', async () => {
    await server.sql(`CREATE ROLE r_${schema} LOGIN PASSWORD 'reader-word';
      GRANT USAGE ON SCHEMA ${schema} TO r_${schema}; GRANT SELECT ON ALL TABLES IN SCHEMA ${schema} TO r_${schema}`);
    await store.bulk([create('thing:a', { n: 1, key: 'a' })]);
    const url = at(`r_${schema}`, 'reader-word');
    const reader = await open(false, { url });
    expect((await reader.get(['thing:a'])).size).toBe(1);
    expect(await reader.view(keysView)).toHaveLength(1);
    expect((await reader.info()).rights).toBe('read');
    const writer = await open(true, { url });
    await expect(writer.bulk([create('thing:b')])).rejects.toMatchObject({
      exit: 2,
      name: 'ReadOnlyStoreError',
      hint: expect.stringContaining('GRANT'),
    });
  });

  test('no connection left: waited for, and named', async () => {
    await server.sql(`CREATE ROLE few_${schema} LOGIN PASSWORD 'few' CONNECTION LIMIT 1;
      GRANT ALL ON SCHEMA ${schema} TO few_${schema}; GRANT ALL ON ALL TABLES IN SCHEMA ${schema} TO few_${schema}`);
    const url = at(`few_${schema}`, 'few');
    const holder = new pg.Client({ connectionString: server.url('postgres', `few_${schema}`, 'few') });
    await holder.connect();
    try {
      await expect(open(false, { url, timing: QUICK })).rejects.toMatchObject({
        exit: 3,
        message: expect.stringContaining('no connection left: 53300'),
      });
      const waiting = open(false, { url });
      await holder.end();
      expect((await waiting).close).toBeDefined();
    } finally {
      await holder.end().catch(() => undefined);
    }
  });

  test('a statement that the server gives up: exit 3 and the setting', async () => {
    await server.sql(
      `CREATE ROLE slow_${schema} LOGIN PASSWORD 'slow' SUPERUSER; ALTER ROLE slow_${schema} SET statement_timeout = '200ms'`,
    );
    const holder = new pg.Client({ connectionString: server.url() });
    await holder.connect();
    try {
      const writer = await open(true, { url: at(`slow_${schema}`, 'slow'), timing: QUICK });
      await holder.query(`BEGIN; SELECT seq FROM ${schema}.head FOR UPDATE`);
      await expect(writer.bulk([create('thing:a')])).rejects.toMatchObject({
        exit: 3,
        message: expect.stringContaining('57014'),
        hint: expect.stringContaining('statement_timeout'),
      });
      await holder.query('ROLLBACK');
      expect(await writer.bulk([create('thing:a')])).toMatchObject([{ result: 'written' }]);
    } finally {
      await holder.end();
    }
  });

  test('documents that somebody changes by hand', async () => {
    await store.bulk([create('thing:a', { key: 'a' })]);
    for (const text of [
      `UPDATE ${schema}.docs SET body = '{}'`,
      `DELETE FROM ${schema}.docs`,
      `TRUNCATE ${schema}.docs`,
      `UPDATE ${schema}.head SET seq = 0`,
    ]) {
      await expect(server.sql(text), text).rejects.toThrow('changed by dflow only');
    }
  });

  test('view rows and functions that were changed by hand are mended by deploy', async () => {
    await store.bulk([create('thing:a', { key: 'a' }), create('thing:b', { key: 'b' })]);
    const deployed = async (): Promise<(string | undefined)[]> => {
      const dids: string[] = [];
      for await (const { did } of (await open(true)).keeping!.deploy({})) dids.push(did);
      return dids;
    };
    expect(await deployed()).toEqual(['unchanged']);
    await server.sql(`DELETE FROM ${schema}.rows WHERE id = 'thing:a'`);
    expect(await deployed()).toEqual(['repaired']);
    expect((await store.view(keysView)).map(({ key }) => key)).toEqual(['a', 'b']);
    await server.sql(`DO $$ DECLARE f text; BEGIN
      SELECT proname INTO f FROM pg_proc WHERE pronamespace = '${schema}'::regnamespace AND proname LIKE 'apply%';
      EXECUTE replace(pg_get_functiondef(to_regproc('${schema}.' || f)), 'views were removed', 'something else'); END $$`);
    await expect((await open(true)).bulk([create('thing:c')])).rejects.toMatchObject({
      exit: 2,
      message: expect.stringContaining('changed by hand'),
      hint: expect.stringContaining('dflow store deploy'),
    });
    expect(await deployed()).toEqual(['repaired']);
    expect(await (await open(true)).bulk([create('thing:c')])).toMatchObject([{ result: 'written' }]);
  });
});

describe('two versions of dflow', () => {
  const byN: View = { name: 'keys', reduce: '_sum', map: (doc, emit) => emit(['n', doc.n], doc.n) };
  const NEXT = [byN, sumsView];

  test('write side by side; readers and writers of both see everything; prune ends it', async () => {
    await store.bulk(Array.from({ length: 50 }, (_, i) => create(number(i), { n: i, key: `k${i}` })));
    await expect((await open(false, { views: NEXT })).view(byN)).rejects.toMatchObject({
      exit: 2,
      hint: expect.stringContaining('dflow store deploy'),
    });
    const next = await open(true, { views: NEXT });
    const dids: string[] = [];
    for await (const { did } of next.keeping!.deploy({})) dids.push(did);
    expect(dids).toEqual(['deployed', 'kept']);
    expect(await next.count(byN, 0)).toEqual([{ key: null, value: 1225 }]);
    // Each version writes what the other has views of.
    await store.bulk<Thing>([
      { id: number(1), change: (doc) => ({ write: { ...doc!, n: 1001, key: 'changed' } }) },
      { id: number(2), change: () => ({ remove: true }) },
      create('thing:old', { n: 5, key: 'old' }),
    ]);
    const reader = await open(false, { views: NEXT });
    const total = [{ key: null, value: 1225 - 1 - 2 + 1001 + 5 }];
    const keys = (await reader.view(byN)).map(({ key }) => key);
    expect(await reader.count(byN, 0)).toEqual(total);
    expect(keys).toHaveLength(50);
    expect((await reader.view(byN, { descending: true, limit: 1 })).map(({ key }) => key)).toEqual([['n', 1001]]);
    expect(
      (
        await reader.view(byN, {
          keys: [
            ['n', 5],
            ['n', 2],
            ['n', 1001],
          ],
        })
      ).map(({ id }) => id),
    ).toEqual([number(5), 'thing:old', number(1)]);
    expect(await next.count(byN, 0)).toEqual(total);
    expect((await next.view(byN)).map(({ key }) => key)).toEqual(keys);
    await next.bulk<Thing>([{ id: number(3), change: (doc) => ({ write: { ...doc!, n: 2000, key: 'by next' } }) }]);
    expect((await store.view(keysView, { key: 'by next' })).map(({ id }) => id)).toEqual([number(3)]);
    // A document that lags behind for the one who changes it.
    await store.bulk<Thing>([{ id: number(3), change: (doc) => ({ write: { ...doc!, n: 3000 } }) }]);
    await next.bulk<Thing>([{ id: number(3), change: (doc) => ({ write: { ...doc!, n: (doc?.n ?? 0) + 1 } }) }]);
    expect((await next.view(byN, { prefix: ['n'], start: ['n', 3000] })).map(({ key }) => key)).toEqual([['n', 3001]]);
    for await (const _ of next.keeping!.deploy({ prune: true }));
    await expect(store.bulk([create('thing:late')])).rejects.toMatchObject({
      exit: 2,
      message: expect.stringContaining('removed'),
    });
    expect(await next.bulk([create('thing:late', { n: 1 })])).toMatchObject([{ result: 'written' }]);
    expect(await server.sql(`SELECT count(*)::int AS n FROM ${schema}.sets`)).toEqual([{ n: 1 }]);
  });
});

describe('a standby', () => {
  test('is for reading, exit 2 for changes; a server that has gone back is noticed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dflow-mark-'));
    const standby = await server.standby();
    try {
      const there = `${standby.url()}/${schema}`;
      await store.bulk([create('thing:a', { key: 'a' })]);
      await expect
        .poll(async () => (await (await open(false, { url: there })).get(['thing:a'])).size, { timeout: 60_000 })
        .toBe(1);
      const reader = await open(false, { url: there });
      expect(await reader.view(keysView)).toHaveLength(1);
      expect(await reader.info()).toMatchObject({ writable: false, rights: 'read: a standby' });
      await expect(open(true, { url: there })).rejects.toMatchObject({
        exit: 2,
        name: 'ReadOnlyStoreError',
        message: expect.stringContaining('is a standby'),
      });
      // All servers in one address: the one that takes writes is found.
      const both = `${standby.url().replace('/postgres', '')},127.0.0.1:${server.port}/postgres/${schema}`;
      expect(await (await open(true, { url: both, folder })).bulk([create('thing:b')])).toMatchObject([
        { result: 'written' },
      ]);
      // It does not get the last changes, and takes over.
      await standby.sql("ALTER SYSTEM SET primary_conninfo = ''");
      await standby.sql('SELECT pg_reload_conf()');
      await expect
        .poll(async () => (await standby.sql('SELECT 1 FROM pg_stat_wal_receiver')).length, { timeout: 60_000 })
        .toBe(0);
      const writer = await open(true, { url: both, folder });
      await writer.bulk(Array.from({ length: 7 }, (_, i) => create(number(i))));
      await writer.close();
      server.kill();
      await standby.sql('SELECT pg_promote(false)');
      await expect
        .poll(async () => (await standby.sql('SELECT pg_is_in_recovery() AS is'))[0]?.is, { timeout: 60_000 })
        .toBe(false);
      const error = await open(true, { url: both, folder }).catch((thrown) => thrown);
      expect(error).toMatchObject({ exit: 3, message: expect.stringContaining('7 changes made on this host') });
      rmSync(/rm (\S+)$/.exec(error.hint)?.[1] ?? '');
      expect(await (await open(true, { url: both, folder })).bulk([create('thing:z')])).toMatchObject([
        { result: 'written' },
      ]);
    } finally {
      for (const one of opened.splice(0)) await one.close();
      standby.remove();
      rmSync(folder, { recursive: true, force: true });
      await server.up();
    }
  });
});

// The SQLite store: the contract, and what is its own: files that are no stores, full disks, locks, several processes.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Store } from '../src/lib/store.ts';
import { openFile, walIsSafe } from '../src/lib/stores/sqlite/file.ts';
import { networkFileSystem } from '../src/lib/stores/sqlite/mounts.ts';
import { SqliteStore } from '../src/lib/stores/sqlite/store.ts';
import { open, openWith, pathOf } from '../src/lib/stores/sqlite.ts';
import { openDatabase, type SqlDatabase, SqlError } from '../src/lib/util/sqlite.ts';
import type { View } from '../src/lib/views/view.ts';
import { type StoreFixture, storeContract } from './contracts/store.ts';
import { CONTRACT_VIEWS, type Thing } from './contracts/things.ts';

async function makeFixture(): Promise<StoreFixture> {
  const folder = mkdtempSync(join(tmpdir(), 'dflow-store-'));
  const path = join(folder, 'dflow.db');
  const edit = async (sql: string): Promise<void> => {
    const db = openDatabase(path);
    db.exec(sql);
    db.close();
  };
  return {
    open: (options, views) => openWith(`sqlite:${path}`, options, views),
    dispose: async () => rmSync(folder, { recursive: true, force: true }),
    unmark: () => edit(`DELETE FROM meta WHERE name = 'experiment'`),
    setSchema: (schema) => edit(`UPDATE meta SET value = '${schema}' WHERE name = 'schema'`),
  };
}

storeContract('sqlite', makeFixture, { unmark: true, setSchema: true });

let folder: string;
let path: string;
const opened: { close(): unknown }[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dflow-sqlite-'));
  path = join(folder, 'dflow.db');
});
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
  rmSync(folder, { recursive: true, force: true });
});

const keep = <T extends { close(): unknown }>(store: T): T => {
  opened.push(store);
  return store;
};
async function fresh(views: readonly View[] = CONTRACT_VIEWS): Promise<Store> {
  const store = keep(await openWith(`sqlite:${path}`, { write: 'setup' }, views));
  await store.setup('demo');
  return store;
}
const thing = (id: string, more: Partial<Thing> = {}): Thing => ({ _id: id, kind: 'thing', v: 1, ...more });
const puts = (docs: readonly Thing[]) => docs.map((doc) => ({ id: doc._id, change: () => ({ write: doc }) }));
/** A store on a database that the test may interfere with. */
async function around(alter: (db: SqlDatabase) => SqlDatabase): Promise<SqliteStore> {
  await fresh();
  const db = alter(openFile(path, { write: true, create: false }));
  let ops = 0;
  return keep(
    await new SqliteStore(db, { views: CONTRACT_VIEWS, now: Date.now, nonce: () => `op${ops++}`, write: true }).begin(),
  );
}

describe('files', () => {
  test('no store yet: said with the command that makes one; nothing is created', async () => {
    for (const write of [true, false]) {
      await expect(open(`sqlite:${path}`, { write })).rejects.toMatchObject({
        name: 'StoreError',
        exit: 3,
        where: path,
        hint: 'dflow store setup',
      });
    }
    await expect(open(path, { write: false })).rejects.toThrow('no store yet');
    await expect(open(join(folder, 'none', 'x.db'), { write: 'setup' })).rejects.toMatchObject({
      exit: 3,
      hint: expect.stringContaining('mkdir'),
    });
    expect(pathOf('sqlite:./a b.db')).toBe('./a b.db');
    expect(pathOf('sqlite:///var/x.db')).toBe('/var/x.db');
    expect(() => pathOf('sqlite:')).toThrow('no path');
  });

  test('a file that is no store is left as it is', async () => {
    writeFileSync(path, 'run 12: everything fine\n'.repeat(100));
    for (const write of ['setup', true, false] as const) {
      await expect(open(path, { write })).rejects.toMatchObject({
        exit: 3,
        message: expect.stringContaining('not a dflow store'),
      });
    }
    rmSync(path);
    const other = openDatabase(path);
    other.exec('CREATE TABLE mine (x)');
    other.close();
    await expect(open(path, { write: 'setup' })).rejects.toThrow('not a dflow store');
    rmSync(path);
    mkdirSync(path);
    await expect(open(path, { write: false })).rejects.toThrow('not a file');
  });

  test('a newer layout is refused, for reading too', async () => {
    await fresh();
    const db = openDatabase(path);
    db.exec('PRAGMA user_version = 7');
    db.close();
    await expect(open(path, { write: false })).rejects.toMatchObject({
      exit: 3,
      message: expect.stringContaining('newer'),
    });
  });

  test('a damaged file is told as damaged', async () => {
    const store = await fresh();
    await store.bulk(puts(Array.from({ length: 500 }, (_, i) => thing(`thing:${i}`, { key: 'k'.repeat(200) }))));
    await store.close();
    opened.length = 0;
    const file = openSync(path, 'r+');
    for (let page = 8; page < 40; page++) writeSync(file, Buffer.alloc(4096, 0x5a), 0, 4096, page * 4096);
    const again = keep(await openWith(path, { write: false }, CONTRACT_VIEWS));
    await expect(again.range({ start: 'thing:', end: 'thing:~' })).rejects.toMatchObject({
      exit: 3,
      message: 'the store is damaged',
    });
  });

  test('a full disk: an error, nothing of the batch is written, the store goes on', async () => {
    const store = await around((db) => {
      db.exec(
        `PRAGMA max_page_count = ${Number(db.get<{ page_count: number }>('PRAGMA page_count')?.page_count) + 10}`,
      );
      return db;
    });
    const big = Array.from({ length: 100 }, (_, i) => thing(`thing:${i}`, { value: 'x'.repeat(5000) }));
    await expect(store.bulk(puts(big))).rejects.toMatchObject({
      name: 'StoreError',
      exit: 3,
      message: expect.stringContaining('full'),
    });
    expect((await store.info()).documents).toBe(0);
    expect(await store.bulk(puts([thing('thing:small')]))).toMatchObject([{ result: 'written' }]);
  });

  test('a file that turned read-only', async () => {
    const store = await around((db) => {
      db.exec('PRAGMA query_only = 1');
      return db;
    });
    await expect(store.bulk(puts([thing('thing:a')]))).rejects.toMatchObject({ name: 'ReadOnlyStoreError', exit: 2 });
  });

  test('network file systems are found in the mount table', () => {
    const mounts = [
      '21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw',
      '30 21 0:40 / /home rw - nfs4 server:/home rw',
      '31 30 0:41 / /home/local rw - xfs /dev/sdb rw',
      '32 21 0:42 / /mnt/my\\040share rw - cifs //nas/x rw',
      '33 21 0:43 / /data rw - fuse.sshfs user@host:/ rw',
      '34 21 0:44 / /homework rw - btrfs /dev/sdc rw',
      '35 21 0:45 / /scratch rw - lustre mds:/x rw',
      '36 21 0:46 / /over rw - ext4 /dev/sdd rw',
      '37 36 0:47 / /over rw - nfs server:/over rw',
    ].join('\n');
    const on = (file: string) => networkFileSystem(mounts, file);
    expect(on('/home/ann/dflow.db')).toBe('nfs4');
    expect(on('/home/local/dflow.db')).toBeUndefined();
    expect(on('/homework/dflow.db')).toBeUndefined();
    expect(on('/mnt/my share/dflow.db')).toBe('cifs');
    expect(on('/data/dflow.db')).toBe('fuse.sshfs');
    expect(on('/scratch/dflow.db')).toBe('lustre');
    expect(on('/over/dflow.db')).toBe('nfs');
    expect(on('/dflow.db')).toBeUndefined();
    expect(networkFileSystem('1 0 0:1 / / rw - 9p root rw', '/x')).toBeUndefined();
    expect(networkFileSystem('', '/x')).toBeUndefined();
  });

  test('WAL only where SQLite does it safely', () => {
    expect(['3.45.1', '3.51.2', '3.51.3', '3.51.10', '3.52.0', '4.0.0'].map(walIsSafe)).toEqual([
      false,
      false,
      true,
      true,
      true,
      true,
    ]);
  });
});

describe('views', () => {
  const byN: View = { name: 'keys', reduce: '_sum', map: (doc, emit) => emit(['n', doc.n], doc.n) };

  test('a changed definition is rebuilt at the next opening; a process with the old one is stopped', async () => {
    const old = await fresh();
    await old.bulk(puts([1, 2, 3].map((n) => thing(`thing:${n}`, { n, key: `k${n}` }))));
    expect((await old.view('keys')).map(({ key }) => key)).toEqual(['k1', 'k2', 'k3']);
    const reader = keep(await openWith(path, { write: false }, [byN]));
    expect(await reader.count('keys', 1)).toEqual([{ key: ['n'], value: 6 }]);
    await old.bulk(puts([thing('thing:3', { n: 30, key: 'k3' })]));
    expect(await reader.count('keys', 1)).toEqual([{ key: ['n'], value: 33 }]);
    expect((await old.view('keys')).map(({ key }) => key)).toEqual(['k1', 'k2', 'k3']);
    await old.bulk(puts([thing('thing:3', { n: 3, key: 'k3' })]));
    const next = keep(await openWith(path, { write: true }, [byN]));
    expect((await next.view('keys')).map(({ key }) => key)).toEqual([
      ['n', 1],
      ['n', 2],
      ['n', 3],
    ]);
    expect(await next.count('keys', 1)).toEqual([{ key: ['n'], value: 6 }]);
    expect(await reader.count('keys', 0)).toEqual([{ key: null, value: 6 }]);
    await expect(old.count('keys', 0)).rejects.toThrow('another version of dflow');
    await expect(old.bulk(puts([thing('thing:4', { n: 4 })]))).rejects.toThrow('another version of dflow');
    await next.bulk(puts([thing('thing:4', { n: 4 })]));
    expect(await next.count('keys', 1)).toEqual([{ key: ['n'], value: 10 }]);
    const db = keep(openDatabase(path));
    expect(db.get('SELECT count(DISTINCT view) AS views FROM rows')).toMatchObject({ views: 1 });
  });

  test('rows and counts are what the documents give, whatever was done to them', async () => {
    const store = await fresh();
    const op = fc.record({ id: fc.integer({ min: 0, max: 5 }), n: fc.option(fc.integer({ min: 95, max: 105 })) });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(op, { maxLength: 5 }), { minLength: 1, maxLength: 8 }), async (rounds) => {
        for (const round of rounds) {
          const ops = new Map(round.map(({ id, n }) => [`thing:${id}`, n]));
          await store.bulk<Thing>(
            [...ops].map(([id, n]) => ({
              id,
              change: () => (n === null ? { remove: true } : { write: thing(id, { n }) }),
            })),
          );
        }
        const docs = await store.range<Thing>({ start: 'thing:', end: 'thing:~' });
        const expected = docs.flatMap(({ n = 0 }) =>
          n > 100
            ? [
                { of: 'n', n },
                { of: 'big', n: 1 },
              ]
            : [{ of: 'n', n }],
        );
        const total = (of: string) => expected.filter((row) => row.of === of).reduce((sum, { n }) => sum + n, 0);
        const groups = ['big', 'n'].filter((of) => expected.some((row) => row.of === of));
        expect(await store.count('sums', 1)).toEqual(groups.map((of) => ({ key: [of], value: total(of) })));
        expect(await store.view('sums')).toHaveLength(expected.length);
        const whole = await store.count('sums', 2, { start: null });
        expect(await store.count('sums', 2)).toEqual(whole);
      }),
      { numRuns: 40 },
    );
  });
});

describe('several processes', () => {
  const worker = resolve(import.meta.dirname, `../node_modules/.cache/dflow-test/store-worker-${process.pid}.mjs`);
  beforeAll(async () => {
    await build({
      entryPoints: [resolve(import.meta.dirname, 'support/store-worker.ts')],
      outfile: worker,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      external: ['libsql', 'node:sqlite'],
    });
  });
  afterAll(() => rmSync(worker, { force: true }));

  const start = (...args: string[]): ChildProcess => spawn(process.execPath, [worker, path, ...args]);
  async function ended(child: ChildProcess): Promise<{ code: number | null; stderr: string }> {
    let stderr = '';
    child.stderr?.on('data', (text) => {
      stderr += text;
    });
    const code = await new Promise<number | null>((done) => child.on('close', done));
    return { code, stderr };
  }

  /**
   * What the workers left in the tables, read past the store: their bundled map functions have another text than ours,
   * so that a store opened here would build the views anew.
   */
  const stored = (table: 'reduced' | 'rows') => (): unknown[] => {
    const level = table === 'reduced' ? 'level = 1 AND' : '';
    const db = openDatabase(path);
    const found = db.all(
      `SELECT json, value FROM ${table} JOIN views USING (view) WHERE ${level} name = 'keys' ORDER BY key`,
    );
    db.close();
    return found.map((row) => ({ ...(row as object) }));
  };

  test('four write at once: nobody is told that it is busy, nothing is lost', async () => {
    const store = await fresh();
    const counts = stored('reduced');
    const results = await Promise.all(['a', 'b', 'c', 'd'].map((name) => ended(start('race', name, '25'))));
    expect(results).toEqual(results.map(() => ({ code: 0, stderr: '' })));
    expect((await store.get<Thing>(['counter'])).get('counter')?.n).toBe(100);
    expect(counts()).toEqual(['a', 'b', 'c', 'd'].map((key) => ({ json: JSON.stringify(key), value: 500 })));
  });

  test('kill -9 amid bulks: whole batches stand there, rows and counts agree, the next process goes on', async () => {
    for (let round = 0; round < 3; round++) {
      await fresh();
      const child = start('flood');
      const after = 1 + round;
      await new Promise<void>((done) => {
        let lines = 0;
        child.stdout?.on('data', (text: Buffer) => {
          lines += text.toString().split('\n').length - 1;
          if (lines >= after) done();
        });
      });
      // Some way into the next batch.
      await new Promise((done) => setTimeout(done, round * 13));
      child.kill('SIGKILL');
      await ended(child);
      const counts = stored('reduced')();
      const rows = stored('rows')();
      const store = keep(await openWith(path, { write: true }, CONTRACT_VIEWS));
      const docs = await store.range<Thing>({ start: 'thing:0', end: 'thing:9~' });
      expect(docs).toHaveLength(1000);
      const generation = docs[0]?.n ?? -1;
      expect(docs.every(({ n }) => n === generation)).toBe(true);
      expect(generation).toBeGreaterThanOrEqual(after - 1);
      expect(counts).toEqual([{ json: String(generation), value: 1000 }]);
      expect(rows).toEqual(Array(1000).fill({ json: String(generation), value: 'null' }));
      expect(await store.count('keys', 1)).toEqual([{ key: generation, value: 1000 }]);
      expect(await store.bulk(puts([thing('thing:next')]))).toMatchObject([{ result: 'written' }]);
      const db = keep(openDatabase(path));
      expect(db.get('PRAGMA integrity_check')).toMatchObject({ integrity_check: 'ok' });
    }
  });

  test('a commit whose answer was lost is found by its operation, not made twice', async () => {
    let losses = 0;
    const store = await around((db) => ({
      ...bound(db),
      transaction: (mode, work) => {
        const result = db.transaction(mode, work);
        if (losses-- > 0) throw new SqlError('lost', 'BUSY', undefined);
        return result;
      },
    }));
    losses = 2;
    const outcome = await store.update<Thing>('counter', (doc) => ({
      write: thing('counter', { n: (doc?.n ?? 0) + 1 }),
    }));
    expect(outcome).toMatchObject({ result: 'already', doc: { n: 1 } });
    expect(await store.count('sums', 0)).toEqual([{ key: null, value: 1 }]);
  });
});

/** The database's methods as own properties, so that one can be put in another's place. */
function bound(db: SqlDatabase): SqlDatabase {
  return {
    path: db.path,
    version: db.version,
    driver: db.driver,
    exec: (sql) => db.exec(sql),
    prepare: (sql) => db.prepare(sql),
    run: (sql, ...values) => db.run(sql, ...values),
    get: (sql, ...values) => db.get(sql, ...values),
    all: (sql, ...values) => db.all(sql, ...values),
    transaction: (mode, work) => db.transaction(mode, work),
    close: () => db.close(),
  };
}

// The SQLite store: the contract, and what is its own: files that are no stores, full disks, views that changed.
import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { walIsSafe } from '../../src/lib/stores/sqlite/file.ts';
import { open, openWith, pathOf } from '../../src/lib/stores/sqlite/sqlite.ts';
import { networkFileSystem } from '../../src/lib/util/files/mounts/mounts.ts';
import { openDatabase } from '../../src/lib/util/sqlite.ts';
import type { View } from '../../src/lib/views/view.ts';
import type { StoreFixture } from '../contracts/store/fixture.ts';
import { storeContract } from '../contracts/store.ts';
import { CONTRACT_VIEWS, keysView, sumsView, type Thing, thing } from '../contracts/things.ts';
import { around, folder, fresh, keep, opened, path, puts, setUp, tearDown } from '../support/sqlite.ts';

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

beforeEach(setUp);
afterEach(tearDown);

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
    await expect(open(path, { write: false })).rejects.toThrow('the store does not exist yet');
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
    expect(await again.check?.()).toMatchObject([{ text: expect.stringMatching(/^the store is damaged: ./) }]);
  });

  test('a file that was a store and is none any more, or is gone: damage, not a wrong configuration', async () => {
    const store = await fresh();
    await store.bulk(puts([thing('thing:a')]));
    await store.close();
    opened.length = 0;
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(8192, 0x5a)]) {
      writeFileSync(path, bytes);
      await expect(open(path, { write: false })).rejects.toMatchObject({
        exit: 3,
        message: 'the store is damaged',
        hint: expect.stringContaining('dflow store rescue'),
      });
    }
    for (const tail of ['', '-wal', '-shm', '-journal']) rmSync(`${path}${tail}`, { force: true });
    await expect(open(path, { write: true })).rejects.toMatchObject({
      exit: 3,
      hint: expect.stringContaining('dflow store restore'),
    });
  });

  test('a sound file has no faults', async () => {
    const store = await fresh();
    await store.bulk(puts([thing('thing:a')]));
    expect(await store.check?.()).toEqual([]);
  });

  test('removed documents are not counted, also in a store that was made without their index', async () => {
    const store = await fresh();
    await store.bulk(puts([thing('thing:a'), thing('thing:b')]));
    await store.update('thing:a', () => ({ remove: true }));
    await store.close();
    const db = openDatabase(path);
    db.exec('DROP INDEX docs_removed');
    db.close();
    for (const write of [false, true]) {
      const reopened = keep(await openWith(`sqlite:${path}`, { write }, CONTRACT_VIEWS));
      expect(await reopened.info()).toMatchObject({ documents: 1 });
    }
    const again = keep(openDatabase(path));
    const plan = again.all<{ detail: string }>('EXPLAIN QUERY PLAN SELECT count(*) FROM docs WHERE body IS NULL');
    expect(plan.map(({ detail }) => detail).join()).toContain('docs_removed');
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
    expect((await old.view(keysView)).map(({ key }) => key)).toEqual(['k1', 'k2', 'k3']);
    const reader = keep(await openWith(path, { write: false }, [byN]));
    expect(await reader.count(keysView, 1)).toEqual([{ key: ['n'], value: 6 }]);
    await old.bulk(puts([thing('thing:3', { n: 30, key: 'k3' })]));
    expect(await reader.count(keysView, 1)).toEqual([{ key: ['n'], value: 33 }]);
    expect((await old.view(keysView)).map(({ key }) => key)).toEqual(['k1', 'k2', 'k3']);
    await old.bulk(puts([thing('thing:3', { n: 3, key: 'k3' })]));
    const next = keep(await openWith(path, { write: true }, [byN]));
    expect((await next.view(keysView)).map(({ key }) => key)).toEqual([
      ['n', 1],
      ['n', 2],
      ['n', 3],
    ]);
    expect(await next.count(keysView, 1)).toEqual([{ key: ['n'], value: 6 }]);
    expect(await reader.count(keysView, 0)).toEqual([{ key: null, value: 6 }]);
    await expect(old.count(keysView, 0)).rejects.toThrow('another version of dflow');
    await expect(old.bulk(puts([thing('thing:4', { n: 4 })]))).rejects.toThrow('another version of dflow');
    await next.bulk(puts([thing('thing:4', { n: 4 })]));
    expect(await next.count(keysView, 1)).toEqual([{ key: ['n'], value: 10 }]);
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
        expect(await store.count(sumsView, 1)).toEqual(groups.map((of) => ({ key: [of], value: total(of) })));
        expect(await store.view(sumsView)).toHaveLength(expected.length);
        const whole = await store.count(sumsView, 2, { start: null });
        expect(await store.count(sumsView, 2)).toEqual(whole);
      }),
      { numRuns: 40 },
    );
  });
});

// The SQLite store in several processes: all write at once, one is killed, a commit's answer is lost.
import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openWith } from '../../src/lib/stores/sqlite/sqlite.ts';
import { openDatabase, type SqlDatabase, SqlError } from '../../src/lib/util/sqlite.ts';
import { CONTRACT_VIEWS, keysView, sumsView, type Thing, thing } from '../contracts/things.ts';
import { around, fresh, keep, path, puts, setUp, tearDown } from '../support/sqlite.ts';

beforeEach(setUp);
afterEach(tearDown);

describe('several processes', () => {
  const worker = resolve(import.meta.dirname, `../../node_modules/.cache/dflow-test/store-worker-${process.pid}.mjs`);
  beforeAll(async () => {
    await build({
      entryPoints: [resolve(import.meta.dirname, '../../test/support/store-worker.ts')],
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
      expect(await store.count(keysView, 1)).toEqual([{ key: generation, value: 1000 }]);
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
    expect(await store.count(sumsView, 0)).toEqual([{ key: null, value: 1 }]);
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

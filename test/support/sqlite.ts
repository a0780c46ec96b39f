// A SQLite store in a folder of its own, for each test that asks for it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Store } from '../../src/lib/store.ts';
import { openFile } from '../../src/lib/stores/sqlite/file.ts';
import { Patience } from '../../src/lib/stores/sqlite/patience.ts';
import { openWith } from '../../src/lib/stores/sqlite/sqlite.ts';
import { SqliteStore } from '../../src/lib/stores/sqlite/store.ts';
import type { SqlDatabase } from '../../src/lib/util/sqlite.ts';
import type { View } from '../../src/lib/views/view.ts';
import { CONTRACT_VIEWS, put, type Thing } from '../contracts/things.ts';

/** Of the running test. */
export let folder: string;
export let path: string;
/** What it has open; closed after it. */
export const opened: { close(): unknown }[] = [];

export function setUp(): void {
  folder = mkdtempSync(join(tmpdir(), 'dflow-sqlite-'));
  path = join(folder, 'dflow.db');
}

export async function tearDown(): Promise<void> {
  for (const each of opened.splice(0)) await each.close();
  rmSync(folder, { recursive: true, force: true });
}

export function keep<T extends { close(): unknown }>(store: T): T {
  opened.push(store);
  return store;
}

/** The test's store, set up. */
export async function fresh(views: readonly View[] = CONTRACT_VIEWS): Promise<Store> {
  const store = keep(await openWith(`sqlite:${path}`, { write: 'setup' }, views));
  await store.setup('demo');
  return store;
}

/** Changes that write `docs`. */
export const puts = (docs: readonly Thing[]) => docs.map((doc) => ({ id: doc._id, change: put(doc) }));

/** A store on a database that the test may interfere with. */
export async function around(alter: (db: SqlDatabase) => SqlDatabase): Promise<SqliteStore> {
  await fresh();
  const db = alter(openFile(path, { write: true, create: false }));
  let ops = 0;
  return keep(
    await new SqliteStore(db, {
      views: CONTRACT_VIEWS,
      now: Date.now,
      nonce: () => `op${ops++}`,
      write: true,
      patience: new Patience(path),
    }).begin(),
  );
}

// The SQLite store: the contract, and what is its own: files that are no stores, full disks, locks, several processes.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openWith } from '../src/lib/stores/sqlite.ts';
import { openDatabase } from '../src/lib/util/sqlite.ts';
import { type StoreFixture, storeContract } from './contracts/store.ts';

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

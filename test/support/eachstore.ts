// The stores that a step is tried on: a SQLite file, and a CouchDB in memory. New and set up for each test.
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import type { Store } from '../../src/lib/store.ts';
import { openWith as openCouch } from '../../src/lib/stores/couch/couch.ts';
import { VIEWS } from '../../src/lib/views/index.ts';
import { type RunningServer, startCouchServer } from '../fakes/couch-server.ts';
import { fresh, keep, setUp, tearDown } from './sqlite.ts';

/** For a test file: starts the server before its tests. */
export function eachStore(): Readonly<Record<'SQLite' | 'CouchDB', () => Promise<Store>>> {
  let server: RunningServer;
  let databases = 0;
  beforeAll(async () => {
    server = await startCouchServer();
  });
  afterAll(() => server.stop());
  beforeEach(setUp);
  afterEach(tearDown);
  return {
    SQLite: () => fresh(VIEWS),
    CouchDB: async () => {
      const store = keep(await openCouch(`${server.url}/each${databases++}`, { write: 'setup' }, VIEWS));
      await store.setup('demo');
      return store;
    },
  };
}

// The store contract on a real PostgreSQL server, through pgbouncer, and on that of DFLOW_TEST_POSTGRES where it is set.
import { afterAll, beforeAll } from 'vitest';
import { openWith } from '../../src/lib/stores/postgres/postgres.ts';
import type { StoreFixture } from '../contracts/store/fixture.ts';
import { storeContract } from '../contracts/store.ts';
import { Pooler, Postgres, schemaName, sql } from './postgres-world.ts';

let server: Postgres;
let pooler: Pooler;
beforeAll(async () => {
  server = await Postgres.start();
  pooler = await Pooler.start(server);
});
afterAll(async () => {
  await pooler?.stop();
  server?.remove();
});

/** A schema of its own in a database of `base`. */
function fixtureAt(base: string): StoreFixture {
  const schema = schemaName();
  return {
    open: (options, views) => openWith(`${base}/${schema}`, options, views),
    dispose: async () => void (await sql(base, `DROP SCHEMA IF EXISTS ${schema} CASCADE`)),
    unmark: async () => void (await sql(base, `DELETE FROM ${schema}.meta WHERE name <> 'layout'`)),
    setSchema: async (version) =>
      void (await sql(base, `UPDATE ${schema}.meta SET value = '${version}' WHERE name = 'schema'`)),
  };
}

const FEATURES = { unmark: true, setSchema: true };
storeContract('postgres', async () => fixtureAt(server.url()), FEATURES);
storeContract('postgres, pgbouncer in transaction mode', async () => fixtureAt(pooler.url()), FEATURES);

const own = process.env.DFLOW_TEST_POSTGRES;
if (own) storeContract('postgres, own server', async () => fixtureAt(own), FEATURES);
else console.warn('LEFT OUT: the contract on DFLOW_TEST_POSTGRES=postgres://user:password@host:port/database');

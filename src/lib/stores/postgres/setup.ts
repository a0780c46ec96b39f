// Making a database the writable store of an experiment, and what it says of itself.
import { SCHEMA } from '../../domain/doc.ts';
import { UsageError } from '../../util/errors.ts';
import { assertSetupMeant, assertWritable, type Marker } from '../shared/experiment.ts';
import type { Connection, Server } from './server/connection.ts';
import { LAYOUT, named, TABLES, tablesOf } from './tables.ts';

/** What the tables say of the store. */
export interface Self {
  readonly marker: Marker | undefined;
  readonly layout: number;
  readonly seq: number;
}

/** `undefined`: the tables are not there. */
export async function readSelf(connection: Connection): Promise<Self | undefined> {
  const { schema } = connection.asked;
  if (!(await hasTables(connection))) return undefined;
  const [row] = await connection.read(
    `SELECT (SELECT json_object_agg(name, value) FROM ${named(schema, 'meta')}) AS meta, (SELECT seq FROM ${named(schema, 'head')}) AS seq`,
  );
  const meta: Readonly<Record<string, string>> = JSON.parse(String(row?.meta ?? '{}'));
  const { experiment, uuid = '', schema: version, layout } = meta;
  const marker = experiment === undefined ? undefined : { experiment, uuid, schema: Number(version) };
  return { marker, layout: Number(layout ?? LAYOUT), seq: Number(row?.seq ?? 0) };
}

async function hasTables(connection: Connection): Promise<boolean> {
  const [row] = await connection.read(
    'SELECT count(*) AS tables FROM pg_catalog.pg_tables WHERE schemaname = $1 AND tablename = ANY ($2::text[])',
    [connection.asked.schema, [...TABLES]],
  );
  return Number(row?.tables) === TABLES.length;
}

/** @throws UsageError for a database that no version of dflow has set up, or only a newer one */
export function requireLayout(connection: Connection, self: Self | undefined): Self {
  const { where, schema } = connection.asked;
  if (!self) {
    throw new UsageError(`the store is not set up: the schema '${schema}' has no tables of dflow`, {
      where,
      hint: 'dflow store setup',
    });
  }
  if (self.layout <= LAYOUT) return self;
  throw new UsageError(`the store was made by a newer dflow (layout ${self.layout}, this one knows ${LAYOUT})`, {
    where,
    hint: 'npm install -g dflow',
  });
}

/** Creates the schema and the tables where they are missing, and the mark; what the tables say then. */
export async function setUp(
  connection: Connection,
  server: Server,
  experiment: string,
  { force, uuid = crypto.randomUUID() }: { readonly force?: string | undefined; readonly uuid?: string | undefined },
): Promise<Self> {
  const { where, schema, database, host } = connection.asked;
  if (server.encoding !== 'UTF8') {
    throw new UsageError(`the encoding of the database is ${server.encoding}, and documents are UTF8`, {
      where,
      hint: `another database: createdb ${host()} -E UTF8 -T template0 ${database}`,
    });
  }
  if (!(await hasTables(connection))) await createTables(connection);
  const before = requireLayout(connection, await readSelf(connection));
  if (!before.marker) {
    const [row] = await connection.read(`SELECT count(*) AS n FROM ${named(schema, 'docs')} WHERE body IS NOT NULL`);
    assertSetupMeant(where, Number(row?.n), experiment, force);
    const marker: Marker = { experiment, uuid, schema: SCHEMA };
    await connection.read(
      `INSERT INTO ${named(schema, 'meta')} (name, value) SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT (name) DO NOTHING`,
      [Object.keys(marker), Object.values(marker).map(String)],
    );
  }
  // Of two set-ups at once one has written the mark.
  const self = requireLayout(connection, await readSelf(connection));
  assertWritable(where, self.marker, experiment);
  return self;
}

async function createTables(connection: Connection): Promise<void> {
  const { schema } = connection.asked;
  const [row] = await connection.read('SELECT count(*) AS n FROM pg_catalog.pg_namespace WHERE nspname = $1', [schema]);
  // Who may not make schemas may still fill one that was made for him. Of two set-ups at once the second waits.
  const make = row?.n === '0' ? `CREATE SCHEMA IF NOT EXISTS "${schema}";` : '';
  await connection.read(`SELECT pg_advisory_xact_lock(hashtext('dflow setup')); ${make} ${tablesOf(schema)}`);
}

// Run tables in a real PostgreSQL database, in the layout of SNO+'s public readers: the contract, other layouts, users that
// may only read, and what goes wrong at a server.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { contentHash, parseRatdb } from '../../src/lib/domain/formats/ratdb.ts';
import { exactJson } from '../../src/lib/domain/formats/ratdbvalues.ts';
import { keyOf, type TableToWrite, versionIn } from '../../src/lib/domain/tables/ratdbrows.ts';
import { QUERIES } from '../../src/lib/domain/tables/tablequeries.ts';
import type { Timing } from '../../src/lib/ratdbs/postgres/connection.ts';
import { open } from '../../src/lib/ratdbs/postgres/postgres.ts';
import type { Ratdb } from '../../src/lib/runtables.ts';
import { runTablesContract } from '../contracts/runtables.ts';
import { Pooler, Postgres } from './postgres-world.ts';

/** As the public readers of SNO+ use it; the types are the widest that they may have. */
const LAYOUT = `CREATE TABLE ratdb_data (key text PRIMARY KEY, data jsonb NOT NULL);
  CREATE TABLE ratdb_header_v2 (type text NOT NULL, index text NOT NULL, run_begin integer NOT NULL, run_end integer NOT NULL,
    version integer NOT NULL, pass integer NOT NULL, tag text, key text NOT NULL REFERENCES ratdb_data (key),
    UNIQUE (type, index, run_begin, run_end, version, pass, tag));
  CREATE TABLE run_state (run integer PRIMARY KEY, run_type integer, timestamp timestamptz, end_timestamp timestamptz);`;

const QUICK: Timing = { patience: 300, connect: 30_000, lock: 300 };
const SECRET = 'geheim%/@-wort';

let server: Postgres;
let count = 0;
const opened: Ratdb[] = [];

beforeAll(async () => {
  server = await Postgres.start();
  for (const role of ['reader', 'writer', 'single'])
    await server.sql(`CREATE ROLE ${role} LOGIN PASSWORD '${SECRET}' ${role === 'single' ? 'CONNECTION LIMIT 1' : ''}`);
});
afterAll(() => server?.remove());
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

async function database(layout = LAYOUT): Promise<string> {
  const name = `ratdb_${process.pid}_${count++}`;
  await server.sql(`CREATE DATABASE ${name}`);
  await server.sql(
    `${layout}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader, writer, single;
     GRANT INSERT ON ALL TABLES IN SCHEMA public TO writer, single`,
    name,
  );
  return name;
}

function ratdb(name: string, user = 'dflow', more: { timing?: Timing; queries?: Partial<typeof QUERIES> } = {}): Ratdb {
  const source = user === 'dflow' ? server.url(name) : server.url(name, user, SECRET);
  const settings = { source, writeBack: true, queries: { ...QUERIES, ...more.queries } };
  const made = open(settings, {}, more.timing ?? QUICK);
  opened.push(made);
  return made;
}

function rows(text: string, origin: string): TableToWrite[] {
  return parseRatdb(text).flatMap((table) =>
    table.ranges.map((range) => {
      const { name, index, pass, fields } = table;
      const hash = contentHash(fields, table.latin1);
      const row = { name, index, range, pass, hash, version: versionIn(table), data: exactJson(fields) };
      return { ...row, key: keyOf(origin, row) };
    }),
  );
}

const headers = (name: string) =>
  server.sql('SELECT * FROM ratdb_header_v2 ORDER BY type, run_begin, version, pass', name);
const bodies = (name: string) => server.sql('SELECT key FROM ratdb_data', name);
const RUN = '{name: "RUN", run_range: [7, 7], runtype: 4}';

let sources = 0;
runTablesContract(async () => {
  const tables = ratdb(await database());
  return {
    tables,
    load: async (text, tag) => void (await tables.write(rows(text, `source ${sources++}`), tag)),
  };
});

describe('look-ups', () => {
  test('the highest version, then the highest pass, as readers of SNO+ take them', async () => {
    const name = await database();
    await server.sql(
      `INSERT INTO ratdb_data SELECT 'k' || n, ('{"v": ' || n || '}')::jsonb FROM generate_series(1, 4) n;
       INSERT INTO ratdb_header_v2 VALUES ('T', '', 1, 9, 1, 5, '', 'k1'), ('T', '', 5, 5, 2, 0, '', 'k2'),
         ('T', '', 5, 5, 2, 1, 'x', 'k3'), ('T', 'i', 5, 5, 9, 9, '', 'k4')`,
      name,
    );
    const found = await ratdb(name).lookup('T', '', [4, 5, 10]);
    expect([...found].map(([run, { fields, revision }]) => [run, fields.v, revision])).toEqual([
      [4, 1, '1.5-k1'],
      [5, 3, '2.1-k3'],
    ]);
  });

  test('many runs and tables are one question, whatever their number', async () => {
    const name = await database();
    await server.sql(
      `INSERT INTO ratdb_data SELECT 'k' || n, '{}' FROM generate_series(1, 4000) n;
       INSERT INTO ratdb_header_v2 SELECT t, '', n, n, 1, 0, '', 'k' || n FROM generate_series(1, 4000) n, unnest('{RUN,DQ}'::text[]) t`,
      name,
    );
    const tables = ratdb(name);
    await server.sql(`ALTER DATABASE ${name} SET log_statement = 'all'`);
    const asked = (): number => server.log.split('SELECT type AS name, index').length;
    const before = asked();
    const runs = Array.from({ length: 2_000 }, (_, at) => 1 + at * 13);
    const found = await tables.revisions(['RUN', 'DQ', 'NONE'], runs);
    await tables.close();
    expect(runs.filter((run) => found.get(run)?.DQ !== undefined)).toHaveLength(
      runs.filter((run) => run <= 4_000).length,
    );
    await expect.poll(() => asked() - before).toBe(1);
  });

  test('run types and lengths of the run table; a run that is not over has no length', async () => {
    const name = await database();
    await server.sql(
      `INSERT INTO run_state VALUES (1, 4, '2026-07-14 06:00:00+02', '2026-07-14 05:00:00+00'), (2, NULL, now(), NULL)`,
      name,
    );
    const found = await ratdb(name).states([1, 2, 3]);
    expect(found.get(1)).toMatchObject({ mask: 4, length: 3_600_000 });
    expect(found.get(2)).not.toHaveProperty('mask');
    expect(found.get(2)).not.toHaveProperty('length');
    expect(found.has(3)).toBe(false);
  });

  test('another layout fits by its queries', async () => {
    const name =
      await database(`CREATE SCHEMA cond; CREATE TABLE cond.iov (id serial PRIMARY KEY, what varchar(40), since bigint,
      till bigint, revision smallint, payload json); GRANT USAGE ON SCHEMA cond TO reader; CREATE TABLE runs (no int, kind int)`);
    const tables = ratdb(name, 'dflow', {
      queries: {
        find: `SELECT what AS name, '' AS index, since AS first, till AS last, 1 AS version, revision AS pass, id AS key
          FROM cond.iov WHERE what = ANY(:names) AND since <= :last AND till >= :first`,
        contents: 'SELECT id AS key, payload AS data FROM cond.iov WHERE id::text = ANY(:keys)',
        insert:
          'INSERT INTO cond.iov (what, since, till, revision, payload) VALUES (:name, :first, :last, :pass, :data)',
        runs: 'SELECT no AS run, kind AS mask FROM runs WHERE no = ANY(:runs)',
      },
    });
    expect(await tables.check(true)).toBe('answers, and takes tables');
    await tables.write(rows(`${RUN} {name: "DQ", run_range: [1, 9], ok: 1}`, 'a'));
    expect((await tables.write(rows(RUN, 'b'))).map(({ did }) => did)).toEqual(['unchanged']);
    expect(
      (await tables.write(rows('{name: "RUN", run_range: [7, 7], runtype: 8}', 'c'))).map(({ did }) => did),
    ).toEqual(['replaced']);
    expect((await tables.lookup('RUN', '', [7])).get(7)?.fields.runtype).toBe(8);
    expect((await tables.revisions(['DQ'], [9, 10])).get(9)?.DQ).toBe('1.0-2');
  });

  test.each([
    ['does not parse', { find: 'SELEC name WHERE :names IS NULL' }, /^tables\.queries\.find: 42601: syntax error/],
    [
      'has no such table',
      { contents: 'SELECT key, data FROM nowhere WHERE key = ANY(:keys)' },
      /^tables\.queries\.contents: 42P01/,
    ],
    [
      'lacks a column',
      { contents: 'SELECT key FROM ratdb_data WHERE key = ANY(:keys)' },
      /^tables\.queries\.contents: its answer has no column 'data'/,
    ],
    [
      'lacks the mask',
      { runs: 'SELECT run FROM run_state WHERE run = ANY(:runs)' },
      /^tables\.queries\.runs: its answer has no column 'mask'/,
    ],
    [
      'writes into no table',
      { insert: 'INSERT INTO nowhere VALUES (:name, :first, :last, :pass, :data)' },
      /^tables\.queries\.insert: 42P01/,
    ],
  ])('a query that %s is an error of the configuration that names the key', async (_, queries, message) => {
    await expect(ratdb(await database(), 'dflow', { queries }).check(true)).rejects.toMatchObject({
      name: 'ConfigError',
      message: expect.stringMatching(message),
    });
  });

  test('a column of another kind is named', async () => {
    const name = await database();
    await ratdb(name).write(rows(RUN, 'a'));
    const find = QUERIES.find.replace('version, pass', "version || 'x' AS version, pass");
    await expect(ratdb(name, 'dflow', { queries: { find } }).revisions(['RUN'], [7])).rejects.toThrow(
      "tables.queries.find: column 'version' holds '1x', which is not a whole number",
    );
  });
});

describe('users', () => {
  test('one that may only read reads; writing is refused with words and a way out', async () => {
    const name = await database();
    await ratdb(name).write(rows(RUN, 'a'));
    const reader = ratdb(name, 'reader');
    expect((await reader.lookup('RUN', '', [7])).size).toBe(1);
    expect(await reader.check(false)).toBe('answers; it is only read');
    for (const refused of [reader.check(true), reader.write(rows('{name: "DQ", run_range: [7, 7]}', 'b'))])
      await expect(refused).rejects.toMatchObject({
        message: expect.stringContaining("RATDB does not let user 'reader' do this: 42501"),
        hint: expect.stringContaining('tables.writeBack: false'),
      });
    expect(await ratdb(name, 'writer').check(true)).toBe('answers, and takes tables');
  });

  test('a database that is set to reading says so', async () => {
    const name = await database();
    await server.sql(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    await expect(ratdb(name, 'writer').check(true)).rejects.toThrow(/does not let user 'writer' do this/);
    expect(await ratdb(name, 'writer').check(false)).toBe('answers; it is only read');
  });

  test('the password comes from the URL, PGPASSWORD, a credentials file or .pgpass, and is in no message', async () => {
    const name = await database();
    const folder = mkdtempSync(join(tmpdir(), 'dflow-ratdb-'));
    const [file, pgpass] = [join(folder, 'credentials.yaml'), join(folder, 'pgpass')];
    writeFileSync(file, `"127.0.0.1:${server.port}": {user: writer, password: "${SECRET}"}\n`, { mode: 0o600 });
    writeFileSync(pgpass, `127.0.0.1:${server.port}:*:writer:${SECRET}\n`, { mode: 0o600 });
    const source = `postgres://writer@127.0.0.1:${server.port}/${name}`;
    const asking = async (env: Record<string, string>) => {
      const made = open({ source, writeBack: true, queries: QUERIES }, { HOME: folder, ...env }, QUICK);
      opened.push(made);
      return made.check(true);
    };
    try {
      expect(await asking({ PGPASSWORD: SECRET })).toMatch(/answers/);
      expect(await asking({ DFLOW_CREDENTIALS: file })).toMatch(/answers/);
      process.env.PGPASSFILE = pgpass;
      expect(await asking({})).toMatch(/answers/);
      process.env.PGPASSFILE = join(folder, 'none');
      await expect(asking({})).rejects.toMatchObject({ name: 'CredentialsError' });
      const wrong = await asking({ PGPASSWORD: `${SECRET}x` }).catch((error: Error) => error);
      expect(wrong).toMatchObject({ name: 'CredentialsError', message: expect.stringContaining("user 'writer'") });
      expect(JSON.stringify([wrong, String(wrong)])).not.toContain(SECRET);
    } finally {
      delete process.env.PGPASSFILE;
      rmSync(folder, { recursive: true });
    }
  });
});

describe('what goes wrong', () => {
  test('no server: said at once, and not waited for by every question', async () => {
    const made = open({ source: 'postgres://u:geheim@127.0.0.1:1/x', writeBack: true, queries: QUERIES }, {}, QUICK);
    opened.push(made);
    const first = await made.revisions(['RUN'], [7]).catch((error: unknown) => error);
    expect(first).toMatchObject({ name: 'PassingError', exit: 5, hint: 'pg_isready -d postgres://127.0.0.1:1/x' });
    expect(String(first)).toMatch(/RATDB cannot be reached: .*ECONNREFUSED/);
    expect(String(first)).not.toContain('geheim');
    expect(await made.states([1]).catch((error: unknown) => error)).toBe(first);
  });

  test('one table does not fit: nothing of the transaction stays', async () => {
    const name = await database();
    await server.sql(`ALTER TABLE ratdb_header_v2 ADD CHECK (type <> 'BAD')`, name);
    const writer = ratdb(name, 'writer');
    await expect(writer.write(rows(`${RUN} {name: "BAD", run_range: [7, 7]}`, 'a'))).rejects.toMatchObject({
      name: 'ItemError',
    });
    expect(await headers(name)).toEqual([]);
    expect(await bodies(name)).toEqual([]);
    expect((await writer.write(rows(RUN, 'a'))).map(({ did }) => did)).toEqual(['loaded']);
  });

  test('a locked table is waited for a moment, then said; afterwards all goes on', async () => {
    const name = await database();
    const writer = ratdb(name, 'writer');
    await writer.write(rows(RUN, 'a'));
    const holder = new pg.Client({ connectionString: server.url(name) });
    await holder.connect();
    try {
      await holder.query('BEGIN; LOCK TABLE ratdb_header_v2 IN ACCESS EXCLUSIVE MODE');
      await expect(writer.revisions(['RUN'], [7])).rejects.toThrow(/a table is locked/);
      await holder.query('ROLLBACK');
    } finally {
      await holder.end();
    }
    const later = ratdb(name, 'writer');
    expect((await later.revisions(['RUN'], [7])).get(7)?.RUN).toBeDefined();
  });

  test('a user with one connection: two processes take turns, and a third says what is wrong', async () => {
    const name = await database();
    const [one, two] = [ratdb(name, 'single'), ratdb(name, 'single', { timing: { ...QUICK, patience: 60_000 } })];
    // Many questions of one process need one connection.
    await Promise.all([one.write(rows(RUN, 'a')), one.revisions(['RUN'], [7]), one.states([7])]);
    await expect(ratdb(name, 'single').revisions(['RUN'], [7])).rejects.toThrow(/no connection left for user 'single'/);
    const waiting = two.revisions(['RUN'], [7]);
    await one.close();
    expect((await waiting).get(7)?.RUN).toBeDefined();
  });

  test('a connection that was cut is made anew', async () => {
    const name = await database();
    const writer = ratdb(name, 'writer');
    await writer.write(rows(RUN, 'a'));
    await server.sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}' AND usename = 'writer'`,
    );
    expect((await writer.revisions(['RUN'], [7])).get(7)?.RUN).toBeDefined();
  });

  test('through pgbouncer in transaction mode', async () => {
    const name = await database();
    const pooler = await Pooler.start(server);
    try {
      const made = open({ source: pooler.url(name), writeBack: true, queries: QUERIES }, {}, QUICK);
      opened.push(made);
      expect((await made.write(rows(RUN, 'a'))).map(({ did }) => did)).toEqual(['loaded']);
      expect((await made.revisions(['RUN'], [7])).get(7)?.RUN).toBeDefined();
      await made.close();
    } finally {
      await pooler.stop();
    }
  });

  test('two writers of the same and of other tables at once: each table once', async () => {
    const name = await database();
    const text = Array.from(
      { length: 20 },
      (_, run) => `{name: "RUN", run_range: [${run + 1}, ${run + 1}], runtype: 4}`,
    ).join('\n');
    const writers = Array.from({ length: 4 }, (_, at) =>
      ratdb(name, 'writer', { timing: { ...QUICK, lock: 60_000 } }).write(rows(text, `w${at}`)),
    );
    const done = (await Promise.all(writers)).flat().filter(({ did }) => did !== 'unchanged');
    expect(done).toHaveLength(20);
    expect(await headers(name)).toHaveLength(20);
  });
});

test('a write-back that is killed ten times, the server or its connection, writes each table once', async () => {
  const name = await database();
  const text = Array.from(
    { length: 300 },
    (_, run) => `{name: "RUN", run_range: [${run + 1}, ${run + 1}], runtype: 4}`,
  );
  const timing: Timing = { patience: 60_000, connect: 3_000, lock: 60_000 };
  for (let round = 0; round < 10; round++) {
    const part = rows(text.slice(round * 30, round * 30 + 30).join('\n'), `job ${round}`);
    const writer = ratdb(name, 'writer', { timing });
    const writing = writer.write(part);
    writing.catch(() => undefined);
    // Some statements into the transaction, at another one each time; the last rounds are killed after its end.
    await sleep(round * 15);
    if (round % 2 === 0) {
      server.kill();
      await server.up();
    } else {
      await server.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'writer'`);
    }
    await writing;
    // As the next monitor does, which does not know how it ended.
    expect(new Set((await writer.write(part)).map(({ did }) => did))).toEqual(new Set(['unchanged']));
    await writer.close();
  }
  const found = await headers(name);
  expect(found).toHaveLength(300);
  expect(new Set(found.map(({ run_begin }) => run_begin)).size).toBe(300);
  expect(await bodies(name)).toHaveLength(300);
}, 600_000);

const real = resolve(import.meta.dirname, '../../../shared/data/ratdb');
if (!existsSync(real)) console.warn(`LEFT OUT: the real tables of ${real}`);
else
  test('the real tables of RATDB: written once, read back digit by digit', async () => {
    const name = await database(LAYOUT.replace('jsonb', 'json'));
    const texts = readdirSync(real).map((one) => readFileSync(join(real, one)));
    // Most are of the default plane, which RATDB does not have: each gets a run of its own.
    const all = texts
      .flatMap((text) => rows(text.toString('latin1'), 'real'))
      .map((row, at): TableToWrite => ({ ...row, range: [at + 1, at + 1], key: keyOf(`real ${at}`, row) }));
    expect(all.length).toBeGreaterThan(1);
    const tables = ratdb(name, 'writer', { timing: { ...QUICK, statement: 300_000 } });
    expect(new Set((await tables.write(all)).map(({ did }) => did))).toEqual(new Set(['loaded']));
    expect(new Set((await tables.write(all)).map(({ did }) => did))).toEqual(new Set(['unchanged']));
    for (const { name: table, index, range, hash } of all) {
      const found = (await tables.lookup(table, index, [range[0]])).get(range[0]);
      expect(found && contentHash(found.fields)).toBe(hash);
    }
  });

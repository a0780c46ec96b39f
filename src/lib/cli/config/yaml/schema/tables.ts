// Keys about run tables: which are required, who makes them, and where they are kept.
import * as z from 'zod/mini';
import { duration, name, oneOrMany, text } from '../values.ts';
import { key, section } from './key.ts';

const tableQueries = section(
  z.strictObject({
    find: key(
      text,
      'Finds headers of tables. Parameters: :names, :indexes, :runs, :first and :last of them, :tag. Columns: name, index, first, last, version, pass, key.',
      {
        example: "SELECT name, '' AS index, first, last, 1 AS version, pass, key FROM t WHERE name = ANY(:names)",
        without: 'table ratdb_header_v2 as SNO+ has it',
      },
    ),
    contents: key(text, 'Reads contents. Parameter: :keys. Columns: key, data.', {
      example: 'SELECT key, data FROM contents WHERE key = ANY(:keys)',
      without: 'table ratdb_data as SNO+ has it',
    }),
    runs: key(
      text,
      'Reads run types and times; none where the RUN tables have the types. Parameters: :runs, :first, :last. Columns: run, mask; for tables.minimum also started, ended.',
      { example: 'SELECT run, mask FROM runs WHERE run = ANY(:runs)', without: 'table run_state as SNO+ has it' },
    ),
    insert: key(
      text,
      'Writes one table. Parameters: :name, :index, :first, :last, :version, :pass, :tag, :key, :data.',
      {
        example: 'INSERT INTO t (name, first, last, pass, data) VALUES (:name, :first, :last, :pass, :data)',
        without: 'ratdb_header_v2 and ratdb_data as SNO+ has them',
      },
    ),
  }),
  'SQL of the database of run tables, for another layout than that of SNO+.',
);

export const tables = section(
  z.strictObject({
    required: key(
      z.union([oneOrMany(name), z.record(text, oneOrMany(name))]),
      'Run tables that must exist before a run is processed. In a map by run type, any is every run.',
      { example: '{any: RUN, Physics: [DQ, CHANNEL_STATUS]}', default: '[]' },
    ),
    minimum: key(duration, 'Time that a run must have lasted to be processed automatically; needs tables.source.', {
      example: '10 min',
      without: 'every run is processed',
    }),
    command: key(text, 'Command that makes the run tables of one run and prints them. It runs once for each run.', {
      example: './firstpass.sh',
      without: 'tables come from dflow tables load only',
    }),
    source: key(text, 'Database that has the run tables: RATDB in PostgreSQL. A password is better in ~/.pgpass.', {
      example: 'postgres://dflow@db.example.org/ratdb',
      without: 'the document store keeps the run tables',
    }),
    detector: key(text, 'Database that tables.queries.runs asks for run types and times.', {
      example: 'postgres://dflow@db.example.org/detector',
      without: 'tables.source',
    }),
    writeBack: key(z.boolean(), 'Write tables that jobs and the first pass make into tables.source.', {
      example: 'false',
      default: 'true',
    }),
    queries: tableQueries,
  }),
  'Run tables: the state of the detector during a run.',
);

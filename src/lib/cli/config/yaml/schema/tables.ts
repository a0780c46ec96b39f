// Keys about run tables: which are required, who makes them, and where they are kept.
import * as z from 'zod/mini';
import { duration, name, oneOrMany, positive, text } from '../values.ts';
import { key, needed, section } from './key.ts';

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

const firstPassJob = z.strictObject({
  run: needed(
    text,
    'Shell command. Its arguments are the raw files of the run, $DFLOW_RUN is its number. Tables that it prints are loaded; what it writes to standard error is its log.',
    './dq.sh',
  ),
  needs: key(oneOrMany(name), 'Jobs of the first pass that must be completed before it.', {
    example: 'channels',
    default: '[]',
  }),
  makes: key(
    oneOrMany(name),
    'Run tables that it must print. The job is completed when they exist, whoever loaded them.',
    {
      example: '[DQ]',
      default: '[]',
    },
  ),
  required: key(z.boolean(), 'Whether the run waits for this job before it is processed.', {
    example: 'false',
    default: 'true',
  }),
  when: key(oneOrMany(text), 'Run types that need the job.', { example: '[Physics]', without: 'every run needs it' }),
  tries: key(positive, 'Failures after which the job is given up until dflow retry.', {
    example: '3',
    without: 'it is tried again for ever, at last once a day',
  }),
  timeout: key(duration, 'Longest time of one try; everything that the job has started is stopped after that.', {
    example: '2 h',
    default: '30 min',
  }),
});

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
    jobs: section(
      z.record(name, firstPassJob),
      'Jobs of the first pass, by name, in place of tables.command. Each has its own log, state and tries.',
    ),
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

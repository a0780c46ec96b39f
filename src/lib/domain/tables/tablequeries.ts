// The queries for a database of run tables: SQL with named parameters. The defaults fit the layout that the public readers
// of SNO+ use.
import { noSuch } from '../named.ts';

/** What one query is given, and what it must answer. */
export interface QueryRules {
  readonly parameters: readonly string[];
  readonly columns: readonly string[];
  /** Parameters without which the answer makes no sense. */
  readonly needed: readonly string[];
}

export const QUERY_RULES = {
  find: {
    parameters: ['names', 'indexes', 'runs', 'first', 'last', 'tag'],
    needed: ['names'],
    columns: ['name', 'index', 'first', 'last', 'version', 'pass', 'key'],
  },
  contents: { parameters: ['keys'], needed: ['keys'], columns: ['key', 'data'] },
  runs: { parameters: ['runs', 'first', 'last'], needed: [], columns: ['run', 'mask', 'started', 'ended'] },
  insert: {
    parameters: ['name', 'index', 'first', 'last', 'version', 'pass', 'tag', 'key', 'data'],
    needed: ['name', 'first', 'last', 'pass', 'data'],
    columns: [],
  },
} as const satisfies Readonly<Record<string, QueryRules>>;

export type QueryName = keyof typeof QUERY_RULES;

/** What `runs` may say instead of a query: masks stand in the RUN tables. */
export const NO_QUERY = 'none';

export const QUERIES: Readonly<Record<QueryName, string>> = {
  find: `SELECT type AS name, index, run_begin AS first, run_end AS last, version, pass, key
FROM ratdb_header_v2
WHERE type = ANY(:names::text[]) AND index = ANY(:indexes::text[])
  AND (run_begin = ANY(:runs::bigint[]) OR (run_begin < run_end AND run_begin <= :last::bigint AND run_end >= :first::bigint))
  AND (:tag::text IS NULL OR tag = :tag::text)`,
  contents: 'SELECT key, data FROM ratdb_data WHERE key = ANY(:keys::text[])',
  runs: `SELECT run, run_type AS mask, timestamp AS started, end_timestamp AS ended
FROM run_state WHERE run = ANY(:runs::bigint[])`,
  insert: `WITH header AS (
  INSERT INTO ratdb_header_v2 (type, index, run_begin, run_end, version, pass, tag, key)
  VALUES (:name, :index, :first, :last, :version, :pass, :tag, :key::text))
INSERT INTO ratdb_data (key, data) VALUES (:key::text, :data)`,
};

/** A query as PostgreSQL takes it: `$1` instead of names. */
export interface NumberedQuery {
  readonly sql: string;
  /** Names of `$1`, `$2` ... */
  readonly names: readonly string[];
}

/** Texts, quoted names and comments, in which a colon means nothing; casts; parameters. */
const TOKEN = /'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w*)\$[\s\S]*?\$\1\$|--[^\n]*|\/\*[\s\S]*?\*\/|::|:([A-Za-z_]\w*)/g;

export function numbered(query: string): NumberedQuery {
  const names: string[] = [];
  const sql = query.replace(TOKEN, (all, _tag: string | undefined, name: string | undefined) => {
    if (name === undefined) return all;
    if (!names.includes(name)) names.push(name);
    return `$${names.indexOf(name) + 1}`;
  });
  return { sql, names };
}

/** What is wrong with a query before any server has seen it. */
export function queryWrong(name: QueryName, query: string): string | undefined {
  if (name === 'runs' && query === NO_QUERY) return undefined;
  const rules: QueryRules = QUERY_RULES[name];
  const { names } = numbered(query);
  const unknown = names.find((one) => !rules.parameters.includes(one));
  if (unknown !== undefined)
    return noSuch(
      'parameter',
      `:${unknown}`,
      rules.parameters.map((one) => `:${one}`),
    );
  const lacking = rules.needed.find((one) => !names.includes(one));
  return lacking === undefined ? undefined : `the query does not use :${lacking}`;
}

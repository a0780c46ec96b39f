// Tables as rows of a database: which holds, what a new one does, and the queries of the configuration.
import { expect, test } from 'vitest';
import {
  decideWrite,
  keyOf,
  revisionOf,
  rowFor,
  type TableRowOf,
  type TableToWrite,
  versionIn,
} from '../../../src/lib/domain/tables/ratdbrows.ts';
import {
  NO_QUERY,
  numbered,
  QUERIES,
  type QueryName,
  queryWrong,
} from '../../../src/lib/domain/tables/tablequeries.ts';

const row = (more: Partial<TableRowOf> = {}): TableRowOf => ({
  ...{ name: 'RUN', index: '', first: 5, last: 5, version: 1, pass: 0, key: 'k' },
  ...more,
});
const table = (more: Partial<TableToWrite> = {}): TableToWrite => ({
  ...{ name: 'RUN', index: '', range: [5, 5], version: 1, pass: 0, hash: 'h', data: '{}', key: 'mine' },
  ...more,
});

test('the highest version holds, then the highest pass, whatever the range', () => {
  const rows = [
    row({ key: 'a', pass: 9 }),
    row({ key: 'b', version: 2, first: 1, last: 9 }),
    row({ key: 'c', first: 6, last: 6, version: 9 }),
  ];
  expect(rowFor(rows, 5)?.key).toBe('b');
  expect(rowFor(rows, 10)).toBeUndefined();
});

test('the same contents are left alone, others become the next pass', () => {
  expect(decideWrite(table(), [], () => undefined)).toMatchObject({ did: 'loaded', row: { pass: 0, key: 'mine' } });
  expect(decideWrite(table(), [row()], () => 'h').did).toBe('unchanged');
  expect(decideWrite(table(), [row({ pass: 3 })], () => 'other')).toMatchObject({ did: 'replaced', row: { pass: 4 } });
  expect(decideWrite(table({ pass: 7 }), [row({ pass: 3 })], () => 'other').row.pass).toBe(7);
  // A row of another range is none of its business.
  expect(decideWrite(table(), [row({ last: 6 })], () => 'h').did).toBe('loaded');
});

test('what was written before is not written again, also where another table holds since', () => {
  const rows = [row({ key: 'mine' }), row({ key: 'later', pass: 1 })];
  expect(decideWrite(table(), rows, () => 'other')).toMatchObject({ did: 'unchanged', row: { key: 'mine' } });
});

test('a key is of its source, its range and its contents', () => {
  const { key: _, ...rest } = table();
  expect(keyOf('job 1', rest)).toBe(keyOf('job 1', rest));
  const others = [
    keyOf('job 2', rest),
    keyOf('job 1', { ...rest, hash: 'i' }),
    keyOf('job 1', { ...rest, range: [5, 6] }),
  ];
  expect(new Set([...others, keyOf('job 1', rest)]).size).toBe(4);
});

test('revisions show a short key as it is, and versions are whole numbers', () => {
  expect(revisionOf(row({ version: 2, pass: 1, key: '4711' }))).toBe('2.1-4711');
  expect(revisionOf(row({ key: 'x'.repeat(40) }))).toMatch(/^1\.0-[0-9a-f]{12}$/);
  expect(
    [1, 0, 'x', 1.5, undefined].map((version) => versionIn({ fields: version === undefined ? {} : { version } })),
  ).toEqual([1, 0, 1, 1, 1]);
});

test('parameters become numbers; casts, texts, names and comments are left alone', () => {
  const query = `SELECT ':no', "a:b", $$:no$$ -- :no
    /* :no */ FROM t WHERE run = ANY(:runs::int[]) AND name = :name AND last >= :runs`;
  const { sql, names } = numbered(query);
  expect(names).toEqual(['runs', 'name']);
  expect(sql.replace(/^[\s\S]*WHERE/, '')).toBe(' run = ANY($1::int[]) AND name = $2 AND last >= $1');
});

test('the built-in queries are right; a misspelt or missing parameter is named', () => {
  for (const name of Object.keys(QUERIES) as QueryName[]) expect(queryWrong(name, QUERIES[name])).toBeUndefined();
  expect(queryWrong('find', 'SELECT 1 WHERE x = ANY(:name)')).toMatch(/no parameter ':name'; did you mean :names\?/);
  expect(queryWrong('contents', 'SELECT key, data FROM t')).toBe('the query does not use :keys');
  expect(queryWrong('runs', NO_QUERY)).toBeUndefined();
  expect(queryWrong('find', NO_QUERY)).toBeDefined();
});

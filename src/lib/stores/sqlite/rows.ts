// View rows and reduced counts of a SQLite store: the tables, and what writes into them.
import type { SqlDatabase, SqlStatement, SqlValue } from '../../util/sqlite.ts';
import type { Delta, RowSink } from '../shared/rows.ts';

export const VIEW_TABLES = `
CREATE TABLE rows (view INTEGER NOT NULL, key TEXT NOT NULL, id TEXT NOT NULL, n INTEGER NOT NULL,
  json TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (view, key, id, n)) WITHOUT ROWID;
CREATE TABLE reduced (view INTEGER NOT NULL, level INTEGER NOT NULL, key TEXT NOT NULL, json TEXT NOT NULL,
  rows INTEGER NOT NULL, value NUMERIC NOT NULL, PRIMARY KEY (view, level, key)) WITHOUT ROWID;
`;

/** Rows of one INSERT, and values of one row. */
const ADD_ROWS = 40;
const ADD_VALUES = 6;

/** Writes at once, but rows to be inserted: those go together for speed. */
export class SqliteRows implements RowSink {
  readonly #statements: Statements;
  readonly #added: SqlValue[] = [];

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  drop(view: number, key: string, id: string, n: number): void {
    this.#statements.drop.run(view, key, id, n);
  }

  add(...row: readonly [view: number, key: string, id: string, n: number, json: string, value: string]): void {
    this.#added.push(...row);
    if (this.#added.length === ADD_ROWS * ADD_VALUES) this.#statements.addMany.run(...this.#added.splice(0));
  }

  reduce({ view, level, key, json, rows, value }: Delta): void {
    this.#statements.reduce.run(view, level, key, json, rows, value);
    if (rows < 0) this.#statements.empty.run(view, level, key);
  }

  /** Writes what is still to be written. */
  end(): void {
    const left = this.#added.splice(0);
    for (let i = 0; i < left.length; i += ADD_VALUES) this.#statements.add.run(...left.slice(i, i + ADD_VALUES));
  }
}

/** The prepared statements of SqliteRows; made once per connection. */
export interface Statements {
  readonly drop: SqlStatement;
  readonly add: SqlStatement;
  readonly addMany: SqlStatement;
  readonly reduce: SqlStatement;
  readonly empty: SqlStatement;
}

export function rowStatements(db: SqlDatabase): Statements {
  const insert = 'INSERT INTO rows (view, key, id, n, json, value) VALUES ';
  const row = '(?, ?, ?, ?, ?, ?)';
  return {
    drop: db.prepare('DELETE FROM rows WHERE view = ? AND key = ? AND id = ? AND n = ?'),
    add: db.prepare(insert + row),
    addMany: db.prepare(insert + Array(ADD_ROWS).fill(row).join(', ')),
    reduce: db.prepare(
      `INSERT INTO reduced (view, level, key, json, rows, value) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET rows = rows + excluded.rows, value = value + excluded.value`,
    ),
    empty: db.prepare('DELETE FROM reduced WHERE view = ? AND level = ? AND key = ? AND rows = 0'),
  };
}

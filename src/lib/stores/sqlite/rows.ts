// View rows and reduced counts of a SQLite store: kept up to date inside the transaction that writes the documents.
// What a document had emitted is computed anew from its old text, so no index from documents to rows is needed.

import type { Doc, Json } from '../../domain/doc.ts';
import type { SqlDatabase, SqlStatement, SqlValue } from '../../util/sqlite.ts';
import { nth } from '../../util/values/have.ts';
import type { View } from '../../views/view.ts';
import { encodeKey, groupKey } from '../shared/collate.ts';
import { type Emitted, emitted, sameRows } from '../shared/maps.ts';

export const VIEW_TABLES = `
CREATE TABLE rows (view INTEGER NOT NULL, key TEXT NOT NULL, id TEXT NOT NULL, n INTEGER NOT NULL,
  json TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (view, key, id, n)) WITHOUT ROWID;
CREATE TABLE reduced (view INTEGER NOT NULL, level INTEGER NOT NULL, key TEXT NOT NULL, json TEXT NOT NULL,
  rows INTEGER NOT NULL, value NUMERIC NOT NULL, PRIMARY KEY (view, level, key)) WITHOUT ROWID;
`;

/** A view with its number in the tables. */
export interface Installed {
  readonly number: number;
  readonly view: View;
}

/** Levels up to which reduced counts are kept, where the view does not say. */
const LEVELS = 2;

export function keptLevels(view: View): number {
  return view.levels ?? LEVELS;
}

interface Delta {
  readonly view: number;
  readonly level: number;
  readonly key: string;
  readonly json: string;
  rows: number;
  value: number;
}

/** Changes when the rows of the same emits would: what was stored by an older one is made anew. */
export const ROWS = 2;

/** Rows of one INSERT, and values of one row. */
const ADD_ROWS = 40;
const ADD_VALUES = 6;

const NONE: readonly Emitted[] = [];

/** Collects what changes, writes it at `flush`. Lives for one transaction. */
export class RowWriter {
  readonly #statements: Statements;
  readonly #deltas = new Map<string, Delta>();
  /** Values of rows to be inserted, together for speed. Never overlaps a later delete: ids come once in a batch. */
  readonly #added: SqlValue[] = [];

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  /** `before` and `after`: frozen JSON as it stood and as it will stand. */
  change(views: readonly Installed[], id: string, before: Doc | undefined, after: Doc | undefined): void {
    for (const installed of views) {
      const old = before ? emitted(installed.view, before) : NONE;
      const next = after ? emitted(installed.view, after) : NONE;
      if (!sameRows(old, next)) this.#replace(installed, id, old, next);
    }
  }

  /** Rows that stay as they are cost nothing: of a pass of 300 subjobs one change writes one row. */
  #replace(installed: Installed, id: string, old: readonly Emitted[], next: readonly Emitted[]): void {
    if (old.length === 0 || next.length === 0 || old.length + next.length === 2) {
      this.#drop(installed, id, old);
      this.add(installed, id, next);
      return;
    }
    const left = new Map(numbered(next).map((one) => [placeOf(one), one]));
    const gone = numbered(old).filter((one) => {
      const place = placeOf(one);
      return left.get(place)?.row.value !== one.row.value || !left.delete(place);
    });
    for (const { n, row } of gone) this.#dropOne(installed, id, n, row);
    for (const { n, row } of left.values()) this.#addOne(installed, id, n, row);
  }

  /** All rows that a document emitted for one view. */
  add(installed: Installed, id: string, rows: readonly Emitted[]): void {
    for (const { n, row } of numbered(rows)) this.#addOne(installed, id, n, row);
  }

  #drop(installed: Installed, id: string, rows: readonly Emitted[]): void {
    for (const { n, row } of numbered(rows)) this.#dropOne(installed, id, n, row);
  }

  #dropOne(installed: Installed, id: string, n: number, row: Emitted): void {
    this.#statements.drop.run(installed.number, encodeKey(row.raw), id, n);
    this.#reduce(installed, row.raw, row, -1);
  }

  #addOne(installed: Installed, id: string, n: number, row: Emitted): void {
    this.#added.push(installed.number, encodeKey(row.raw), id, n, row.key, row.value);
    if (this.#added.length === ADD_ROWS * ADD_VALUES) this.#statements.addMany.run(...this.#added.splice(0));
    this.#reduce(installed, row.raw, row, 1);
  }

  #reduce({ number, view }: Installed, key: Json, row: Emitted, sign: 1 | -1): void {
    const value = sign * (view.reduce === '_count' ? 1 : numberOf(row.value));
    const length = Array.isArray(key) ? key.length : 1;
    for (let level = 0; level <= keptLevels(view); level++) {
      // A key shorter than the level stands whole at every deeper level; it is kept at each, for one look-up.
      const whole = level > 0 && level >= length;
      const group = whole ? key : groupKey(key, level);
      const json = whole ? row.key : level === 0 ? 'null' : JSON.stringify(group);
      const name = `${number} ${level} ${json}`;
      let delta = this.#deltas.get(name);
      if (!delta) {
        delta = { view: number, level, key: encodeKey(group), json, rows: 0, value: 0 };
        this.#deltas.set(name, delta);
      }
      delta.rows += sign;
      delta.value += value;
    }
  }

  /** Writes what is still to be written. */
  flush(): void {
    const left = this.#added.splice(0);
    for (let i = 0; i < left.length; i += ADD_VALUES) this.#statements.add.run(...left.slice(i, i + ADD_VALUES));
    for (const { view, level, key, json, rows, value } of this.#deltas.values()) {
      if (rows === 0 && value === 0) continue;
      this.#statements.reduce.run(view, level, key, json, rows, value);
      if (rows < 0) this.#statements.empty.run(view, level, key);
    }
    this.#deltas.clear();
  }
}

interface Numbered {
  /** Which of the rows with its key it is. */
  readonly n: number;
  readonly row: Emitted;
}

/** Not by the position among all of them: that would move every later row when one is put in. */
function numbered(rows: readonly Emitted[]): readonly Numbered[] {
  if (rows.length === 1) return [{ n: 0, row: nth(rows, 0) }];
  const seen = new Map<string, number>();
  return rows.map((row) => {
    const n = seen.get(row.key) ?? 0;
    seen.set(row.key, n + 1);
    return { n, row };
  });
}

function placeOf({ n, row }: Numbered): string {
  return `${n} ${row.key}`;
}

function numberOf(json: string): number {
  const value = Number(json);
  return Number.isFinite(value) ? value : 0;
}

/** The prepared statements of RowWriter; made once per connection. */
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

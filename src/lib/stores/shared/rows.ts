// View rows and reduced counts of stores that keep them in tables, in the transaction that writes the documents. What a
// document had emitted is computed anew from its old text, so no index from documents to rows is needed. Pure.
import { createHash } from 'node:crypto';
import type { Doc, Json } from '../../domain/doc.ts';
import { nth } from '../../util/values/have.ts';
import type { View } from '../../views/view.ts';
import { COLLATION, encodeKey, groupKey } from './collate.ts';
import { type Emitted, emitted, sameRows } from './maps.ts';

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

/** Where changed rows and counts go. Of one transaction no row is dropped after it was added. */
export interface RowSink {
  drop(view: number, key: string, id: string, n: number): void;
  add(view: number, key: string, id: string, n: number, json: string, value: string): void;
  /** Adds to a count; a group that has no rows then is removed. */
  reduce(delta: Delta): void;
}

export interface Delta {
  readonly view: number;
  readonly level: number;
  readonly key: string;
  readonly json: string;
  rows: number;
  value: number;
}

/** Changes when the rows of the same emits would: what was stored by an older one is made anew. */
const ROWS = 2;

/** Of each view that was asked for: a store compares them at every query. */
const hashes = new WeakMap<View, string>();

/** Changes when what is stored for the view would. */
export function viewHash(view: View): string {
  const known = hashes.get(view);
  if (known !== undefined) return known;
  const text = [COLLATION, ROWS, keptLevels(view), view.reduce, view.map.toString()].join('\n');
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  hashes.set(view, hash);
  return hash;
}

const NONE: readonly Emitted[] = [];

/** Hands on rows that change, and at `flush` the counts that follow. Lives for one transaction. */
export class RowWriter {
  readonly #sink: RowSink;
  readonly #deltas = new Map<string, Delta>();

  constructor(sink: RowSink) {
    this.#sink = sink;
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
    this.#sink.drop(installed.number, encodeKey(row.raw), id, n);
    this.#reduce(installed, row.raw, row, -1);
  }

  #addOne(installed: Installed, id: string, n: number, row: Emitted): void {
    this.#sink.add(installed.number, encodeKey(row.raw), id, n, row.key, row.value);
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

  /** Hands on the counts. */
  flush(): void {
    for (const delta of this.#deltas.values()) if (delta.rows !== 0 || delta.value !== 0) this.#sink.reduce(delta);
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

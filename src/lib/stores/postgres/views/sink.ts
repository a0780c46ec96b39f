// What changes in view rows and counts, collected as the arrays that the store's functions take.
import { createHash } from 'node:crypto';
import type { Delta, RowSink } from '../../shared/rows.ts';

/** An entry of an index takes 2,700 bytes: of a longer key the beginning sorts, and a hash tells it from others. */
const LONGEST = 1200;

export function indexKey(key: string): string {
  if (key.length <= LONGEST) return key;
  return key.slice(0, LONGEST) + createHash('sha256').update(key).digest('hex').slice(0, 32);
}

type Column = (string | number)[];

/** Values by column: `push` takes one row. */
class Columns {
  readonly all: Column[];

  constructor(count: number) {
    this.all = Array.from({ length: count }, () => []);
  }

  push(...row: readonly (string | number)[]): void {
    for (const [i, value] of row.entries()) this.all[i]?.push(value);
  }
}

export class RowArrays implements RowSink {
  readonly #dropped = new Columns(4);
  readonly #added = new Columns(6);
  readonly #counted = new Columns(6);

  drop(view: number, key: string, id: string, n: number): void {
    this.#dropped.push(view, indexKey(key), id, n);
  }

  add(view: number, key: string, id: string, n: number, json: string, value: string): void {
    this.#added.push(view, indexKey(key), id, n, json, value);
  }

  reduce({ view, level, key, json, rows, value }: Delta): void {
    this.#counted.push(view, level, indexKey(key), json, rows, value);
  }

  /** The last parameters of `apply` and `fold`. */
  get parameters(): readonly Column[] {
    return [...this.#dropped.all, ...this.#added.all, ...this.#counted.all];
  }
}

/** Bounds of long keys: what begins like them is in the range. */
export const indexStart = (key: string): string => key.slice(0, LONGEST);
export const indexEnd = (key: string): string => (key.length <= LONGEST ? key : `${key.slice(0, LONGEST)}~`);

/** `$1, $2, ...` */
export function places(values: readonly unknown[]): string {
  return values.map((_, i) => `$${i + 1}`).join(', ');
}

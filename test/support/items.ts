// Items as tests read them: any field, whatever the kind.
import type { Item } from '../../src/lib/domain/results/items.ts';
import type { Step } from '../../src/lib/flow/ports.ts';
import type { AnyRow } from '../../src/lib/flow/reports/look/look.ts';
import type { Rows } from '../../src/lib/flow/reports/look/row.ts';
import { checkItem } from './contract.ts';

type FieldsOf<I> = I extends unknown ? keyof I : never;
type Value<I, F> = I extends unknown ? (F extends keyof I ? I[F] : never) : never;

export type Seen = Pick<Item, 'kind' | 'ref' | 'did'> & { readonly [F in FieldsOf<Item>]?: Value<Item, F> };

export async function collect(step: Step): Promise<Seen[]> {
  const items: Seen[] = [];
  for await (const item of step) {
    checkItem(item);
    items.push(item);
  }
  return items;
}

/** Rows that were found; what was asked for and is not there is left out. */
export async function found<R extends AnyRow>(rows: Rows<R>): Promise<R[]> {
  const all: R[] = [];
  for await (const row of rows) if (!('did' in row)) all.push(row);
  return all;
}

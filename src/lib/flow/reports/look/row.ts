// What rows have in common: the JSON lines of `list` and its like (docs/json.md). A row says no `did`: nothing was done.
import type { Item } from '../../ports.ts';

export interface Row<Kind extends string> {
  readonly kind: Kind;
  /** What can be pasted into another command. */
  readonly ref: string;
}

/** Rows as they are found; a failed item says what was asked for and is not there. */
export type Rows<R> = AsyncGenerator<R | Item, void, void>;

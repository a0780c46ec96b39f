// What `list` yields.

/**
 * A looked-up row: the JSON contract of `list`. It has no `did`: nothing was done. `failed: true` (not a count) says
 * that something asked for is not there.
 */
export interface Row {
  readonly kind: string;
  readonly ref: string;
  readonly text?: string;
  readonly next?: string;
  readonly [field: string]: unknown;
}
export type Rows = AsyncGenerator<Row, void, void>;

// A view: a map function and a built-in reduce, and the typed handle by which it is asked. CouchDB gets the function's
// source, SQLite calls it. So a map function has no imports and no outer names, and throws on no document.
import type { Json } from '../domain/doc.ts';

type Emit<Key extends Json = Json, Value extends Json = Json> = (key: Key, value: Value) => void;

export interface View<Key extends Json = Json, Value extends Json = Json> {
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: map functions see every document, of any kind, as CouchDB's do
  readonly map: (doc: any, emit: Emit<Key, Value>) => void;
  /** `_count`: rows; `_sum`: their number values. */
  readonly reduce: '_count' | '_sum';
  /** Group levels whose counts SQLite keeps ready, 2 if not said; beyond it they are counted from the rows. */
  readonly levels?: number;
}

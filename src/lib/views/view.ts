// A view: one plain map function and a built-in reduce, written once. CouchDB gets the function's source in a design
// document, SQLite calls it inside the write transaction. So a map function must be self-contained: no imports, no
// outer names, nothing but plain ES5-like code (`function`, `var`, `for`), since older servers know no more; documents
// are frozen inside it; it must never throw on any document.
// A view also is the typed handle by which it is asked: it says what its keys and values are.
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

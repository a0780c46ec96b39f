// The documents that were met last, by id, as far as memory allows. Says nothing of whether they are still current:
// whoever takes one compares its revision with what is stored. Knows no SQL.
import type { Doc } from '../../domain/doc.ts';

/** Characters of JSON kept, all in all: some thirty megabytes as objects. */
const ROOM = 8_000_000;

export class Recent {
  readonly #docs = new Map<string, { readonly doc: Doc; readonly size: number }>();
  readonly #room: number;
  #used = 0;

  constructor(room = ROOM) {
    this.#room = room;
  }

  get<D extends Doc>(id: string): D | undefined {
    return this.#docs.get(id)?.doc as D | undefined;
  }

  /** `size`: characters of its JSON. The oldest make room; what would take much of it is not kept. */
  add(doc: Doc, size: number): void {
    this.#drop(doc._id);
    if (size > this.#room / 8) return;
    this.#docs.set(doc._id, { doc, size });
    this.#used += size;
    for (const id of this.#docs.keys()) {
      if (this.#used <= this.#room) return;
      this.#drop(id);
    }
  }

  #drop(id: string): void {
    this.#used -= this.#docs.get(id)?.size ?? 0;
    this.#docs.delete(id);
  }
}

// Documents that a store has made of its own text.
import type { Doc } from '../../domain/doc.ts';
import { deepFreeze } from './maps.ts';

/**
 * Documents made here are frozen, so one of them with the stored revision is what is stored: a bulk that follows another
 * reads and parses nothing again. A document of anybody else is never believed.
 */
export class MadeDocs {
  readonly #made = new WeakSet<Doc>();

  /** Frozen through and through: map functions must not change it, and neither may a change function. */
  make<D extends Doc>(rev: string, body: string): D {
    const made: D = JSON.parse(body);
    deepFreeze(Object.assign(made, { _rev: rev }));
    this.#made.add(made);
    return made;
  }

  has(doc: Doc): boolean {
    return this.#made.has(doc);
  }
}

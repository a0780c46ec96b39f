// What a store that is one file of this host can do beyond the contract of all stores, in store.ts.
import type { Doc } from './domain/doc.ts';

/** A store that is one file of this host: what can be done with the file itself, also where it cannot be opened. */
export interface StoreFile {
  /** What the name of a whole copy ends with: `.db`. */
  readonly extension: string;
  /** The file of the store. */
  pathOf(url: string): string;
  /** The address of a file. */
  urlOf(path: string): string;
  /** Whether this file holds such a store, by its first bytes. */
  recognises(path: string): boolean;
  /** Writes the store as it is at one moment into a new file, and syncs it. @throws StoreError */
  copy(url: string, target: string): Promise<void>;
  /**
   * Puts `source`, a closed whole store beside it, in the place of the store, once nobody writes there. The old file is
   * kept under the name that is answered. From then on older files of the store are not written.
   */
  replace(url: string, source: string): Promise<string | undefined>;
  /** How many changes, known on this host, the copy lacks. */
  lacks(url: string, source: string): number;
  /** Everything that can be read of a damaged store, past its damage. */
  salvage(url: string, scratch: string): Promise<Salvage>;
}

/** What was found in a damaged store. */
export interface Salvage {
  readonly docs: AsyncIterable<Doc>;
  /** Ids of documents that existed and cannot be read. */
  readonly lost: readonly string[];
  readonly marker?: { readonly experiment: string; readonly uuid: string };
}

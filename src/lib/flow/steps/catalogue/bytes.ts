// The bytes behind a name of the catalogue: what really is at a storage element.
import { plainAddress } from '../../../domain/catalogue/decide.ts';
import { ItemError } from '../../../util/errors.ts';
import type { CatalogueSession } from './session.ts';

export interface Bytes {
  readonly size: number;
  readonly adler32: string;
}

/** Size and checksum of what is at a path, every byte read; `undefined`: nothing is there. @throws UnreachableError */
export async function bytesAt({ ports }: CatalogueSession, storage: string, path: string): Promise<Bytes | undefined> {
  const element = await ports.storage(storage);
  try {
    if (!(await element.stat([path])).has(path)) return undefined;
    return await element.readChecksum(path);
  } catch (error) {
    // It is a folder, or cannot be read: not the bytes of a file.
    if (error instanceof ItemError) return undefined;
    throw error;
  }
}

/** The path at a storage element of a physical name; `undefined`: it lies elsewhere. */
export function pathBelow({ settings }: CatalogueSession, storage: string, address: string): string | undefined {
  const base = `${plainAddress(settings.places[storage]?.url ?? '').replace(/\/+$/, '')}/`;
  const plain = plainAddress(address);
  const path = plain.startsWith(base) ? plain.slice(base.length) : '';
  return path === '' || path.split('/').includes('..') ? undefined : path;
}

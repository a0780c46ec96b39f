// Raw files by name, and what a transfer says of them.

import { bytesOf } from '../contracts/storage.ts';
import type { Seen } from './items.ts';
import type { TestFile } from './ports.ts';

/** A raw file whose bytes follow from its name. */
export const file = (name: string, size = 2000): TestFile => ({ name, bytes: bytesOf(name, size) });

/** `storage file what was done`, an item a line. */
export const dids = (items: readonly Seen[]): string[] =>
  items.map((item) => `${item.storage ?? item.ref} ${item.file ?? '-'} ${item.did}`);

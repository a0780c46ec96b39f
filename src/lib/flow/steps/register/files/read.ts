// Reading files of the buffer while their builder may still be at work: a checksum counts only if the file was the same
// before and after. Knows no documents.

import { parseRunHeader, ZdabError } from '../../../../domain/formats/zdab.ts';
import type { Entry, Storage } from '../../../../storage.ts';
import { ItemError } from '../../../../util/errors.ts';
import { orItemError } from '../../../../util/systemerrors.ts';
import { shown } from '../../../../util/text/names.ts';
import type { Progress } from '../../../progress.ts';

/** Files read at once: enough to keep a disk array busy, few enough not to disturb the builder. */
export const PARALLEL = 3;
/** Run headers stand in the first records. */
const HEADER_BYTES = 64 * 1024;

export type Reading =
  | { readonly ok: true; readonly adler32: string }
  /** Deleted since the listing: nothing to say. */
  | { readonly ok: false; readonly did: 'gone' }
  | Trouble;

/** It could not be read now; the next round tries again. */
export interface Trouble {
  readonly ok: false;
  readonly did: 'still changing' | 'unreadable';
  readonly text: string;
  readonly next?: string;
}

/** The buffer, and where progress is reported to. */
export interface Readers {
  readonly storage: Storage;
  readonly told: Progress;
}

/** Checksums a file of the listing, unless it is no longer what the listing said. */
export async function readSteady({ storage, told }: Readers, entry: Entry): Promise<Reading> {
  const thing = [entry.path, entry.size, entry.path] as const;
  const sum = await told.one(thing, (progress) =>
    orItemError(entry.path, () => storage.checksum(entry.path, { progress })),
  );
  const found = await orItemError(entry.path, () => storage.stat([entry.path]));
  if (found instanceof ItemError) return unreadable(found);
  const after = found.get(entry.path);
  if (!after) return { ok: false, did: 'gone' };
  const steady = after.size === entry.size && after.modified === entry.modified && after.changed === entry.changed;
  if (!steady || (!(sum instanceof ItemError) && sum.size !== entry.size)) {
    const text = `${shown(entry.path)} changed while it was read: ${entry.size} bytes before, ${after.size} after`;
    return { ok: false, did: 'still changing', text };
  }
  if (sum instanceof ItemError) return unreadable(sum);
  return { ok: true, adler32: sum.adler32 };
}

function unreadable({ message, hint }: ItemError): Trouble {
  return { ok: false, did: 'unreadable', text: message, ...(hint ? { next: hint } : {}) };
}

export type Header =
  | { readonly ok: true; readonly mask?: number }
  | { readonly ok: false; readonly damage: string }
  /** Not to be read at all; reading the whole file will say why. */
  | { readonly ok: false; readonly damage?: never };

/** Looks at the beginning of a raw ZDAB file: is it sound, does it belong to `run`, which mask has the run? */
export async function readHeader(storage: Storage, path: string, run: number): Promise<Header> {
  try {
    const header = parseRunHeader(await storage.read(path, 0, HEADER_BYTES));
    if (header && header.run !== run) return { ok: false, damage: `${shown(path)}: the header says run ${header.run}` };
    return header?.mask === undefined ? { ok: true } : { ok: true, mask: header.mask };
  } catch (error) {
    if (error instanceof ZdabError) return { ok: false, damage: `${shown(path)}: ${error.message}` };
    if (error instanceof ItemError) return { ok: false };
    throw error;
  }
}

// A look at one buffer: what lies there, what of it is registered, and since when each other file lies as it does. Looks
// are remembered before anything is decided on them, so that the second one may be another process's.
import { type DataDoc, fileOf, type RawFile } from '../../../../domain/data/data.ts';
import { asA } from '../../../../domain/doc.ts';
import { dataId } from '../../../../domain/ids.ts';
import { type ArchivedDoc, archivedId } from '../../../../domain/runs/archived.ts';
import type { BufferSettings } from '../../../../domain/settings.ts';
import type { Storage } from '../../../../storage.ts';
import type { ItemError } from '../../../../util/errors.ts';
import type { Iso } from '../../../../util/time.ts';
import { type Found, type Listing, type ListingRules, listingRules, sortOut } from '../../../copies/buffer/listing.ts';
import { type Looks, markOf, readLooks, seenAt, writeLooks } from '../../../copies/buffer/looks.ts';
import { listBuffer } from '../../../copies/buffer/own.ts';
import { archivedAmong } from '../../../jobs/archived/archived.ts';
import type { Ports } from '../../../ports.ts';
import type { Hidden } from './unreadable.ts';

export interface Glance {
  readonly storage: Storage;
  readonly rules: ListingRules;
  readonly listing: Listing;
  readonly hidden: Hidden;
  /** The store's clock before the listing began. */
  readonly now: Iso;
  /** Data documents of the runs in the listing. */
  readonly data: Map<number, DataDoc>;
  /** Runs in the listing whose documents are in a file. */
  readonly archived: ReadonlyMap<number, ArchivedDoc>;
  readonly looks: Looks;
}

/** @throws UnreachableError when the buffer's folder is gone */
export async function glance(ports: Ports, buffer: BufferSettings): Promise<Glance> {
  const now = await ports.store.now();
  const byLook = buffer.closed === 'settled';
  const known = byLook ? await readLooks(ports, buffer.level, now) : new Map<string, Iso>();
  const rules = listingRules(ports.settings, buffer, now, (entry) => seenAt(known, entry));
  const storage = await ports.buffer(buffer.level);
  const hidden = new Map<string, ItemError>();
  const entries = await listBuffer(ports, storage, (path, why) => hidden.set(path, why));
  const listing = sortOut(entries, rules);
  const runs = [...new Set(listing.files.map((file) => file.run))];
  const ids = runs.flatMap((run) => [dataId(buffer.level, run), archivedId(run)]);
  const docs = [...(await ports.store.get(ids)).values()];
  const data = new Map(docs.flatMap((doc) => asA<DataDoc>(doc, 'data') ?? []).map((doc) => [doc.run, doc]));
  const looks: Looks = new Map();
  if (byLook) for (const file of unsettled(listing, data)) looks.set(markOf(file), seenAt(known, file) ?? now);
  if (byLook) await writeLooks(ports, buffer.level, looks, now, known);
  return { storage, rules, listing, hidden, now, data, archived: archivedAmong(docs), looks };
}

/** Files that are not, or not as they lie, in the catalogue. */
function unsettled(listing: Listing, data: ReadonlyMap<number, DataDoc>): Found[] {
  return listing.files.filter((file) => {
    const registered = fileOf(data.get(file.run), file.subrun);
    return !registered || !isAsRegistered(file, registered);
  });
}

/** The registered file itself, untouched. A modification time can be put back after a change, a ctime cannot. */
export function isAsRegistered(file: Found, registered: RawFile): boolean {
  const known = registered.changed !== undefined && file.changed !== undefined;
  const touched = known && file.changed !== registered.changed;
  const same = file.size === registered.size && file.modified === registered.modified && !touched;
  return file.path === registered.path && same && registered.original.state === 'present';
}

/** Files that a second look may take, and when the last of them is due. */
export function waiting({ listing, looks }: Glance): { readonly files: number; readonly until?: Iso } {
  const due = listing.files.flatMap((file) =>
    file.due !== undefined && seenAt(looks, file) !== undefined ? [file.due] : [],
  );
  return due.length === 0 ? { files: 0 } : { files: due.length, until: due.reduce((a, b) => (a > b ? a : b)) };
}

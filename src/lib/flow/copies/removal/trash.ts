// The trash of a buffer: a file that is not wanted is moved to `.dflow-trash/DATE/` on the same file system, never deleted
// at once. `openTrash` moves files there, `restore` brings them back and writes over nothing. See docs/storage.md.

import { join } from 'node:path';
import { isGoneFrom } from '../../../domain/data/gone.ts';
import { TRASH, type TrashDoc, trashId, trashPlaces } from '../../../domain/data/trash.ts';
import { SCHEMA } from '../../../domain/doc.ts';
import type { Stat, Storage } from '../../../storage.ts';
import { idsWith } from '../../../store.ts';
import { ItemError } from '../../../util/errors.ts';
import { codeOf } from '../../../util/systemerrors.ts';
import { shown } from '../../../util/text/names.ts';
import type { Iso } from '../../../util/time.ts';
import { given } from '../../../util/values/given.ts';
import { nth } from '../../../util/values/have.ts';
import type { About, Files, Item, Ports, ReadPorts, Step } from '../../ports.ts';

/** A file of this host's buffer that is not wanted, as it was when that was decided. */
export interface Unwanted extends Pick<TrashDoc, 'level' | 'name' | 'reason' | 'detail' | 'size' | 'modified'> {
  readonly run?: number;
  readonly why?: string;
}

export interface Trash {
  /**
   * Moves a file and its end marker to the trash: receipt on disk, document, rename, look again. `again` is asked after
   * the rename: the reason why the file must be put back after all, if there is one.
   * @throws ItemError nothing has changed, or the message says where the file is now
   */
  put(file: Unwanted, again?: () => Promise<string | undefined>): Promise<TrashDoc>;
  close(): Promise<void>;
}

/** A trash for one call of a step: all that it moves stands in one receipt. */
export function openTrash(ports: Ports, at: Iso, nonce: string): Trash {
  const receipt = ports.receipts.make(ports.settings.folder, 'trash', at, nonce);
  return {
    async put(file, again) {
      const doc = docOf(ports, file, at, nonce, receipt.name);
      const buffer = await ports.buffer(file.level);
      await refuseLinks(ports.files, buffer, doc);
      const identity = await lookAt(ports.files, buffer, file);
      const { _id: id, v: _, ...line } = doc;
      await receipt.write([{ ...line, kind: 'trash', id }]);
      await ports.store.update<TrashDoc>(id, () => ({ write: doc }));
      try {
        const place = await move(buffer, doc);
        await look(ports.files, buffer, doc, place, identity, again);
        await moveMarker(ports, buffer, doc, place);
      } catch (error) {
        if (!(await placeOf(buffer, doc))) await forget(ports, id);
        throw error;
      }
      return doc;
    },
    close: () => receipt.close(),
  };
}

function docOf(ports: Ports, file: Unwanted, at: Iso, nonce: string, receipt: string): TrashDoc {
  const { level, name, run, reason, detail, why, size, modified } = file;
  return {
    _id: trashId(level, shown(name), nonce),
    kind: 'trash',
    v: SCHEMA,
    level,
    host: ports.host,
    name,
    places: trashPlaces(name, at, nonce),
    ...given({ run }),
    reason,
    detail,
    ...given({ why }),
    size,
    modified,
    at,
    by: ports.by,
    receipt,
  };
}

/** A trash that is a link would lead the files to a folder that somebody else chose. */
async function refuseLinks(files: Files, buffer: Storage, { places }: TrashDoc): Promise<void> {
  for (const place of places) {
    const trash = place.slice(0, place.indexOf(TRASH) + TRASH.length);
    const path = buffer.localPath(trash);
    for (const folder of path === undefined
      ? []
      : [path, join(path, place.slice(trash.length + 1, trash.length + 11))]) {
      if ((await files.isFolder(folder)) === false)
        throw new ItemError(`${shown(folder)} is not a folder`, { hint: `ls -ld ${folder}` });
    }
  }
}

/** Its identity on disk. @throws ItemError when it is not what was judged */
async function lookAt(files: Files, buffer: Storage, file: Unwanted): Promise<string | undefined> {
  const found = (await buffer.stat([file.name])).get(file.name);
  if (!found) throw new ItemError(`${shown(file.name)} is no longer on the buffer`);
  if (!isSame(found, file)) throw new ItemError(`${shown(file.name)} has changed since it was looked at`);
  const local = buffer.localPath(file.name);
  return local === undefined ? undefined : files.identity(local);
}

/** What a rename leaves as it was. */
type Looks = Pick<Stat, 'size' | 'modified'>;

const isSame = (found: Looks, file: Looks): boolean => found.size === file.size && found.modified === file.modified;

/** Renames it into the trash; beside itself where the top of the buffer is another file system. */
async function move(buffer: Storage, { name, places }: TrashDoc): Promise<string> {
  const [top, beside] = places;
  try {
    await buffer.rename(name, top);
    return top;
  } catch (error) {
    const elsewhere = error instanceof ItemError && codeOf(error.cause) === 'EXDEV';
    if (!elsewhere || beside === undefined) throw error;
    await buffer.rename(name, beside);
    return beside;
  }
}

/** After the rename: is it the file that was judged, and does nobody miss it? If not, it is put back. */
async function look(
  files: Files,
  buffer: Storage,
  doc: TrashDoc,
  place: string,
  identity: string | undefined,
  again: (() => Promise<string | undefined>) | undefined,
): Promise<void> {
  const local = buffer.localPath(place);
  const other = local !== undefined && (await files.identity(local)) !== identity;
  const why = other ? 'has changed since it was looked at' : await again?.();
  if (why === undefined) return;
  await putBack(buffer, doc, place);
  throw new ItemError(`${shown(doc.name)}: ${why}`);
}

async function putBack(buffer: Storage, { name }: Pick<TrashDoc, 'name'>, place: string): Promise<void> {
  if (!buffer.renameNew) throw new ItemError(`${buffer.name} cannot bring files back; it is at ${shown(place)}`);
  await buffer.renameNew(place, name);
}

const MARKER = '_closed';

/** A marker that stayed would close the next file of that name before it is written. */
async function moveMarker(ports: Ports, buffer: Storage, { level, name }: TrashDoc, place: string): Promise<void> {
  if (ports.settings.buffers.find((one) => one.level === level)?.closed !== 'marker') return;
  if (await isThere(buffer, name + MARKER)) await buffer.rename(name + MARKER, place + MARKER);
}

async function isThere(buffer: Storage, path: string): Promise<boolean> {
  return (await buffer.stat([path])).has(path);
}

/** Where in the trash the file lies; `undefined`: it is not there. A deletion that was killed leaves it under a name of its own. */
export async function placeOf(
  buffer: Storage,
  doc: Pick<TrashDoc, 'places' | keyof Looks>,
): Promise<string | undefined> {
  const { places } = doc;
  const found = await buffer.stat(places);
  const there = places.find((place) => found.has(place));
  if (there !== undefined) return there;
  for (const place of places) {
    for await (const entry of buffer.list(place.slice(0, place.lastIndexOf('/'))))
      if (isGoneFrom(entry.path, place) && isSame(entry, doc)) return entry.path;
  }
  return undefined;
}

/** Takes the document of a file away that is no longer in the trash. */
export async function forget({ store }: Ports, id: string): Promise<void> {
  await store.update<TrashDoc>(id, (doc) => (doc ? { remove: true } : { skip: 'gone' }));
}

/** What is in the trash of every buffer, all hosts. */
export async function inTrash({ store }: ReadPorts): Promise<TrashDoc[]> {
  return store.range<TrashDoc>(idsWith('trash:'));
}

/** The fields with which every item about a file of the trash begins. */
export function trashItem(doc: TrashDoc): About<'trash'> {
  const run = given({ run: doc.run });
  return { kind: 'trash', ref: doc._id, level: doc.level, name: doc.name, ...run, reason: doc.reason };
}

/** Brings files back to where they were. `words`: ids of the trash, or names of files. Never writes over anything. */
export async function* restore(ports: Ports, words: readonly string[], options: { dryRun?: boolean } = {}): Step {
  const all = await inTrash(ports);
  for (const word of words) {
    const meant = all.filter(({ _id, name }) => _id === word || name === word);
    if (meant.length === 1) yield await restoreOne(ports, nth(meant, 0), options.dryRun === true);
    else yield unclear(word, meant);
  }
}

function unclear(word: string, meant: readonly TrashDoc[]): Item {
  const text =
    meant.length === 0
      ? `'${shown(word)}' is not in the trash`
      : `${meant.length} files of that name are in the trash: ${meant.map(({ _id }) => _id).join(', ')}`;
  const next = meant[0] ? `dflow quarantine --restore ${meant[0]._id}` : 'dflow list quarantine --trash';
  return { kind: 'trash', ref: word, did: 'unknown', failed: true, text, next };
}

async function restoreOne(ports: Ports, doc: TrashDoc, dryRun: boolean): Promise<Item> {
  const item = trashItem(doc);
  const kept = (text: string, next: string): Item => ({ ...item, did: 'kept', failed: true, text, next });
  if (doc.host !== ports.host)
    return kept(`the file is on ${doc.host}, this is ${ports.host}`, `run the command on ${doc.host}`);
  const buffer = await ports.buffer(doc.level);
  const place = await placeOf(buffer, doc);
  const there = await isThere(buffer, doc.name);
  if (!place && !there)
    return kept(`${shown(doc.name)} is neither in the trash nor on the buffer`, `dflow show ${doc._id}`);
  if (place && there)
    return kept(`another file is at ${shown(doc.name)} now`, `look at ${buffer.localPath(doc.name)} and move it away`);
  const did: Item = { ...item, did: 'restored', text: `${shown(doc.name)}: was ${doc.reason}`, next: 'dflow register' };
  if (dryRun) return { ...did, dryRun: true };
  try {
    if (place) await putBack(buffer, doc, place);
    if (place && (await isThere(buffer, place + MARKER))) await buffer.renameNew?.(place + MARKER, doc.name + MARKER);
  } catch (error) {
    if (!(error instanceof ItemError)) throw error;
    return kept(error.message, error.hint ?? 'dflow list quarantine --trash');
  }
  await forget(ports, doc._id);
  return did;
}

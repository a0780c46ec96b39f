// Files that lie where a registered one is expected, but not as it was registered: touched, changed, moved, doubled.
// What was registered is replaced only while it has no copy and no pass; else what differs is a new version, reported
// every time until somebody accepts or rejects it.

import type { DataDoc, RawFile } from '../../../../domain/data/data.ts';
import { dataId } from '../../../../domain/ids.ts';
import { remedy } from '../../../../domain/runs/remedy.ts';
import { type Change, tookEffect } from '../../../../store.ts';
import { ItemError, UnreachableError } from '../../../../util/errors.ts';
import { orItemError } from '../../../../util/systemerrors.ts';
import { shown } from '../../../../util/text/names.ts';
import type { Iso } from '../../../../util/time.ts';
import { given } from '../../../../util/values/given.ts';
import type { Found } from '../../../copies/buffer/listing.ts';
import { type At, sameBytes } from '../../../copies/removal/samebytes.ts';
import { Sites } from '../../../copies/sites.ts';
import { hasPasses } from '../../../jobs/notices.ts';
import type { Files, Item, Step } from '../../../ports.ts';
import { type Round, registeredAs, write } from '../round.ts';
import { troubleItem } from './admit.ts';
import { isAsRegistered } from './glance.ts';
import { dataRefOf, hasCopies, isBeingUsed, withContent, withFile } from './newfiles.ts';
import { isUnchanged, quarantine, type Refusal } from './quarantine.ts';
import { readHeader, readSteady } from './read.ts';
import { isHidden } from './unreadable.ts';

/** Looks again at the registered files among `files`; refused names (as shown) are added to `refused`. */
export async function* recheck(round: Round, files: readonly Found[], refused: Set<string>): Step {
  for (const file of files) {
    const registered = registeredAs(round.known, file);
    if (!registered || isAsRegistered(file, registered)) continue;
    // A purge has claimed it and looks at the file itself.
    if (registered.original.state === 'purging') continue;
    if (file.path === registered.path) yield* samePlace(round, file, registered, refused);
    else yield* otherPlace(round, file, registered, refused);
  }
}

/** What is on disk, in words: equal words mean that it was looked at before and need not be read again. */
function difference(file: Found, registered: RawFile): string {
  const alike = file.size === registered.size && file.changed !== undefined;
  const written = alike ? `, written ${file.changed}` : '';
  return `on the buffer ${file.size} bytes of ${file.modified}${written}, registered ${registered.size} bytes of ${registered.modified}`;
}

async function* samePlace(round: Round, file: Found, registered: RawFile, refused: Set<string>): Step {
  const why = difference(file, registered);
  const seen = registered.original.state === 'changed' && registered.original.why === why;
  if (!seen && file.size === registered.size) {
    const reading = await readSteady(round, file);
    const same =
      reading.ok && reading.adler32 === registered.adler32 && (await hasBytesOfCopies(round, file, registered));
    if (same) return yield* accept(round, file, registered);
    if (!reading.ok && reading.did !== 'gone') yield troubleItem(round, file, reading);
    if (!reading.ok) return;
  }
  yield* newContent(round, file, await markChanged(round, file, registered, why), refused);
}

/** Written down as soon as it is seen: purge and transfer keep away, however long the new content takes to settle. */
async function markChanged(round: Round, file: Found, registered: RawFile, why: string): Promise<RawFile> {
  const { original } = registered;
  if (original.state === 'purged' || (original.state === 'changed' && original.why === why)) return registered;
  const since = await round.ports.store.now();
  const next: RawFile = { ...registered, original: { state: 'changed', since, why } };
  await replace(round, registered, next, file.run, `changed: ${why}`, since);
  return registeredAs(round.known, file) ?? registered;
}

/** Other content where the registered file lies or lay: taken by itself while nothing rests on the old, else by a person. */
async function* newContent(round: Round, file: Found, registered: RawFile, refused: Set<string>): Step {
  const name = shown(file.path);
  const doc = round.known.quarantined.get(name);
  if (doc?.reason === 'new-version' && isUnchanged(doc, file)) refused.add(name);
  else if (file.closed) {
    const taken = yield* takeUnused(round, file, registered);
    if (taken) return;
    refused.add(name);
    // The item that tells of the change says how to settle it.
    for await (const _ of quarantine(round, [newVersion(file, registered)]));
  }
  yield changedItem(round, file, difference(file, registered));
}

/** True when it is registered anew, or cannot be read now. */
async function* takeUnused(round: Round, file: Found, registered: RawFile): AsyncGenerator<Item, boolean, void> {
  if (hasCopies(registered) || isBeingUsed(registered) || (await hasPasses(round.ports, file.run))) return false;
  if (round.buffer.format === 'zdab' && !(await readHeader(round.storage, file.path, file.run)).ok) return false;
  const reading = await readSteady(round, file);
  if (!reading.ok) {
    if (reading.did !== 'gone') yield troubleItem(round, file, reading);
    return true;
  }
  const { path, size, modified, changed, subrun } = file;
  const text = `${shown(path)} ${size} bytes, adler32 ${reading.adler32}: its content is new, it has no copy and no pass`;
  const at = await round.ports.store.now();
  const content = { path, size, modified, changed, adler32: reading.adler32 };
  const change = withContent(registered, content, { at, by: round.ports.by, to: text, unused: true });
  if (!(await writeFile(round, file.run, change))) return false;
  const { adler32 } = reading;
  yield { ...dataRefOf(round, file.run), did: 'renewed', subrun, name: file.name, size, adler32, text };
  return true;
}

function newVersion(file: Found, registered: RawFile): Refusal {
  const { original, size, modified } = registered;
  const was = original.state === 'purged' ? ', since purged' : '';
  const detail = `other content (${file.size} bytes) than was registered (${size} bytes of ${modified}${was})`;
  return { entry: file, run: file.run, subrun: file.subrun, reason: 'new-version', detail };
}

function changedItem(round: Round, file: Found, why: string): Item {
  const text = `${shown(file.path)} is not what was registered: ${why}`;
  const doc = round.known.quarantined.get(shown(file.path));
  const next = doc?.reason === 'new-version' ? remedy(doc) : `dflow show ${dataId(round.buffer.level, file.run)}`;
  return {
    ...dataRefOf(round, file.run),
    did: 'changed',
    subrun: file.subrun,
    name: file.name,
    failed: true,
    text,
    next,
  };
}

/** The content is the registered one: only where it lies, or its time, is new. */
async function* accept(round: Round, file: Found, registered: RawFile): Step {
  const did =
    file.path !== registered.path ? 'moved' : registered.original.state === 'present' ? 'touched' : 'restored';
  const text = `${shown(file.path)} ${did}, same content`;
  const { path, modified, changed } = file;
  const lies = { path, modified, ...given({ changed }) };
  const next: RawFile = { ...registered, ...lies, original: { state: 'present' } };
  if (!(await replace(round, registered, next, file.run, text, await round.ports.store.now()))) return;
  yield { ...dataRefOf(round, file.run), did, subrun: file.subrun, name: file.name, text };
}

/** True when it was written; false when somebody else has changed the document in between. */
async function replace(round: Round, old: RawFile, next: RawFile, run: number, why: string, at: Iso): Promise<boolean> {
  return writeFile(round, run, withFile(old, next, why, at, round.ports.by));
}

async function writeFile(round: Round, run: number, change: Change<DataDoc>['change']): Promise<boolean> {
  const base = round.known.data.get(run);
  const id = dataId(round.buffer.level, run);
  const [outcome] = await write<DataDoc>(round, [{ id, change, ...(base ? { base } : {}) }]);
  if (outcome?.doc) round.known.data.set(run, outcome.doc);
  return outcome !== undefined && tookEffect(outcome);
}

/** Another path for a registered subrun: it was moved there, or it is a second file for one place. */
async function* otherPlace(round: Round, file: Found, registered: RawFile, refused: Set<string>): Step {
  if (!file.closed) return;
  const name = shown(file.path);
  const doc = round.known.quarantined.get(name);
  const rivals = doc?.reason === 'duplicate' || doc?.reason === 'other-content' || doc?.reason === 'operator';
  if (rivals && isUnchanged(doc, file)) {
    refused.add(name);
    return;
  }
  const reading = file.size === registered.size ? await readSteady(round, file) : undefined;
  if (reading && !reading.ok) {
    if (reading.did !== 'gone') yield troubleItem(round, file, reading);
    return;
  }
  const equal = reading?.adler32 === registered.adler32;
  const gone = !round.listing.paths.has(registered.path) && !isHidden(round.hidden, registered.path);
  if (equal && gone && (await hasBytesOfCopies(round, file, registered))) return yield* accept(round, file, registered);
  if (gone) return yield* newContent(round, file, registered, refused);
  refused.add(name);
  const same = equal && (await hasSameBytes(round, file, registered));
  yield* quarantine(round, [rival(file, registered, same)]);
}

/** With the registered file at hand its bytes are compared: equal checksums prove nothing. */
async function hasSameBytes({ ports, storage }: Round, file: Found, registered: RawFile): Promise<boolean> {
  return (await compared(ports.files, [storage, file.path], [storage, registered.path])) === true;
}

/** The same against a copy on this machine. Without one that can be read the checksum counts: purge compares again. */
async function hasBytesOfCopies({ ports, storage }: Round, file: Found, registered: RawFile): Promise<boolean> {
  const sites = new Sites(ports);
  for (const { name } of ports.settings.storages) {
    const replica = registered.replicas[name];
    if (replica?.state !== 'verified' || (await sites.folder(name)) === undefined) continue;
    const copy: At = [await sites.open(name), replica.path];
    const same = await compared(ports.files, [storage, file.path], copy);
    if (same === true || (same === false && (await isSound(copy, registered)))) return same;
  }
  return true;
}

/** A copy that has gone bad says nothing about the original. */
async function isSound([element, path]: At, { size, adler32 }: RawFile): Promise<boolean> {
  const found = await orItemError(path, () => element.readChecksum(path));
  return !(found instanceof ItemError) && found.size === size && found.adler32 === adler32;
}

/** `undefined`: one of them cannot be read now. */
async function compared(files: Files, one: At, other: At): Promise<boolean | undefined> {
  try {
    return await sameBytes(files, one, other);
  } catch (error) {
    if (error instanceof ItemError || error instanceof UnreachableError) return undefined;
    throw error;
  }
}

function rival(file: Found, registered: RawFile, same: boolean): Refusal {
  const place = `subrun ${file.subrun} of run ${file.run} is registered as ${shown(registered.path)}`;
  return same
    ? { entry: file, run: file.run, reason: 'duplicate', detail: `${place}, with the same content` }
    : {
        entry: file,
        run: file.run,
        subrun: file.subrun,
        reason: 'other-content',
        detail: `${place}, with other content`,
      };
}

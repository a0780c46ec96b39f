// What a person decides about content that is not what was registered: `register --accept` makes it what counts,
// `register --reject` moves the file to the trash of the buffer. Both act on the very bytes that were quarantined.

import type { DataDoc, RawFile } from '../../../../domain/data/data.ts';
import { dataId, refOf } from '../../../../domain/ids.ts';
import { isVersion } from '../../../../domain/runs/remedy.ts';
import type { QuarantineDoc } from '../../../../domain/runs/run.ts';
import type { Entry, Stat, Storage } from '../../../../storage.ts';
import { type Decision, idsWith, type Outcome, tookEffect } from '../../../../store.ts';
import { ItemError } from '../../../../util/errors.ts';
import { shown } from '../../../../util/text/names.ts';
import { given } from '../../../../util/values/given.ts';
import { baseName } from '../../../copies/buffer/listing.ts';
import { openTrash } from '../../../copies/removal/trash.ts';
import { withDryRun } from '../../../dry.ts';
import { giveNotices, hasPasses, type NoticeDoc, openNotices } from '../../../jobs/notices.ts';
import type { About, Item, Ports, Step, StepOptions } from '../../../ports.ts';
import { Progress } from '../../../progress.ts';
import { hasCopies, withContent } from './newfiles.ts';
import { readSteady } from './read.ts';
import { acceptLoss, vanishedAs } from './vanished.ts';

export interface VersionOptions extends StepOptions {
  readonly accept: readonly string[];
  readonly reject: readonly string[];
  readonly why: string;
}

/** Settles each of the files named: by the id of its quarantine, its name or path, or its run. */
export function settleVersions(ports: Ports, options: VersionOptions): Step {
  return withDryRun(ports, options, (on) => settleAll(on, options));
}

async function* settleAll(ports: Ports, options: VersionOptions): Step {
  const quarantined = (await ports.store.range<QuarantineDoc>(idsWith('quarantine:'))).filter(({ reason }) =>
    isVersion(reason),
  );
  const notices = (await openNotices(ports)).filter(({ what }) => what === 'interrupted');
  for (const word of options.accept) {
    const docs = quarantined.filter((doc) => isMeant(word, doc));
    const seen = notices.filter(({ name, run }) => name === word || refOf(run) === word);
    for (const doc of docs) yield await guarded(itemOf(doc), () => accept(ports, doc, options));
    for (const notice of seen) yield await clear(ports, notice, options);
    if (docs.length + seen.length > 0) continue;
    const lost = await vanishedAs(ports, word);
    for (const one of lost)
      yield await guarded({ kind: 'original', ref: one.doc._id }, () => acceptLoss(ports, one, options));
    if (lost.length === 0) yield notFound(word);
  }
  for (const word of options.reject) {
    const docs = quarantined.filter((doc) => isMeant(word, doc));
    for (const doc of docs) yield await guarded(itemOf(doc), () => reject(ports, doc, options));
    if (docs.length === 0) yield notFound(word);
  }
}

function isMeant(word: string, { _id, name, run }: QuarantineDoc): boolean {
  return [_id, name, baseName(name)].includes(word) || (run !== undefined && refOf(run) === word);
}

function notFound(word: string): Item {
  const text = `no file with other content than registered is called '${shown(word)}'`;
  return { kind: 'quarantine', ref: word, did: 'unknown', failed: true, text, next: 'dflow list quarantine' };
}

function itemOf({ _id, level, name, run }: QuarantineDoc): About<'quarantine'> {
  return { kind: 'quarantine', ref: _id, level, name, ...given({ run }) };
}

/** What is wrong with one file is told, and the others go on. */
async function guarded(item: About<'quarantine'> | About<'original'>, act: () => Promise<Item>): Promise<Item> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof ItemError)) throw error;
    const next = error.hint ?? 'dflow register';
    return { ...item, did: 'kept', failed: true, text: error.message, next };
  }
}

interface Meant {
  readonly storage: Storage;
  readonly entry: Entry;
  readonly data: DataDoc;
  readonly registered: RawFile;
}

/** The file and what is registered in its place, as they are now. @throws ItemError when they are not what was judged */
async function look(ports: Ports, doc: QuarantineDoc): Promise<Meant> {
  const id = dataId(doc.level, doc.run ?? -1);
  const data = (await ports.store.get<DataDoc>([id])).get(id);
  const registered = data?.files.find(({ subrun }) => subrun === doc.subrun);
  if (!data || !registered) throw new ItemError(`nothing is registered in the place of ${doc.name}`);
  if (data.host !== ports.host)
    throw new ItemError(`${doc.name} is on ${data.host}, this is ${ports.host}`, {
      hint: `run the command on ${data.host}`,
    });
  const storage = await ports.buffer(doc.level);
  const found = (await storage.stat([doc.name])).get(doc.name);
  if (!found || !isSame(found, doc)) throw new ItemError(`${doc.name} is no longer what was quarantined`);
  return { storage, entry: { path: doc.name, ...found }, data, registered };
}

function isSame(found: Stat, doc: QuarantineDoc): boolean {
  return found.size === doc.size && found.modified === doc.modified;
}

async function accept(ports: Ports, doc: QuarantineDoc, { why }: VersionOptions): Promise<Item> {
  const { storage, entry, data, registered } = await look(ports, doc);
  const reading = await readSteady({ storage, told: new Progress(ports) }, entry);
  if (!reading.ok) throw new ItemError(reading.did === 'gone' ? `${doc.name} is gone` : reading.text);
  const at = await ports.store.now();
  const { path, size, modified, changed } = entry;
  const to = `${doc.name}: new content accepted (${size} bytes, adler32 ${reading.adler32}): ${why}`;
  const content = { path, size, modified, changed, adler32: reading.adler32 };
  const change = withContent(registered, content, { at, by: ports.by, to, unused: false });
  // The notice first: a kill in between must not leave passes that nobody knows to be stale.
  const text = `${doc.name} has new content since; passes made before have the old`;
  if (await hasPasses(ports, data.run))
    await giveNotices(ports, [{ what: 'stale', run: data.run, name: doc.name, text, since: at }]);
  written(await ports.store.update<DataDoc>(data._id, change));
  await release(ports, doc);
  return { ...itemOf(doc), did: 'accepted', text: to, ...after(registered, data.run) };
}

function after(registered: RawFile, run: number): { next?: string } {
  return hasCopies(registered)
    ? { next: `dflow verify --repair --run ${refOf(run)}` }
    : { next: `dflow why ${refOf(run)}` };
}

function written(outcome: Outcome): void {
  if (!tookEffect(outcome)) throw new ItemError(outcome.why ?? `not written: ${outcome.result}`);
}

async function release({ store }: Ports, doc: QuarantineDoc): Promise<void> {
  await store.update<QuarantineDoc>(doc._id, (now) => (now ? { remove: true } : { skip: 'gone' }));
}

/** Only where the registered content is still to be had: a person may be mistaken, and the trash is emptied one day. */
async function reject(ports: Ports, doc: QuarantineDoc, { why }: VersionOptions): Promise<Item> {
  const { data, registered } = await look(ports, doc);
  const elsewhere = registered.path !== doc.name && registered.original.state === 'present';
  if (!elsewhere && !hasCopies(registered))
    throw new ItemError(`no good copy of what was registered as ${registered.name} is known`, {
      hint: `dflow register --accept '${doc._id}' --why TEXT`,
    });
  const text = `${doc.name}: moved to the trash: ${why}`;
  const item: Item = { ...itemOf(doc), did: 'rejected', text, next: 'dflow list quarantine --trash' };
  if (ports.dry) return item;
  const at = await ports.store.now();
  const trash = openTrash(ports, at, ports.nonce());
  try {
    const { level, name, detail, size = 0, modified = at } = doc;
    const { receipt } = await trash.put({
      level,
      name,
      run: data.run,
      reason: 'rejected',
      detail,
      why,
      size,
      modified,
    });
    await ports.store.update<DataDoc>(data._id, (now) => withoutOriginal(now, registered, { since: at, receipt }));
    await release(ports, doc);
    return { ...item, receipt };
  } finally {
    await trash.close();
  }
}

/** What was registered is no longer on the buffer; its copies are. */
function withoutOriginal(
  doc: DataDoc | undefined,
  old: RawFile,
  gone: { readonly since: string; readonly receipt: string },
): Decision<DataDoc> {
  const current = doc?.files.find(({ subrun }) => subrun === old.subrun);
  if (!doc || current?.original.state !== 'changed') return { skip: 'its original is not the rejected file' };
  const file: RawFile = { ...current, original: { state: 'purged', ...gone } };
  return { write: { ...doc, files: doc.files.map((one) => (one === current ? file : one)) } };
}

async function clear(ports: Ports, notice: NoticeDoc, { why }: VersionOptions): Promise<Item> {
  const { _id, run, name } = notice;
  await ports.store.update<NoticeDoc>(_id, (now) => (now ? { remove: true } : { skip: 'was cleared by another' }));
  const text = `${name} is whole: ${why}`;
  return { kind: 'notice', ref: _id, did: 'accepted', run, name, text };
}

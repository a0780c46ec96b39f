// The proof that a duplicate may go to the trash: a registered file that is another file on disk and has the same bytes,
// read now; or, where the original is gone or damaged, as many copies with the same bytes as a purge needs.
import type { DataDoc, RawFile } from '../../../domain/data/data.ts';
import { bufferSite } from '../../../domain/data/replicas.ts';
import { dataId } from '../../../domain/ids.ts';
import type { QuarantineDoc } from '../../../domain/runs/run.ts';
import type { Storage } from '../../../storage.ts';
import { ItemError } from '../../../util/errors.ts';
import { shown } from '../../../util/text/names.ts';
import { sameBytes } from '../../copies/removal/samebytes.ts';
import type { PurgeSession } from './purgesession.ts';

/** `equal`: in words, for the receipt; `again`: asked once the duplicate has been renamed. */
export type Proof =
  | { readonly equal: string; readonly again: () => Promise<string | undefined> }
  | { readonly why: string; readonly next: string };

/** A file of a buffer; `name` is its path. */
export type Duplicate = Pick<QuarantineDoc, 'level' | 'name' | 'run' | 'size'>;

/** Looks for a file with the bytes of the duplicate. */
export async function proveDuplicate(session: PurgeSession, doc: Duplicate): Promise<Proof> {
  const id = doc.run === undefined ? undefined : dataId(doc.level, doc.run);
  const data = id === undefined ? undefined : (await session.ports.store.get<DataDoc>([id])).get(id);
  const files = (data?.files ?? []).filter(({ size }) => size === doc.size);
  const next = id === undefined ? 'dflow register' : `dflow show ${id}`;
  if (!data || files.length === 0) return { why: 'no registered file has its size', next };
  const problems: string[] = [];
  for (const file of files) {
    const proof = await byOriginal(session, doc, file);
    if ('equal' in proof) return proof;
    problems.push(proof.why);
  }
  for (const file of files) {
    const proof = await byCopies(session, data, doc, file);
    if ('equal' in proof) return proof;
    problems.push(proof.why);
  }
  return { why: problems.join('; '), next };
}

type Found = { readonly why: string } | Extract<Proof, { equal: string }>;

async function byOriginal(session: PurgeSession, doc: Duplicate, file: RawFile): Promise<Found> {
  const path = shown(file.path);
  if (file.original.state !== 'present') return { why: `the original ${path} is ${file.original.state}` };
  const buffer = await session.sites.open(bufferSite(doc.level));
  const own = await identityAt(session, buffer, file.path);
  if (own === undefined) return { why: `the original ${path} is not on the buffer` };
  if (own === (await identityAt(session, buffer, doc.name))) return { why: `it is the original ${path} itself` };
  const same = await compared(() => sameBytes(session.ports.files, [buffer, doc.name], [buffer, file.path]));
  if (same !== true) return { why: same === false ? `the original ${path} has other bytes` : same };
  const again = async (): Promise<string | undefined> =>
    (await identityAt(session, buffer, file.path)) === own
      ? undefined
      : `the original ${path} went with it, or has changed`;
  return { equal: `equal byte by byte to ${path}`, again };
}

async function byCopies(session: PurgeSession, data: DataDoc, doc: Duplicate, file: RawFile): Promise<Found> {
  const needed = Math.max(1, session.rules.purgeAfter);
  const good: { site: string; path: string }[] = [];
  for (const site of session.rules.storages) {
    const replica = file.replicas[site];
    if (replica?.state !== 'verified' || good.length >= needed) continue;
    const copy = { site, path: replica.path };
    if (await isGood(session, doc, copy, good)) good.push(copy);
  }
  const names = good.map(({ site }) => site).join(', ');
  if (good.length < needed) return { why: `${good.length} of ${needed} copies of ${shown(file.name)} have its bytes` };
  const again = async (): Promise<string | undefined> => {
    const { store } = session.ports;
    const now = (await store.get<DataDoc>([data._id])).get(data._id)?.files.find(({ name }) => name === file.name);
    const lost = good.find(({ site }) => now?.replicas[site]?.state !== 'verified');
    if (lost) return `the copy at ${lost.site} is no longer verified`;
    for (const copy of good)
      if (!(await isThere(session, copy, file.size))) return `the copy at ${copy.site} went with it`;
    return undefined;
  };
  return { equal: `equal byte by byte to the copies at ${names}`, again };
}

interface Place {
  readonly site: string;
  readonly path: string;
}

/** True for a copy with the same bytes that is another file than the duplicate and the copies that count already. */
async function isGood(session: PurgeSession, doc: Duplicate, copy: Place, others: readonly Place[]): Promise<boolean> {
  const { sites, apart } = session;
  const own = { site: bufferSite(doc.level), path: doc.name };
  for (const other of [own, ...others]) if ((await apart.why(copy, other)) !== undefined) return false;
  const buffer = await sites.open(own.site);
  const same = await sites.attempt(copy.site, (element) =>
    compared(() => sameBytes(session.ports.files, [buffer, doc.name], [element, copy.path])),
  );
  return same === true;
}

async function isThere({ sites }: PurgeSession, copy: Place, size: number): Promise<boolean> {
  const found = await sites.attempt(copy.site, (element) => element.stat([copy.path]));
  return found?.get(copy.path)?.size === size;
}

/** The answer, or why there is none. */
async function compared(work: () => Promise<boolean>): Promise<boolean | string> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ItemError) return error.message;
    throw error;
  }
}

async function identityAt({ ports }: PurgeSession, buffer: Storage, path: string): Promise<string | undefined> {
  const local = buffer.localPath(path);
  return local === undefined ? undefined : ports.files.identity(local);
}

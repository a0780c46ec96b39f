// The fresh checks before an original may go: so many copies are good now, at least one of them read byte by byte, none
// of them the original itself. Nothing is recorded here; a copy found bad is for verify to mark.
import type { DataDoc, Original, RawFile } from '../../../domain/data/data.ts';
import type { Copy } from '../../../domain/data/purgerules.ts';
import { bufferSite } from '../../../domain/data/replicas.ts';
import type { Checksum, Storage } from '../../../storage.ts';
import { ItemError } from '../../../util/errors.ts';
import { shown } from '../../../util/text/names.ts';
import { ONE_PLACE } from '../../copies/removal/lookagain.ts';
import { sameBytes } from '../../copies/removal/samebytes.ts';
import type { PurgeSession } from './purgesession.ts';

export interface Check extends Copy {
  /** `read`: every byte, by our own adler32; `checksum`: the storage element's own word. */
  readonly how: 'read' | 'checksum';
  readonly adler32: string;
  /** Where it was: another configuration may call another place by this name. */
  readonly address: string;
}

export type Checked =
  | { readonly checks: readonly Check[] }
  /** `back`: what its original was found to be. */
  | { readonly why: string; readonly next?: string; readonly back?: Original };

/** Checks the copies of one file until enough are good; says why when they are not. Other errors are thrown. */
export async function checkCopies(
  session: PurgeSession,
  doc: DataDoc,
  file: RawFile,
  copies: readonly Copy[],
  needed: number,
): Promise<Checked> {
  const checks: Check[] = [];
  const problems: { storage: string; why: string; next?: string }[] = [];
  for (const copy of inReadingOrder(session, copies)) {
    // As many as are asked for, and never fewer than one, are read; tape only where there is nothing else.
    const reads = checks.filter(({ how }) => how === 'read').length;
    const read = reads === 0 || (reads < session.ports.settings.purge.reads && !isTape(session, copy.storage));
    const found = await session.sites
      .attempt(copy.storage, (storage) => checkOne(storage, copy, file, read))
      .catch((error: unknown) => (error instanceof ItemError ? { why: error.message } : raise(error)));
    const twin = found && 'adler32' in found ? await twinOf(session, doc, file, copy, checks) : undefined;
    if (found === undefined) problems.push({ storage: copy.storage, why: `${copy.storage} cannot be reached` });
    else if (twin !== undefined) problems.push({ storage: copy.storage, why: twin, next: ONE_PLACE });
    else if ('why' in found) problems.push({ storage: copy.storage, why: found.why });
    else {
      const other = found.how === 'read' ? await otherThan(session, doc, file, copy) : undefined;
      if (other !== undefined) return other;
      checks.push(found);
    }
    if (checks.length >= needed) return { checks };
  }
  const text = problems.map(({ why }) => why).join('; ');
  const [first] = problems;
  const next = first && (first.next ?? `dflow verify --read --storage ${first.storage} --run ${doc.run}`);
  return { why: `${checks.length} of ${needed} copies are good: ${text}`, ...(next ? { next } : {}) };
}

/** Disks first: the copy that is read should not be recalled from tape. */
function inReadingOrder(session: PurgeSession, copies: readonly Copy[]): Copy[] {
  const tape = copies.filter(({ storage }) => isTape(session, storage));
  return [...copies.filter((copy) => !tape.includes(copy)), ...tape];
}

function isTape({ ports }: PurgeSession, name: string): boolean {
  return ports.settings.storages.find((storage) => storage.name === name)?.tape === true;
}

async function checkOne(storage: Storage, copy: Copy, file: RawFile, read: boolean): Promise<Check | { why: string }> {
  const found = await (read ? storage.readChecksum(copy.path) : storage.checksum(copy.path));
  const why = wrongBytes(copy, file, found);
  if (why !== undefined) return { why };
  return { ...copy, how: read ? 'read' : 'checksum', adler32: found.adler32, address: storage.url(copy.path) };
}

function wrongBytes({ storage, path }: Copy, file: RawFile, found: Checksum): string | undefined {
  if (found.adler32 === file.adler32 && found.size === file.size) return undefined;
  const text = `${path} at ${storage} has ${found.size} bytes, adler32 ${found.adler32}; registered: ${file.size} bytes, ${file.adler32}`;
  return shown(text);
}

/** A copy that is the original, or another copy, by another name or address goes with it. */
async function twinOf(
  { apart }: PurgeSession,
  doc: DataDoc,
  file: RawFile,
  copy: Copy,
  others: readonly Copy[],
): Promise<string | undefined> {
  const own = { site: copy.storage, path: copy.path };
  const why = await apart.why(own, { site: bufferSite(doc.level), path: file.path });
  if (why !== undefined) return `it may be the original itself: ${why}`;
  for (const other of others) {
    const twin = await apart.why(own, { site: other.storage, path: other.path });
    if (twin !== undefined) return twin;
  }
  return undefined;
}

/**
 * The original against a copy that was read and is as registered: byte by byte where the copy is on this machine, else by
 * checksum. Its size and time tell nothing of a change that put the time back.
 */
async function otherThan(session: PurgeSession, doc: DataDoc, file: RawFile, copy: Copy): Promise<Checked | undefined> {
  const { sites, rules } = session;
  const buffer = await sites.open(bufferSite(doc.level));
  try {
    const there = (await buffer.stat([file.path])).get(file.path);
    // The look right before the deletion says so.
    if (there?.size !== file.size || there.modified !== file.modified) return undefined;
    const element = await sites.open(copy.storage);
    const same =
      element.localPath(copy.path) === undefined
        ? (await buffer.readChecksum(file.path)).adler32 === file.adler32
        : await sameBytes(session.ports.files, [buffer, file.path], [element, copy.path]);
    if (same) return undefined;
  } catch (error) {
    if (error instanceof ItemError) return { why: error.message };
    throw error;
  }
  const why = `on the buffer are other bytes than were registered, and than ${copy.storage} has`;
  return { why, next: 'dflow register', back: { state: 'changed', since: rules.now, why } };
}

function raise(error: unknown): never {
  throw error;
}

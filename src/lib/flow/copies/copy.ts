// One file to one storage element: temporary name, checksum at the destination, final name; or the final name at once where
// nothing is at it before it is whole. Every error becomes a result; nothing is recorded here.

import { type CopyTask, isStaleTemporary, temporaryName } from '../../domain/data/replicas.ts';
import { isMade, type Result } from '../../domain/data/slots.ts';
import type { Checksum, CopyOptions, Storage } from '../../storage.ts';
import { ItemError, messageOf, TakenError, UnreachableError } from '../../util/errors.ts';
import { given } from '../../util/values/given.ts';
import { groupBy } from '../../util/values/group.ts';
import { nth } from '../../util/values/have.ts';
import { adopt, faultOf, wrongSource } from './lookfor.ts';
import type { Session } from './session.ts';
import { BUFFER, isFull, isReadOnly } from './sites.ts';

/** One end of the copy cannot be reached: no fault of this file. */
class AsideError extends Error {}

/** Another attempt has the slot: this copy is stopped and leaves nothing. */
export class SlotLostError extends Error {}

/** An operator has cancelled it: this copy is stopped and leaves nothing. */
export class CanceledError extends Error {}

/** The copy was made and is not what was registered. */
class WrongBytesError extends ItemError {
  constructor(readonly result: Result) {
    super(result.why ?? 'wrong bytes');
  }
}

/** Whose copy it is, and whether it still is. */
export interface CopyLease {
  readonly nonce: string;
  signal(task: CopyTask): AbortSignal;
  /** @throws SlotLostError, CanceledError */
  confirm(task: CopyTask): Promise<void>;
}

export interface Job {
  readonly task: CopyTask;
  /** Something is at the final path already: it is adopted, or left as it is. */
  readonly there: boolean;
  /** Takes away what is at the final path: known to be bad, or the rest of another try. @throws ItemError it must stay */
  readonly clear?: (task: CopyTask) => Promise<void>;
}

/** What a copy is called where its progress is told. */
export const copyKey = ({ id, file, to }: CopyTask): string => JSON.stringify([id, file.name, to]);

/** Copies or adopts. Errors that concern neither this file nor a site (credentials, defects) are thrown. */
export async function copyOne(session: Session, job: Job, lease: CopyLease): Promise<Result> {
  const { file, to } = job.task;
  const thing = [copyKey(job.task), file.size, `${file.name} to ${to}`] as const;
  return session.told.one(thing, (moved) => copyOrAdopt(session, job, lease, moved), isMade);
}

type Moved = CopyOptions['progress'];

async function copyOrAdopt(session: Session, job: Job, lease: CopyLease, moved: Moved): Promise<Result> {
  const { sites } = session;
  const { task, there } = job;
  if (sites.blocks(task)) return { task, did: 'released', why: 'set aside before it began' };
  const temporary = temporaryPath(task, lease.nonce);
  try {
    if (there) return await onSite(session, task.to, () => adopt(session, task));
    return await copy(session, job, temporary, lease, moved);
  } catch (error) {
    if (!(error instanceof AsideError)) await discard(session, task, temporary);
    return resultOf(session, task, error);
  }
}

async function copy(
  session: Session,
  { task, clear }: Job,
  temporary: string,
  lease: CopyLease,
  moved: Moved,
): Promise<Result> {
  const target = await onSite(session, task.to, () => session.sites.open(task.to));
  // A replacement is written beside the old file, which goes only when the new one is complete.
  const fresh = target.capabilities.whole === true && !clear;
  const path = target.capabilities.rename && !fresh ? temporary : task.path;
  const read = await moveBytes(session, task, target, path, { lease, moved, fresh }).catch((error: unknown) => {
    if (error instanceof TakenError) return undefined;
    throw error;
  });
  if (!read) return onSite(session, task.to, () => adopt(session, task));
  expectSame(task, read, `${task.source.path} at ${task.source.site}`, faultOf(task));
  return onSite(session, task.to, async () => {
    if (!target.capabilities.confirms) expectSame(task, await target.checksum(path), `what arrived at ${task.to}`);
    if (path === task.path) return { task, did: 'verified' };
    await lease.confirm(task);
    if (!clear && (await isTaken(target, task.path, path))) {
      await target.remove([path]);
      return adopt(session, task);
    }
    await clear?.(task);
    await target.rename(path, task.path);
    return { task, did: 'verified' };
  });
}

/** Something has come to `path` since the first look. */
async function isTaken(target: Storage, path: string, written: string): Promise<boolean> {
  return ((await target.there?.([path], written)) ?? (await target.stat([path]))).has(path);
}

/**
 * From a mounted folder, to one, from one server to the other, or through this machine: the first of these that is
 * possible. Returns the checksum of the bytes as they were read; an element that compares by itself is told what to expect.
 */
async function moveBytes(
  session: Session,
  task: CopyTask,
  target: Storage,
  path: string,
  { lease, moved, fresh }: { readonly lease: CopyLease; readonly moved: Moved; readonly fresh: boolean },
): Promise<Checksum> {
  const { to, source, file } = task;
  const from = await onSite(session, source.site, () => session.sites.open(source.site));
  const expect: Checksum = { adler32: file.adler32, size: file.size };
  const options = {
    signal: lease.signal(task),
    expect,
    ...(fresh && { fresh }),
    ...paceOf(session),
    ...given({ progress: moved }),
  };
  const copyIn = (local: string, below?: readonly string[]) =>
    onSite(session, to, () => target.copyIn(local, path, { ...options, ...(below && { below }) }));
  const copyOut = (local: string) => onSite(session, source.site, () => from.copyOut(source.path, local, options));
  const local = from.localPath(source.path);
  if (local !== undefined) return copyIn(local, foldersOf(from, source.site, local));
  const mounted = target.localPath(path);
  if (mounted !== undefined) return copyOut(mounted);
  if (await onSite(session, to, async () => target.copyFrom?.(from, source.path, path, options))) return expect;
  return session.ports.files.withScratch(async (folder) => {
    const between = `${folder}/between`;
    const read = await copyOut(between);
    return isSame(task, read) ? copyIn(between) : read;
  });
}

/** Where a mounted source must really lie: in a buffer nothing that leads out of it is data. */
function foldersOf(from: Storage, site: string, local: string): readonly string[] {
  const root = from.localPath('') ?? '/';
  return site.startsWith(BUFFER) ? [root] : [root, local.slice(0, local.lastIndexOf('/'))];
}

function paceOf({ pace, ports }: Session): Pick<CopyOptions, 'pace'> {
  if (!pace) return {};
  const take = (bytes: number, signal?: AbortSignal) => pace.take(bytes, signal);
  return { pace: { rate: pace.rate, ways: ports.settings.transfer.parallel, take } };
}

function isSame({ file }: CopyTask, found: Checksum): boolean {
  return found.adler32 === file.adler32 && found.size === file.size;
}

function expectSame(task: CopyTask, found: Checksum, what: string, fault?: 'original' | 'replica'): void {
  const { file } = task;
  if (isSame(task, found)) return;
  const why = `${what} has ${found.size} bytes, adler32 ${found.adler32}; registered: ${file.size} bytes, ${file.adler32}`;
  throw new WrongBytesError({ task, did: 'failed', why, ...(fault ? { fault } : {}) });
}

/** Runs `work` on a site; when that site cannot be reached, it is set aside. */
async function onSite<T>({ sites }: Session, site: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    sites.setAside(site, error);
    throw new AsideError(error.message, { cause: error });
  }
}

async function resultOf(session: Session, task: CopyTask, error: unknown): Promise<Result> {
  if (error instanceof SlotLostError) return { task, did: 'lost', why: error.message };
  if (error instanceof CanceledError) return { task, did: 'canceled', why: error.message };
  if (error instanceof AsideError) return { task, did: 'released', why: error.message };
  if (error instanceof WrongBytesError) return error.result;
  if (!(error instanceof ItemError)) throw error;
  if (isFull(error) || isReadOnly(error)) session.sites.setAside(task.to, error);
  const next = given({ next: error.hint });
  // A file that vanished or shrank fails in many ways: see what is at the source now.
  const found = await session.sites
    .attempt(task.source.site, (storage) => storage.stat([task.source.path]))
    .catch(() => undefined);
  const wrong = found && wrongSource(task, found.get(task.source.path));
  if (wrong !== undefined) return { task, did: 'failed', why: wrong, fault: faultOf(task), ...next };
  return { task, did: 'failed', why: messageOf(error), ...next };
}

/** Best effort: what stays is removed by the next attempt. */
async function discard({ sites }: Session, task: CopyTask, path: string): Promise<void> {
  await sites.attempt(task.to, (storage) => storage.remove([path])).catch(() => undefined);
}

function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
}

function temporaryPath(task: CopyTask, nonce: string): string {
  const folder = folderOf(task.path);
  const name = temporaryName(task.file, task.attempt, nonce);
  return folder === '' ? name : `${folder}/${name}`;
}

/** Removes what earlier attempts, whose process or host died, left of these files. One listing per folder. */
export async function removeStale(session: Session, tasks: readonly CopyTask[]): Promise<void> {
  const repeated = tasks.filter((task) => task.attempt > 1 && !session.sites.blocks(task));
  const folders = groupBy(repeated, (task) => JSON.stringify([task.to, folderOf(task.path)]));
  for (const mine of folders.values()) {
    const { to, path } = nth(mine, 0);
    const folder = folderOf(path);
    // What cannot be removed now does no harm, and the next attempt tries again.
    await session.sites
      .attempt(to, (storage) => sweep(storage, folder, mine))
      .catch((error: unknown) => {
        if (!(error instanceof ItemError)) throw error;
      });
  }
}

async function sweep(storage: Storage, folder: string, tasks: readonly CopyTask[]): Promise<void> {
  const stale: string[] = [];
  for await (const { path } of storage.list(folder, () => undefined)) {
    const name = path.slice(folder === '' ? 0 : folder.length + 1);
    if (!name.startsWith('.')) continue;
    if (tasks.some((task) => isStaleTemporary(name, task.file, task.attempt))) stale.push(path);
  }
  await storage.remove(stale);
}

// Walking a folder whose names may be any bytes. Yields regular files only; a FIFO or a socket is not data.
import { type Stats, statSync } from 'node:fs';
import { readdir, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { parallel } from '../../util/concurrency.ts';
import { requireBelow } from '../../util/files/below.ts';
import { codeOf, isMissing } from '../../util/systemerrors.ts';
import { decodeName } from '../../util/text/names.ts';
import type { Root } from './root.ts';

export interface Found {
  /** Relative to where the walk began, `/` between its parts. */
  readonly path: string;
  readonly raw: boolean;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
}

/** A file or folder that could not be looked at. */
export interface Unread {
  readonly path: string;
  readonly error: unknown;
}

interface Folder {
  readonly bytes: Buffer;
  readonly path: string;
  readonly raw: boolean;
  readonly isLink: boolean;
}

const SLASH = Buffer.from('/');
const STATS_AT_ONCE = 32;

/**
 * Files below `folder`, recursively. A link to a file is followed where the file lies below `root`; one that leads out
 * cannot be looked at. Links to folders are not followed (they could be loops).
 * What disappears meanwhile is left out. What cannot be looked at is told as such, and the walk goes on.
 */
export async function* walk(folder: string, root: Root): AsyncGenerator<Found | Unread, void, void> {
  const open: Folder[] = [{ bytes: Buffer.from(folder), path: '', raw: false, isLink: false }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { path } = next;
    const below = await children(next).catch((error: unknown) => ({ path, error }));
    if ('error' in below) {
      yield below;
      continue;
    }
    const { folders, others } = below;
    open.push(...folders);
    if (others.length >= MANY && (await isOnLocalDisk(next))) yield* oneByOne(others, root);
    else for await (const found of parallel(others, STATS_AT_ONCE, (one) => statOf(one, root))) if (found) yield found;
  }
}

/** Types of file systems of a disk in this machine, from Linux's `magic.h`: btrfs, ext2 to ext4, f2fs, tmpfs, xfs, ZFS. */
const LOCAL = new Set([0x9123683e, 0xef53, 0xf2f52010, 0x01021994, 0x58465342, 0x2fc12fc1]);

/** A folder with fewer files is not worth a question about its file system. */
const MANY = 64;

async function isOnLocalDisk(folder: Folder): Promise<boolean> {
  return statfs(folder.bytes).then(
    ({ type }) => LOCAL.has(type),
    () => false,
  );
}

/** Files between two turns of the event loop: about a millisecond. */
const TURN = 500;

/**
 * A local disk answers from memory, faster than the answer passes from another thread to this one: a file costs an eighth
 * of what it costs in `parallel`. A server that does not answer would hold this thread, so that no signal was heard.
 */
async function* oneByOne(files: readonly Folder[], root: Root): AsyncGenerator<Found | Unread, void, void> {
  for (const [at, file] of files.entries()) {
    if (at % TURN === TURN - 1) await turn();
    const found = file.isLink ? await statOf(file, root) : answerOf(file, () => statSync(file.bytes));
    if (found) yield found;
  }
}

function answerOf(file: Folder, look: () => Stats): Found | Unread | undefined {
  try {
    return foundOf(file, look());
  } catch (error) {
    return unreadOf(file, error);
  }
}

async function children(folder: Folder): Promise<{ folders: Folder[]; others: Folder[] }> {
  const folders: Folder[] = [];
  const others: Folder[] = [];
  // With `buffer` the names are buffers, whatever the type says.
  const entries = await readdir(folder.bytes as unknown as string, { withFileTypes: true, encoding: 'buffer' }).catch(
    (error: unknown) => {
      if (isMissing(error) || isLostAndFound(folder, error)) return [];
      throw error;
    },
  );
  for (const entry of entries) {
    const bytes = entry.name as unknown as Buffer;
    const { text, raw } = decodeName(bytes);
    const child = {
      bytes: Buffer.concat([folder.bytes, SLASH, bytes]),
      path: folder.path === '' ? text : `${folder.path}/${text}`,
      raw: raw || folder.raw,
      isLink: entry.isSymbolicLink(),
    };
    (entry.isDirectory() ? folders : others).push(child);
  }
  return { folders, others };
}

/** The root of an ext4 disk has this folder, which only root may read and which is never data. */
function isLostAndFound(folder: Folder, error: unknown): boolean {
  return folder.path === 'lost+found' && codeOf(error) === 'EACCES';
}

async function statOf(file: Folder, root: Root): Promise<Found | Unread | undefined> {
  try {
    if (file.isLink) {
      if ((await stat(file.bytes)).isDirectory()) return undefined;
      await requireBelow(file.bytes, root.isBuffer ? [root.folder] : [root.folder, dirname(file.bytes.toString())]);
    }
    return foundOf(file, await stat(file.bytes));
  } catch (error) {
    return unreadOf(file, error);
  }
}

/** Nothing where it is no regular file. */
function foundOf({ path, raw }: Folder, stats: Stats): Found | undefined {
  const { size, mtimeMs, ctimeMs } = stats;
  return stats.isFile() ? { path, raw, size, mtimeMs, ctimeMs } : undefined;
}

/** Nothing where it has disappeared meanwhile. */
function unreadOf({ path }: Folder, error: unknown): Unread | undefined {
  return isMissing(error) || codeOf(error) === 'ELOOP' ? undefined : { path, error };
}

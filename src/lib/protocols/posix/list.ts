// Walking a folder whose names may be any bytes. Yields regular files only; a FIFO or a socket is not data.
import { readdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
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
    for await (const found of parallel(others, STATS_AT_ONCE, (one) => statOf(one, root))) if (found) yield found;
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
    const found = await stat(file.bytes);
    const { size, mtimeMs, ctimeMs } = found;
    return found.isFile() ? { path: file.path, raw: file.raw, size, mtimeMs, ctimeMs } : undefined;
  } catch (error) {
    return isMissing(error) || codeOf(error) === 'ELOOP' ? undefined : { path: file.path, error };
  }
}

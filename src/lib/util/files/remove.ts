// The one place where dflow deletes what is its own on this machine: locks, marks, spool files, scratch folders. Files of
// an experiment go by `flow/copies/removal/removal.ts`. A link is removed, never followed; what is not there is no error.
import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fstatSync,
  openSync,
  readdirSync,
  rmdirSync,
  rmSync,
  type Stats,
  unlinkSync,
} from 'node:fs';
import { rmdir, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { codeOf } from '../systemerrors.ts';

const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT';

/** A file, or a link. */
export async function removeFile(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
}

export function removeFileSync(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** A folder with all that is below. @throws EPERM it belongs to another user */
export async function removeFolder(path: string): Promise<void> {
  removeFolderSync(path);
}

/** Open folders by number: a name below one cannot be led elsewhere by whoever swaps folders for links meanwhile. */
const OPEN = '/proc/self/fd';

export function removeFolderSync(path: string): void {
  // macOS has no such way; there the system's temporary folders are each user's own.
  if (!existsSync(OPEN)) rmSync(path, { recursive: true, force: true });
  else remove(path, undefined);
}

/** Whatever is at `path`; `top`: the facts of the folder that the removal began with. */
function remove(path: string | Buffer, top: Stats | undefined): void {
  try {
    unlinkSync(path);
    return;
  } catch (error) {
    if (isMissing(error)) return;
    if (codeOf(error) !== 'EISDIR' && codeOf(error) !== 'EPERM') throw error;
  }
  const folder = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    empty(folder, path, top);
  } finally {
    closeSync(folder);
  }
  rmdirSync(path);
}

function empty(folder: number, path: string | Buffer, top: Stats | undefined): void {
  const facts = fstatSync(folder);
  if (top === undefined && facts.uid !== process.geteuid?.()) throw refused('EPERM', 'belongs to another user', path);
  if (top !== undefined && facts.dev !== top.dev) throw refused('EXDEV', 'is another file system', path);
  if ((facts.mode & 0o700) !== 0o700) fchmodSync(folder, 0o700);
  for (const name of readdirSync(`${OPEN}/${folder}`, 'buffer'))
    remove(Buffer.concat([Buffer.from(`${OPEN}/${folder}/`), name]), top ?? facts);
}

function refused(code: string, why: string, path: string | Buffer): Error {
  return Object.assign(new Error(`${code}: ${path} ${why}, so it is not removed`), { code });
}

/** A folder that has nothing left in it. @throws ENOTEMPTY */
export function removeEmptyFolderSync(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** `folder` and the folders above it, up to but without `top`, as long as nothing is in them. */
export async function removeEmptyFolders(top: string, folder: string): Promise<void> {
  for (let at = folder; at.startsWith(`${top}/`); at = dirname(at)) {
    try {
      await rmdir(at);
    } catch {
      // Something is in it, or it is not ours to remove: it may stay.
      return;
    }
  }
}

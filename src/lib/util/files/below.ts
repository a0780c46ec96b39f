// Where a file really lies. Who may write into a folder can put a link there that leads to a file that only we may read,
// or swap a folder for one: what is opened must lie below the folder that it was looked for in.
import { type FileHandle, open, readlink, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { openToRead } from '../adler32.ts';
import { ItemError } from '../errors.ts';
import { codeOf } from '../systemerrors.ts';
import { shown } from '../text/names.ts';

/** Opens a file to read it. @throws ItemError it does not lie below one of `folders`; the system's error */
export async function openBelow(path: string, folders: readonly string[] | undefined): Promise<FileHandle> {
  const handle = await openToRead(path);
  if (folders === undefined) return handle;
  try {
    await require(path, await placeOf(handle, path), folders);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The same for a path that another program opens. @throws ItemError it does not lie below one of `folders` */
export async function requireBelow(path: string | Buffer, folders: readonly string[] | undefined): Promise<void> {
  if (folders !== undefined) await require(String(path), await realpath(path), folders);
}

/**
 * Runs `work` with the path of `path` by way of its folder, held open: nobody can lead it elsewhere meanwhile.
 * @throws ItemError the folder does not lie below `root`
 */
export async function inHeldFolder<T>(path: string, root: string, work: (path: string) => Promise<T>): Promise<T> {
  const folder = await open(dirname(path), 'r');
  try {
    const place = await placeOf(folder, dirname(path));
    const real = await realpath(root);
    if (place !== real) await require(path, place, [root]);
    const held = `/proc/self/fd/${folder.fd}`;
    const isHeld = (await readlink(held).catch(() => undefined)) !== undefined;
    return await work(isHeld ? held + path.slice(path.lastIndexOf('/')) : path);
  } finally {
    await folder.close();
  }
}

/** Of the very file that is open, where the system tells; else of its name. */
async function placeOf(handle: FileHandle, path: string): Promise<string> {
  return readlink(`/proc/self/fd/${handle.fd}`).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return realpath(path);
    throw error;
  });
}

async function require(path: string, place: string, folders: readonly string[]): Promise<void> {
  for (const folder of folders) if (place.startsWith(`${await realpath(folder)}/`)) return;
  throw new ItemError(`${shown(path)} is a link that leads out of its folder, to ${shown(place)}`, {
    hint: 'remove the link, or, if these are data, put the file itself there',
  });
}

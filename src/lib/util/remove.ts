// The one place where dflow deletes what is its own on this machine: locks, marks, spool files, scratch folders. Files of
// an experiment go by `flow/copies/removal.ts`. A link is removed, never followed; what is not there is no error.
import { rmdirSync, rmSync, unlinkSync } from 'node:fs';
import { rm, unlink } from 'node:fs/promises';
import { codeOf } from './systemerrors.ts';

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

/** A folder with all that is below. */
export async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
}

export function removeFolderSync(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

/** A folder that has nothing left in it. @throws ENOTEMPTY */
export function removeEmptyFolderSync(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

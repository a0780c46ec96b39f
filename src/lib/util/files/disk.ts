// How full the disk of a folder is.
import { statfs } from 'node:fs/promises';
import { UnreachableError } from '../errors.ts';
import { ownError } from '../systemerrors.ts';

export interface Space {
  /** Bytes. */
  readonly total: number;
  /** Bytes that an ordinary user may still write. */
  readonly free: number;
}

/** The space of the file system that holds `folder`. @throws UnreachableError it does not say */
export async function spaceOf(folder: string): Promise<Space> {
  const { blocks, bavail, bsize } = await statfs(folder).catch((error: unknown) => {
    throw ownError(error, folder, UnreachableError);
  });
  return { total: blocks * bsize, free: bavail * bsize };
}

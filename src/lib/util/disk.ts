// How full the disk of a folder is.
import { statfs } from 'node:fs/promises';

export interface Space {
  /** Bytes. */
  readonly total: number;
  /** Bytes that an ordinary user may still write. */
  readonly free: number;
}

/** The space of the file system that holds `folder`. Throws the system's error. */
export async function spaceOf(folder: string): Promise<Space> {
  const { blocks, bavail, bsize } = await statfs(folder);
  return { total: blocks * bsize, free: bavail * bsize };
}

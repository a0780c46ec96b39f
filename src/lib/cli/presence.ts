// Marks of living processes of this host: a lock file each, which the kernel unlocks when the process ends. Knows
// nothing of who asks. A mark only spares others the wait for a dead holder's time to pass: where none can be made, or a
// found one cannot be tried, everything goes on without.
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Presence } from '../flow/ports.ts';
import { type Lock, tryLock } from '../util/lock.ts';
import { isFileError } from '../util/ownfolder.ts';
import { removeFile } from '../util/remove.ts';

const NONCE = /^[A-Za-z0-9]{1,64}$/;

/** Marks in `folder`, on a local disk. */
export function presenceIn(folder: string): Presence {
  // Nonces come from documents too, which others write: none of them may lead to another folder.
  const pathOf = (nonce: string): string | undefined => (NONCE.test(nonce) ? join(folder, nonce) : undefined);
  const remove = (path: string): Promise<unknown> => ifItCan(() => removeFile(path));
  return {
    enter: async (nonce) => {
      const path = pathOf(nonce);
      const lock = await ifItCan(async () => {
        await mkdir(folder, { recursive: true });
        return path === undefined ? undefined : tryLock(path);
      });
      return async () => {
        if (!lock || path === undefined) return;
        await remove(path);
        lock.release();
      };
    },
    ended: async (nonce) => {
      const path = pathOf(nonce);
      // Without a mark nothing is known: it may be another machine of this name.
      if (path === undefined || !existsSync(path)) return false;
      const lock: Lock | undefined = await ifItCan(async () => tryLock(path));
      if (!lock) return false;
      await remove(path);
      lock.release();
      return true;
    },
  };
}

/** The answer, or `undefined` where the file system does not let it be done. */
async function ifItCan<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (isFileError(error)) return undefined;
    throw error;
  }
}

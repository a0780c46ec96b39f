// Marks of living processes of this host: a lock file each, which the kernel unlocks when the process ends. Knows
// nothing of who asks. A mark only spares others the wait for a dead holder's time to pass: where none can be made, or a
// found one cannot be tried, everything goes on without.
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Presence } from '../flow/ports.ts';
import { type Lock, tryLock } from '../util/lock.ts';
import { isFileError } from '../util/ownfolder.ts';

/** Marks in `folder`, on a local disk. */
export function presenceIn(folder: string): Presence {
  const pathOf = (nonce: string): string => join(folder, nonce);
  const remove = (nonce: string): Promise<unknown> => ifItCan(() => rm(pathOf(nonce), { force: true }));
  return {
    enter: async (nonce) => {
      const lock = await ifItCan(async () => {
        await mkdir(folder, { recursive: true });
        return tryLock(pathOf(nonce));
      });
      return async () => {
        if (!lock) return;
        await remove(nonce);
        lock.release();
      };
    },
    ended: async (nonce) => {
      // Without a mark nothing is known: it may be another machine of this name.
      if (!existsSync(pathOf(nonce))) return false;
      const lock: Lock | undefined = await ifItCan(async () => tryLock(pathOf(nonce)));
      if (!lock) return false;
      await remove(nonce);
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

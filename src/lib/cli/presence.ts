// Marks of living processes of this host: a lock file each, which the kernel unlocks when the process ends. Knows
// nothing of who asks.
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Presence } from '../flow/ports.ts';
import { tryLock } from '../util/lock.ts';

/** Marks in `folder`, on a local disk. */
export function presenceIn(folder: string): Presence {
  const pathOf = (nonce: string): string => join(folder, nonce);
  const remove = (nonce: string): Promise<void> => rm(pathOf(nonce), { force: true });
  return {
    enter: async (nonce) => {
      await mkdir(folder, { recursive: true });
      const lock = tryLock(pathOf(nonce));
      return async () => {
        await remove(nonce);
        lock?.release();
      };
    },
    ended: async (nonce) => {
      // Without a mark nothing is known: it may be another machine of this name.
      if (!existsSync(pathOf(nonce))) return false;
      const lock = tryLock(pathOf(nonce));
      if (!lock) return false;
      await remove(nonce);
      lock.release();
      return true;
    },
  };
}

// Who of this host still lives. A claim carries its process (util/processes/identity.ts), which the kernel is asked about. After a
// restart of the machine that says nothing: for this there are marks, a lock file each, which the kernel unlocks when the
// process ends. Both only spare others the wait for a dead holder's time to pass: where neither tells, everything goes on.

import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Presence } from '../flow/ports.ts';
import { networkFileSystem } from '../util/files/mounts/mounts.ts';
import { isFileError } from '../util/files/ownfolder.ts';
import { removeFile } from '../util/files/remove.ts';
import { hasEnded, thisProcess } from '../util/processes/identity.ts';
import { type Lock, tryLock } from '../util/processes/lock.ts';
import { giveBack } from '../util/processes/stopping.ts';
import { given } from '../util/values/given.ts';

const NONCE = /^[A-Za-z0-9]{1,64}$/;

/** Claims that this process has now: what it has let go of is nobody's, though the process lives on. */
const mine = new Set<string>();

/** Presence of `host`, with its marks in `folder`. Locks of a network file system say nothing certain. */
export function presenceIn(folder: string, host: string): Presence {
  // Nonces come from documents too, which others write: none of them may lead to another folder.
  const pathOf = (nonce: string): string | undefined => (NONCE.test(nonce) ? join(folder, nonce) : undefined);
  const remove = (path: string): Promise<unknown> => ifItCan(() => removeFile(path));
  const holder = thisProcess();
  return {
    ...given({ holder }),
    enter: async (nonce) => {
      mine.add(nonce);
      const given = giveBack();
      const path = pathOf(nonce);
      const lock = await ifItCan(async () => {
        await mkdir(folder, { recursive: true });
        return path === undefined ? undefined : tryLock(path);
      });
      return async () => {
        mine.delete(nonce);
        if (lock && path !== undefined) await remove(path);
        lock?.release();
        given();
      };
    },
    ended: async ({ nonce, ...claim }) => {
      if (claim.holder !== undefined && claim.holder === holder) return !mine.has(nonce);
      const told = claim.holder === undefined ? undefined : hasEnded(claim.holder);
      if (told !== undefined) return told;
      const path = pathOf(nonce);
      // Without a mark nothing is known: it may be another machine of this name.
      if (claim.host !== host || path === undefined || !existsSync(path) || isRemote(folder)) return false;
      const lock: Lock | undefined = await ifItCan(async () => tryLock(path));
      if (!lock) return false;
      await remove(path);
      lock.release();
      return true;
    },
  };
}

function isRemote(folder: string): boolean {
  try {
    return networkFileSystem(readFileSync('/proc/self/mountinfo', 'utf8'), realpathSync(folder)) !== undefined;
  } catch {
    return false;
  }
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

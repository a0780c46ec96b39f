// What flow does on this machine itself: files, receipts, locks and other programs. The simulator has its own.
import { lstat, mkdir, realpath, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { readTail } from '../backends/shared/folder/files.ts';
import type { Machine } from '../flow/ports.ts';
import { readPart } from '../util/adler32.ts';
import { spaceOf } from '../util/files/disk.ts';
import { identityOf, refuseSameFolder } from '../util/files/folders.ts';
import { readBounded } from '../util/files/readfile.ts';
import { leftReceipts, newReceipt, readReceipt } from '../util/files/receipt.ts';
import { removeEmptyFolders } from '../util/files/remove.ts';
import { overwrite, replaceFile } from '../util/files/replace.ts';
import { withScratch } from '../util/files/scratch.ts';
import { shell, shellToFiles } from '../util/processes/exec.ts';
import { tryLock, tryPassingLock } from '../util/processes/lock.ts';
import { isMissing } from '../util/systemerrors.ts';

/** What a look at a file says; `undefined` where nothing is. */
async function ifThere<T>(look: Promise<T>): Promise<T | undefined> {
  try {
    return await look;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

export const machine: Machine = {
  files: {
    identity: identityOf,
    realPath: (path) => ifThere(realpath(path)),
    isFolder: (path) => ifThere(lstat(path).then((found) => found.isDirectory())),
    refuseSame: refuseSameFolder,
    space: spaceOf,
    read: readBounded,
    readPart,
    readEnd: async (path, bytes) => readTail(path, bytes),
    write: (path, text) => writeFile(path, text),
    async replace(path, text, mode = 0o600) {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await replaceFile(path, text, 'file', mode);
    },
    overwrite,
    withScratch,
    removeEmptyFolders,
  },
  receipts: { make: newReceipt, left: leftReceipts, read: readReceipt },
  locks: {
    async take(path) {
      await mkdir(dirname(path), { recursive: true });
      return tryLock(path);
    },
    takePassing: tryPassingLock,
  },
  processes: { shell, shellToFiles },
};

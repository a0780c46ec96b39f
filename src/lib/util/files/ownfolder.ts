// The folder `.dflow` beside the configuration: locks, receipts, marks. It may be on a read-only file system, belong to
// somebody else, or be no folder at all: an error of the machine, told as such. Knows nothing of what is kept there.
import { messageOf, UnreachableError } from '../errors.ts';
import { codeOf } from '../systemerrors.ts';

/** An error of the file system, or of SQLite on one of its files; Node's complaints of wrong arguments are defects. */
export function isFileError(error: unknown): boolean {
  const code = codeOf(error);
  return code !== undefined && !code.startsWith('ERR_');
}

const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'FULL']);

function isFull(error: unknown): boolean {
  return FULL.has(codeOf(error) ?? '');
}

/** Runs work that must write below `folder`. @throws UnreachableError it cannot be written */
export async function writing<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isFileError(error)) throw error;
    throw new UnreachableError(`dflow's own folder cannot be written: ${messageOf(error)}`, {
      where: folder,
      hint: isFull(error)
        ? `free space there, or raise the quota: df -h ${folder}`
        : `make it a folder that this user may write: ls -ld ${folder}`,
      cause: error,
    });
  }
}

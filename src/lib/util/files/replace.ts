// Writing a file that others read at any moment: they see the old text or the new one, never a part.
import { randomBytes } from 'node:crypto';
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ItemError } from '../errors.ts';
import { codeOf, ownError } from '../systemerrors.ts';
import { removeFile } from './remove.ts';

/** Writes under a temporary name beside it, brings it to disk, renames. @throws ItemError `what` cannot be written */
export async function replaceFile(path: string, text: string, what: string, mode = 0o644): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(text);
      // Whatever the umask of a cron job says: another user's program reads it.
      await file.chmod(mode);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await removeFile(temporary).catch(() => undefined);
    if (codeOf(error) === 'ENOENT') {
      const folder = dirname(path);
      throw new ItemError(`${what} cannot be written: its folder does not exist`, {
        where: folder,
        hint: `mkdir -p '${folder}'`,
        cause: error,
      });
    }
    throw ownError(error, `${what} '${path}' cannot be written`);
  }
}

/** Writes over the beginning of a file, which keeps its length and its blocks. @throws the system's own error */
export async function overwrite(path: string, text: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.write(text, 0);
    await file.datasync();
  } finally {
    await file.close();
  }
}

// Moving a file to a name that must be free. A rename would replace what is there, so the name is taken first: by a hard
// link, or, where the file system has none, by an empty file of ours that the rename replaces.
import { link, open, rename, unlink } from 'node:fs/promises';
import { codeOf } from '../../util/systemerrors.ts';

/** File systems without hard links, and kernels that forbid them for files of others. */
const NO_LINKS = new Set(['EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL']);

/** @throws the system's error, `EEXIST` when something is at `target`: then nothing has changed */
export async function moveNew(source: string, target: string): Promise<void> {
  try {
    await link(source, target);
  } catch (error) {
    if (!NO_LINKS.has(codeOf(error) ?? '')) throw error;
    return moveOver(source, target);
  }
  await unlink(source);
}

async function moveOver(source: string, target: string): Promise<void> {
  await (await open(target, 'wx')).close();
  try {
    await rename(source, target);
  } catch (error) {
    await unlink(target);
    throw error;
  }
}

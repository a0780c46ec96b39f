// The gangadir as a folder: whose it is, and its id. What Ganga keeps in it is Ganga's.
import { accessSync, constants, linkSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, UnreachableError } from '../../util/errors.ts';
import { removeFileSync } from '../../util/files/remove.ts';
import { codeOf } from '../../util/systemerrors.ts';
import { ifThere } from '../shared/folder/files.ts';
import { userName } from '../shared/user.ts';

/**
 * The gangadir's own id, made once: another gangadir knows nothing of our jobs.
 * @throws UnreachableError this user cannot write there, and so no Ganga of this user can: said before anything is claimed
 */
export function gangadirId(gangadir: string, nonce: () => string, where: string): string {
  try {
    mkdirSync(gangadir, { recursive: true });
    accessSync(gangadir, constants.R_OK | constants.W_OK | constants.X_OK);
    return idIn(gangadir, nonce);
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    const owner = statOf(gangadir)?.uid;
    const theirs = owner !== undefined && owner !== process.getuid?.();
    const why = theirs ? `its owner is the user with number ${owner}` : messageOf(error);
    throw new UnreachableError(`${userName()} cannot use the gangadir ${gangadir}: ${why}`, {
      where,
      hint: theirs ? 'run dflow as that user, or set another `gangadir` for this farm' : 'look at its file system',
      cause: error,
    });
  }
}

function idIn(gangadir: string, nonce: () => string): string {
  const path = join(gangadir, 'dflow-id');
  const found = ifThere(() => readFileSync(path, 'utf8'));
  if (found) return found;
  const temporary = `${path}.${process.pid}`;
  try {
    // Linked into place, so that of two first users one wins and no reader sees half an id.
    writeFileSync(temporary, nonce());
    linkSync(temporary, path);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  } finally {
    removeFileSync(temporary);
  }
  return readFileSync(path, 'utf8');
}

function statOf(path: string) {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

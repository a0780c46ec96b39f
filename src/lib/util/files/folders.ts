// Are two folders, or two files, the same thing on disk, whatever they are called? Through links and bind mounts.

import { realpath, stat } from 'node:fs/promises';
import { ConfigError } from '../errors.ts';
import { isMissing } from '../systemerrors.ts';
import { given } from '../values/given.ts';

export interface NamedFolder {
  /** As people know it: `storage sfu`, `buffer L1`. */
  readonly name: string;
  readonly folder: string;
}

/** The first two of `folders` that are one folder. Folders that do not exist are compared by their path only. */
async function sameFolder(folders: readonly NamedFolder[]): Promise<[NamedFolder, NamedFolder] | undefined> {
  const seen = new Map<string, NamedFolder>();
  for (const one of folders) {
    for (const key of await identities(one.folder)) {
      const other = seen.get(key);
      if (other && other !== one) return [other, one];
      seen.set(key, one);
    }
  }
  return undefined;
}

/** @throws ConfigError naming two that are one folder: their copies would be one copy, counted twice */
export async function refuseSameFolder(folders: readonly NamedFolder[], where?: string): Promise<void> {
  const pair = await sameFolder(folders);
  if (!pair) return;
  const [a, b] = pair;
  const via = a.folder === b.folder ? a.folder : `${a.folder} = ${b.folder}`;
  throw new ConfigError(`${a.name} and ${b.name} are the same folder: ${via}`, {
    hint: 'a copy there would be counted twice; give each its own folder',
    ...given({ where }),
  });
}

async function identities(folder: string): Promise<string[]> {
  try {
    const [path, one] = await Promise.all([realpath(folder), stat(folder, { bigint: true })]);
    return [path, `${one.dev}:${one.ino}`];
  } catch (error) {
    if (isMissing(error)) return [folder];
    throw error;
  }
}

/** Device and inode of what is at `path`, links followed; `undefined` where nothing is. */
export async function identityOf(path: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

// Does one folder lie within another on disk, whatever the two are called? Through links, by device and inode of every
// folder above, and through bind mounts, by what the kernel says is mounted where.

import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { given } from '../../values/given.ts';
import { identityOf } from '../folders.ts';
import { isWithin, type Mount, mountinfo, mountOf, parseMounts } from './mounts.ts';

/** How the first folder lies to the second. */
export type Relation = 'same' | 'below' | 'above';

/** A folder as it lies on disk. It need not exist yet. */
export interface Located {
  /** Absolute, links resolved. */
  readonly path: string;
  /** Device and inode of each folder above that exists, and, where it exists, of itself. */
  readonly above: ReadonlySet<string>;
  readonly self?: string;
  /** `device path` of the folder, and of everything mounted below it. */
  readonly trees: readonly Tree[];
}

interface Tree {
  readonly device: string;
  readonly path: string;
}

/** Where `folder` lies. Errors of single folders above it (no permission, a dead server) are passed over. */
export async function locate(folder: string, mounts?: string): Promise<Located> {
  const path = await resolved(folder);
  const self = await identity(path);
  const above = new Set<string>();
  for (let at = path; dirname(at) !== at; ) {
    at = dirname(at);
    const one = await identity(at);
    if (one !== undefined) above.add(one);
  }
  const trees = treesOf(parseMounts(mounts ?? (await mountinfo())), path);
  return { path, above, trees, ...given({ self }) };
}

/** The same of a folder whose disk may not be asked: by its name, and by what the kernel says is mounted. */
export function locateByName(folder: string, mounts: string): Located {
  return { path: folder, above: new Set(), trees: treesOf(parseMounts(mounts), folder) };
}

/** How `a` lies to `b`; `undefined`: apart. */
export function relation(a: Located, b: Located): Relation | undefined {
  if (a.path === b.path || (a.self !== undefined && a.self === b.self)) return 'same';
  if (isWithin(a.path, b.path) || (b.self !== undefined && a.above.has(b.self))) return 'below';
  if (isWithin(b.path, a.path) || (a.self !== undefined && b.above.has(a.self))) return 'above';
  for (const one of a.trees) {
    for (const other of b.trees.filter(({ device }) => device === one.device)) {
      if (one.path === other.path) return 'same';
      if (isWithin(one.path, other.path)) return 'below';
      if (isWithin(other.path, one.path)) return 'above';
    }
  }
  return undefined;
}

/** The real path of what exists of `folder`, and the rest as it is. */
async function resolved(folder: string): Promise<string> {
  try {
    return await realpath(folder);
  } catch {
    const up = dirname(folder);
    return up === folder ? folder : join(await resolved(up), basename(folder));
  }
}

async function identity(path: string): Promise<string | undefined> {
  return identityOf(path).catch(() => undefined);
}

function treesOf(mounts: readonly Mount[], path: string): Tree[] {
  const own = mountOf(mounts, path);
  const below = mounts.filter(({ point }) => point !== path && isWithin(point, path));
  return [
    ...(own ? [{ device: own.device, path: join(own.root, path.slice(own.point.length)) }] : []),
    ...below.map(({ device, root }) => ({ device, path: root })),
  ];
}

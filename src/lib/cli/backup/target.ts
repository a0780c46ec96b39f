// Where a backup goes: a new file, whole from the moment it has its name. What is half carries another name, and goes with
// the next backup into the same folder.
import { existsSync, linkSync, readdirSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import type { Settings } from '../../domain/settings.ts';
import { ItemError, UsageError } from '../../util/errors.ts';
import { spaceOf } from '../../util/files/disk.ts';
import { removeFileSync } from '../../util/files/remove.ts';
import { syncFolder } from '../../util/files/sync.ts';
import { isGone } from '../../util/processes/processes.ts';
import { codeOf, ownError } from '../../util/systemerrors.ts';
import { humanBytes } from '../../util/text/bytes.ts';
import { SQLITE_FILES } from '../../util/text/names.ts';
import { refuseAmongData } from '../config/findings/nesting.ts';

export interface Target {
  /** The file of the backup. */
  readonly path: string;
  /** What is written first, beside it. */
  readonly part: string;
  /** The folder that was named, where the name of the file is ours. */
  readonly folder?: string;
}

interface Naming {
  readonly at: string;
  readonly extension: string;
  readonly store?: string;
  /** The command that a message names. */
  readonly command?: string;
}

const STAMP = /^\d{8}T\d{9}Z\.(db|jsonl)$/;

/** `2026-11-27T09:15:00.123Z` -> `20261127T091500123Z`: names in the order of time. */
const stampOf = (at: string): string => at.replace(/[-:.]/g, '');

/**
 * A file that is named, or a new name in a folder.
 * @throws UsageError it exists, or lies where it is lost or taken for data
 */
export async function targetOf(
  settings: Settings,
  to: string,
  { at, extension, store, command = 'store backup' }: Naming,
): Promise<Target> {
  const given = resolve(to);
  if (store !== undefined && [...SQLITE_FILES, '-seen'].some((tail) => given === `${store}${tail}`)) {
    throw new UsageError('this is the file of the store itself', {
      where: given,
      hint: `name another file, best on another disk: dflow ${command} /another/folder/`,
    });
  }
  const isFolder = to.endsWith('/') || statSync(given, { throwIfNoEntry: false })?.isDirectory() === true;
  const path = isFolder ? join(given, `${settings.experiment}-${stampOf(at)}${extension}`) : given;
  const folder = dirname(path);
  if (!existsSync(folder)) {
    throw new UsageError('the folder of the new file does not exist', { where: folder, hint: `mkdir -p '${folder}'` });
  }
  if (existsSync(path)) {
    throw new UsageError(`the file exists already; ${command} overwrites nothing`, {
      where: path,
      hint: `name another file, or a folder, where each file gets a name of its own: dflow ${command} '${folder}'`,
    });
  }
  await refuseAmongData(settings, folder, {
    what: 'a file of documents does not belong',
    hint: `name a folder outside, best on another disk: dflow ${command} /another/folder`,
  });
  const part = join(folder, `.${basename(path)}.${hostname()}.${process.pid}.part`);
  return { path, part, ...(isFolder && { folder }) };
}

/** @throws ItemError */
export async function requireRoom({ path }: Target, bytes: number): Promise<void> {
  const { free } = await spaceOf(dirname(path));
  if (free >= bytes) return;
  const text = `no space for the file: ${humanBytes(bytes)} are needed, and ${humanBytes(free)} are free`;
  throw new ItemError(text, { where: dirname(path), hint: `df -h '${dirname(path)}'` });
}

/** Writes lines into a new file and syncs it. */
export async function writeLines(path: string, lines: AsyncIterable<string>): Promise<void> {
  removeFileSync(path);
  const handle = await open(path, 'wx', 0o600);
  try {
    let text = '';
    for await (const line of lines) {
      text += line;
      if (text.length < 1_000_000) continue;
      await handle.appendFile(text);
      text = '';
    }
    await handle.appendFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes the part by `write`, and gives it its name; nothing is left of one that failed. */
export async function made(target: Target, write: (part: string) => Promise<void>): Promise<number> {
  removeLeft(target);
  try {
    await write(target.part);
    // A link, since a rename would overwrite what has come there meanwhile.
    linkSync(target.part, target.path);
    await syncFolder(dirname(target.path));
    return statSync(target.path).size;
  } catch (error) {
    if (codeOf(error) === 'EEXIST')
      throw new UsageError('another command has made this file meanwhile', { where: target.path });
    throw ownError(error, target.path);
  } finally {
    for (const tail of SQLITE_FILES) removeFileSync(`${target.part}${tail}`);
  }
}

/** Parts of processes of this host that have ended. */
function removeLeft({ path }: Target): void {
  const folder = dirname(path);
  const own = `.${hostname()}.`;
  for (const name of readdirSync(folder)) {
    const [, before, pid] = /^\.(.+)\.(\d+)\.part(?:-journal|-wal|-shm)?$/.exec(name) ?? [];
    if (before === undefined || !`.${before}.`.endsWith(own) || !/\.(db|jsonl)\./.test(before)) continue;
    if (isGone(Number(pid))) removeFileSync(join(folder, name));
  }
}

/** Backups of the experiment in a folder, the oldest first. */
export function backupsIn(folder: string, experiment: string): string[] {
  const before = `${experiment}-`;
  const names = readdirSync(folder).filter((name) => name.startsWith(before) && STAMP.test(name.slice(before.length)));
  return names.sort().map((name) => join(folder, name));
}

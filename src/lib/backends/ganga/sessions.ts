// Who uses a gangadir. Ganga's own lock is a session file that a living Ganga touches every few seconds; after a kill -9 its
// jobs cannot be written for 45 s. A session of a dead process of this host is proven dead at once, and removed.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { removeFileSync } from '../../util/files/remove.ts';
import { signal } from '../../util/processes/processes.ts';
import { codeOf } from '../../util/systemerrors.ts';
import { nth } from '../../util/values/have.ts';
import { ifThere } from '../shared/folder/files.ts';

/** ms after which Ganga takes a silent session for dead. */
export const SESSION = 45_000;

export interface Session {
  readonly host: string;
  readonly pid: number;
  /** When it is free unless it is touched again, ms since 1970. */
  readonly until: number;
}

/** `HOST.16.02_Sunday_22_November_2026.PID.9996.session` */
export function parseSession(name: string): { host: string; pid: number } | undefined {
  const match = /^(.+)\.\d\d\.\d\d_\w+\.PID\.(\d+)\.session$/.exec(name);
  return match ? { host: nth(match, 1), pid: Number(match[2]) } : undefined;
}

/** The folders `repository/USER/TYPE/VERSION/sessions`. */
function sessionFolders(gangadir: string): string[] {
  let folders = [join(gangadir, 'repository')];
  for (let depth = 0; depth < 3; depth++)
    folders = folders.flatMap((folder) => names(folder).map((name) => join(folder, name)));
  return folders.map((folder) => join(folder, 'sessions'));
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}

/** Removes the sessions of the dead, and answers one that lives or may live. The caller holds the farm's own lock. */
export function otherSession(gangadir: string, now: number): Session | undefined {
  let living: Session | undefined;
  for (const folder of sessionFolders(gangadir)) {
    const files = names(folder);
    for (const file of files) {
      const session = parseSession(file);
      const touched = session && ifThere(() => statSync(join(folder, file)).mtimeMs);
      if (!session || touched === undefined) continue;
      const until = touched + SESSION;
      if (isDead(session, until, now)) removeSession(folder, files, file);
      else living = { ...session, until };
    }
  }
  return living;
}

function isDead({ host, pid }: { host: string; pid: number }, until: number, now: number): boolean {
  if (host !== hostname()) return now > until;
  return !isGanga(pid);
}

/** Without /proc (macOS) a process of that number is trusted to be it. */
function isGanga(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('ganga');
  } catch {
    if (ifThere(() => statSync('/proc/self'))) return false;
  }
  return signal(pid, 0);
}

/** The session file goes last: until then the session counts as there. */
function removeSession(folder: string, files: readonly string[], session: string): void {
  for (const file of files.filter((name) => name.startsWith(`${session}.`))) removeFileSync(join(folder, file));
  removeFileSync(join(folder, session));
}

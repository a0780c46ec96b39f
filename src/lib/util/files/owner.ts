// Whose file is this? What is executed or believed (configuration, modules, macros, credentials) must not have been
// written by somebody else. As ssh asks it, with git's exception for sudo.
import { lstatSync, readFileSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { isMissing } from '../systemerrors.ts';

/** Who we are, for tests. */
export interface Identity {
  readonly uid: number;
  /** The user who called sudo; only root believes it. */
  readonly sudo?: number;
}

/** `undefined` where the system has no users (Windows): there everything is ours. */
export function identity(env: Readonly<Record<string, string | undefined>> = process.env): Identity | undefined {
  const uid = process.geteuid?.();
  if (uid === undefined) return undefined;
  const sudo = Number(env.SUDO_UID || Number.NaN);
  return uid === 0 && Number.isInteger(sudo) ? { uid, sudo } : { uid };
}

type Facts = Pick<Stats, 'uid' | 'gid' | 'mode'>;

/** Distributions give each user a group of the same name or number, and let it write (umask 002). */
function isPrivateGroup(uid: number, gid: number): boolean {
  if (gid === uid || gid === 0) return true;
  const line = (file: string, number: number) => {
    const rows = readFileSync(file, 'utf8').split('\n');
    return rows.map((row) => row.split(':')).find((fields) => fields[2] === String(number));
  };
  try {
    const [user] = line('/etc/passwd', uid) ?? [];
    const [group, , , members] = line('/etc/group', gid) ?? [];
    return user !== undefined && user === group && (members === '' || members === user);
  } catch {
    return false;
  }
}

/**
 * Why a file or folder is not ours alone, in words; `undefined`: it is. Ours is what belongs to us, to root, or (for root)
 * to the user who called sudo, and what nobody else may write but its owner's private group. A world-writable folder is
 * foreign, sticky or not.
 */
export function foreignBy({ uid, gid, mode }: Facts, me: Identity): string | undefined {
  if (uid !== me.uid && uid !== 0 && uid !== me.sudo) return `belongs to another user (number ${uid})`;
  if ((mode & 0o002) !== 0) return 'can be written by everybody';
  if ((mode & 0o020) !== 0 && !isPrivateGroup(uid, gid)) return `can be written by a group (number ${gid})`;
  return undefined;
}

/** What is foreign about a file, its folder, or what a link leads to; `undefined`: nothing, or it is not there. */
export function foreign(path: string, me = identity()): { readonly path: string; readonly why: string } | undefined {
  if (!me) return undefined;
  try {
    const real = realpathSync(path);
    const links = lstatSync(path).isSymbolicLink() ? [{ path, facts: { ...lstatSync(path), mode: 0 } }] : [];
    const others = [real, dirname(real), dirname(path)].map((one) => ({ path: one, facts: statSync(one) }));
    for (const { path: one, facts } of [...links, ...others]) {
      const why = foreignBy(facts, me);
      if (why !== undefined) return { path: one, why };
    }
    return undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

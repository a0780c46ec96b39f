// Folders for what only passes through this machine, below one folder of this user that nobody else may enter. It lies in
// the system's temporary folder: TMPDIR says where. Names say whose they are, so that what a killed process has left is
// removed by the next one of this host.
import { accessSync, constants, lstatSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { UnreachableError } from '../errors.ts';
import { startTimeOf } from '../processes/processes.ts';
import { codeOf } from '../systemerrors.ts';
import { removeFolder, removeFolderSync } from './remove.ts';

/** Where links and other things of no size are made: in memory, where there is such a folder. */
const MEMORY = '/dev/shm';
const swept = new Set<string>();

/**
 * This user's own folder in the system's temporary folder, made with mode 700.
 * @throws UnreachableError something of another user lies in its place, or everybody may rename what lies there
 */
export function privateFolder(place = tmpdir()): string {
  const folder = join(place, ownName());
  const why = unsafe(place) ?? notPrivate(folder);
  if (why === undefined) return folder;
  throw new UnreachableError(`dflow cannot have a folder of its own in '${place}': ${why}`, {
    where: folder,
    hint: 'remove it, or set TMPDIR to a folder that only you can write',
  });
}

const ownName = (): string => `dflow-${process.geteuid?.() ?? 'user'}`;

function unsafe(place: string): string | undefined {
  try {
    const { mode } = statSync(place);
    return (mode & 0o002) !== 0 && (mode & 0o1000) === 0 ? 'everybody may rename what lies there' : undefined;
  } catch (error) {
    return codeOf(error) ?? 'it cannot be looked at';
  }
}

function notPrivate(folder: string): string | undefined {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') return codeOf(error) ?? 'it cannot be made';
  }
  const facts = lstatSync(folder);
  if (!facts.isDirectory()) return `'${folder}' is not a folder`;
  const me = process.geteuid?.();
  if (me !== undefined && facts.uid !== me) return `'${folder}' belongs to another user`;
  return (facts.mode & 0o077) !== 0 && me !== undefined ? `others may enter '${folder}'` : undefined;
}

/** Where scratch folders go: our own folder, or, where another user has taken its name, beside it. */
function placeOf(light: boolean): string {
  if (!light || process.env.TMPDIR || unsafe(MEMORY) !== undefined) return tmpdir();
  try {
    accessSync(MEMORY, constants.W_OK);
    return MEMORY;
  } catch {
    return tmpdir();
  }
}

const host = (): string => hostname().replace(/[^A-Za-z0-9.-]/g, '');

/** Runs `use` with a new folder, which is removed afterwards; `light`: for many things of no size. */
export async function withScratch<T>(use: (folder: string) => Promise<T>, light = false): Promise<T> {
  const place = placeOf(light);
  const own = join(place, ownName());
  const taken = unsafe(place) === undefined && notPrivate(own) !== undefined;
  if (!taken) sweep(privateFolder(place));
  const name = `${process.pid}-${startTimeOf(process.pid) ?? 0}-${host()}-`;
  // Made with mode 700, so that it is as good; only nobody clears it away after a kill.
  const folder = await mkdtemp(taken ? `${own}-${name}` : join(own, name));
  try {
    return await use(folder);
  } finally {
    await removeFolder(folder);
  }
}

/** Removes the folders of processes of this host that have ended, once for each place. */
function sweep(place: string): void {
  if (swept.has(place)) return;
  swept.add(place);
  for (const name of readdirSync(place)) {
    const [, pid, start, where] = /^(\d+)-(\d+)-(.*)-[A-Za-z0-9]{6}$/.exec(name) ?? [];
    if (where !== host() || startTimeOf(Number(pid)) === start) continue;
    if (start === '0' && isThere(Number(pid))) continue;
    try {
      removeFolderSync(join(place, name));
    } catch {
      // It is in use or cannot be removed: it stays.
    }
  }
}

/** Where the system does not say when a process started, its number is believed. */
function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

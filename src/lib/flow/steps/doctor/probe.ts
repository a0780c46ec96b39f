// A small file at a storage element, for as long as somebody looks at it. It lies in a folder of this host's and this
// configuration's own: what a killed doctor left there is its own, and nothing else is ever touched.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Checksum, Entry, Storage } from '../../../storage.ts';
import { ItemError } from '../../../util/errors.ts';
import { between, iso, MINUTE } from '../../../util/time.ts';
import type { Patient } from './check.ts';
import { outside } from './outside.ts';
import { trialLock } from './trial.ts';

/** Paths of probes at every element begin with it; it is the name of no level, and no output. */
export const PROBES = '.dflow-doctor';

/** Where nothing tells whether another doctor is there, what is younger may be that one's. */
const OLD = 10 * MINUTE;

/** This host's folder of probes, for this configuration. */
export function probeFolder({ host, settings }: Pick<Patient, 'host' | 'settings'>): string {
  const own = createHash('sha256').update(settings.folder).digest('hex').slice(0, 8);
  return `${PROBES}/${host.replace(/[^A-Za-z0-9.-]/g, '-')}-${own}`;
}

export interface Probe {
  readonly storage: Storage;
  /** At the element. */
  readonly path: string;
  /** Of the bytes that were written. */
  readonly sum: Checksum;
  /** Takes the probe away, and all that trial jobs have written beside it. */
  close(): Promise<void>;
}

/** Writes a probe, lets `use` look at it, and takes it away again, whatever happens. */
export async function withProbe<T>(patient: Patient, name: string, use: (probe: Probe) => Promise<T>): Promise<T> {
  const probe = await openProbe(patient, name);
  try {
    return await use(probe);
  } finally {
    await probe.close();
  }
}

/** @throws ItemError another doctor of this host is at the element */
export async function openProbe(patient: Patient, name: string): Promise<Probe> {
  const lock = await trialLock(patient, `storage-${name}`);
  if (!lock) throw new ItemError('another doctor of this host is there now', { hint: 'wait until it has ended' });
  let folder: string | undefined;
  try {
    const storage = await patient.storage(name);
    folder = storage.localPath('');
    await sweep(patient, storage, lock.alone ? 0 : OLD);
    return await written(patient, storage, lock.release);
  } catch (error) {
    lock.release();
    throw folder !== undefined && error instanceof ItemError ? inFolder(error, folder) : error;
  }
}

/** A path within the storage element says nothing to whoever must mend its folder. */
function inFolder({ message, hint }: ItemError, folder: string): ItemError {
  const next = hint?.replace('the file and its folder', folder) ?? `ls -ld ${folder}`;
  return new ItemError(`${message}, in ${folder}`, { hint: next });
}

async function written(patient: Patient, storage: Storage, release: () => void): Promise<Probe> {
  const nonce = patient.nonce();
  const path = `${probeFolder(patient)}/.probe.dflow-1-${nonce}`;
  const close = async (): Promise<void> => {
    try {
      await storage.remove([path]);
      await tidy(patient, storage);
    } finally {
      release();
    }
  };
  try {
    const sum = await patient.files.withScratch(async (folder) => {
      const local = join(folder, 'probe');
      await patient.files.write(local, `probe ${nonce} of dflow doctor on ${patient.host}: it may be removed\n`);
      return storage.copyIn(local, path);
    }, true);
    return { storage, path, sum, close };
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
}

/** Removes what killed calls have left: probes, and outputs of trial jobs, that are older. */
async function sweep(patient: Patient, storage: Storage, age: number): Promise<void> {
  const now = iso(patient.clock());
  await dropBelow(patient, storage, ({ modified }) => age === 0 || between(modified, now) > age);
  const folder = storage.localPath(probeFolder(patient));
  // Jobs make a folder before its first file, which no listing of files shows.
  if (age === 0 && folder !== undefined)
    await outside(patient, '[ ! -d "$1" ] || find "$1" -mindepth 1 -type d -empty -delete', [folder]);
}

/** Removes files of this host's folder of probes, and the folders below it in which nothing is then. */
export async function dropBelow(patient: Patient, storage: Storage, isLeft: (entry: Entry) => boolean): Promise<void> {
  const own = probeFolder(patient);
  const left: string[] = [];
  for await (const entry of storage.list(own)) if (isLeft(entry)) left.push(entry.path);
  if (left.length > 0) await storage.remove(left);
  const folders = new Set(left.map((path) => path.slice(0, path.lastIndexOf('/'))));
  for (const path of folders) if (path !== own) await removeEmpty(patient, storage, own, path);
}

/** Folders of probes go, too, where nothing is in them. */
async function tidy(patient: Patient, storage: Storage): Promise<void> {
  await removeEmpty(patient, storage, '', probeFolder(patient));
}

/** A folder below `top`, and those between. */
async function removeEmpty(patient: Patient, storage: Storage, top: string, path: string): Promise<void> {
  const [above, folder] = [storage.localPath(top), storage.localPath(path)];
  if (above !== undefined && folder !== undefined) return patient.files.removeEmptyFolders(above, folder);
  for (let at = path; at !== top; at = at.slice(0, Math.max(0, at.lastIndexOf('/'))))
    await storage.removeEmptyFolder?.(at);
}

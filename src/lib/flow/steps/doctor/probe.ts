// A small file at a storage element, for as long as somebody looks at it. It lies in a folder of this host's own: what a
// killed doctor left there is its own, and nothing else is ever touched.
import { join } from 'node:path';
import type { Checksum, Storage } from '../../../storage.ts';
import { between, iso, MINUTE } from '../../../util/time.ts';
import type { Patient } from './check.ts';

/** Paths of probes at every element begin with it; it is the name of no level, and no output. */
export const PROBES = '.dflow-doctor';

/** A probe that nobody holds any more is older; one of another doctor, that this one cannot see, is younger. */
const OLD = 10 * MINUTE;

/** This host's folder of probes. */
export function probeFolder({ host }: Pick<Patient, 'host'>): string {
  return `${PROBES}/${host.replace(/[^A-Za-z0-9.-]/g, '-')}`;
}

export interface Probe {
  readonly storage: Storage;
  /** At the element. */
  readonly path: string;
  readonly name: string;
  /** Of the bytes that were written. */
  readonly sum: Checksum;
}

/** Writes a probe, lets `use` look at it, and takes it away again, whatever happens. */
export async function withProbe<T>(patient: Patient, storage: Storage, use: (probe: Probe) => Promise<T>): Promise<T> {
  await sweep(patient, storage);
  const nonce = patient.nonce();
  const name = `.probe.dflow-1-${nonce}`;
  const path = `${probeFolder(patient)}/${name}`;
  try {
    const sum = await patient.files.withScratch(async (folder) => {
      const local = join(folder, 'probe');
      await patient.files.write(local, `probe ${nonce} of dflow doctor on ${patient.host}: it may be removed\n`);
      return storage.copyIn(local, path);
    }, true);
    return await use({ storage, path, name, sum });
  } finally {
    await storage.remove([path]);
    await tidy(patient, storage, probeFolder(patient));
  }
}

/** Removes what killed calls of this host have left: probes, and outputs of trial jobs. */
async function sweep(patient: Patient, storage: Storage): Promise<void> {
  const now = iso(patient.clock());
  const left: string[] = [];
  for await (const { path, modified } of storage.list(probeFolder(patient)))
    if (between(modified, now) > OLD) left.push(path);
  if (left.length > 0) await storage.remove(left);
}

/** Folders of probes that are empty go, too, where they are on this machine; other elements keep them. */
export async function tidy(patient: Patient, storage: Storage, path: string): Promise<void> {
  const [top, folder] = [storage.localPath(''), storage.localPath(path)];
  if (top !== undefined && folder !== undefined) await patient.files.removeEmptyFolders(top, folder);
}

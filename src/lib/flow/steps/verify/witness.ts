// Is the copy wrong, or the catalogue? While the original is there and it and every other copy agree with one that
// differs from the catalogue, the catalogue is wrong, and a person must say so. Once the original has been purged that
// cannot be: each copy was compared with the catalogue then, so copies that agree now were damaged alike.
import type { DataDoc } from '../../../domain/data/data.ts';
import { bufferSite } from '../../../domain/data/replicas.ts';
import type { Checksum } from '../../../storage.ts';
import { DflowError } from '../../../util/errors.ts';
import type { Finding } from './compare.ts';
import type { VerifySession } from './verifysession.ts';

type Differs = Extract<Finding, { is: 'differs' }>;

/** True when every witness could be asked, and all of them have what this copy has. */
export async function isCatalogueWrong(session: VerifySession, finding: Differs): Promise<boolean> {
  const { subject, found } = finding;
  if (!subject.raw) return false;
  const doc = (await session.ports.store.get<DataDoc>([subject.id])).get(subject.id);
  const file = doc?.files.find(({ name }) => name === subject.name);
  if (!doc || file?.original.state !== 'present' || found.size === 0) return false;
  const copies = Object.entries(file.replicas).flatMap(([site, replica]) =>
    replica.state === 'verified' && site !== subject.storage ? [{ site, path: replica.path }] : [],
  );
  const places =
    doc.host === session.ports.host ? [{ site: bufferSite(doc.level), path: file.path }, ...copies] : copies;
  for (const place of places) {
    const word = await ask(session, place);
    if (!word || !same(word, found)) return false;
  }
  return places.length > 0;
}

/** `undefined`: it cannot answer. */
function ask({ sites, options }: VerifySession, { site, path }: { site: string; path: string }) {
  const word = sites.attempt(site, (storage) => (options.read ? storage.readChecksum(path) : storage.checksum(path)));
  return word.catch((error: unknown) => {
    if (error instanceof DflowError) return undefined;
    throw error;
  });
}

function same(a: Checksum, b: Checksum): boolean {
  return a.adler32 === b.adler32 && a.size === b.size;
}

// Is the copy wrong, or the catalogue? When every other copy, and the original, agree with a copy that differs from the
// catalogue, the catalogue is wrong, and a person must say so.
import type { DataDoc } from '../../domain/data.ts';
import { bufferSite } from '../../domain/replicas.ts';
import type { Checksum } from '../../storage.ts';
import { DflowError } from '../../util/errors.ts';
import type { Finding } from './check.ts';
import type { VerifySession } from './session.ts';

type Differs = Extract<Finding, { is: 'differs' }>;

/** True when at least one witness could be asked, and all of them have what this copy has. */
export async function isCatalogueWrong(session: VerifySession, finding: Differs): Promise<boolean> {
  const { subject, found } = finding;
  if (!subject.raw) return false;
  const doc = (await session.ports.store.get<DataDoc>([subject.id])).get(subject.id);
  const file = doc?.files.find(({ name }) => name === subject.name);
  if (!doc || !file) return false;
  const copies = Object.entries(file.replicas).flatMap(([site, replica]) =>
    replica.state === 'verified' && site !== subject.storage ? [{ site, path: replica.path }] : [],
  );
  const here = file.original.state === 'present' && doc.host === session.ports.host;
  const places = here ? [{ site: bufferSite(doc.level), path: file.path }, ...copies] : copies;
  const words: Checksum[] = [];
  for (const place of places) {
    const word = await ask(session, place);
    if (word && !same(word, found)) return false;
    if (word) words.push(word);
  }
  return words.length > 0;
}

/** A witness that cannot answer says nothing. */
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

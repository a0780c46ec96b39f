// Are two files equal byte by byte? An adler32 has 32 bits: other bytes with the same sum are easy to find and not rare in
// small files, so that no file may go, or count as a copy, by its checksum alone.
import { join } from 'node:path';
import type { Storage } from '../../../storage.ts';
import type { Files } from '../../ports.ts';

/** A file at an element or a buffer that is open. */
export type At = readonly [storage: Storage, path: string];

const CHUNK = 4 * 2 ** 20;

/** Reads both from beginning to end. @throws ItemError, UnreachableError one cannot be read */
export async function sameBytes(files: Files, one: At, other: At): Promise<boolean> {
  const [a, b] = [reader(one), reader(other)];
  if (a && b) return sameChunks(a, b);
  return files.withScratch(async (folder) => {
    const [x, y] = [
      a ?? (await fetched(files, one, join(folder, 'a'))),
      b ?? (await fetched(files, other, join(folder, 'b'))),
    ];
    return sameChunks(x, y);
  });
}

type Read = (offset: number) => Promise<Buffer>;

/** Read in place where a part can be; a server would send the file from its beginning for every part. */
function reader([storage, path]: At): Read | undefined {
  return !storage.capabilities.ranges ? undefined : (offset) => storage.read(path, offset, CHUNK);
}

async function fetched(files: Files, [storage, path]: At, local: string): Promise<Read> {
  await storage.copyOut(path, local);
  return (offset) => files.readPart(local, offset, CHUNK);
}

async function sameChunks(a: Read, b: Read): Promise<boolean> {
  for (let offset = 0; ; offset += CHUNK) {
    const [one, other] = await Promise.all([a(offset), b(offset)]);
    if (!one.equals(other)) return false;
    if (one.length < CHUNK) return true;
  }
}

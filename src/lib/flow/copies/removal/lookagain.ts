// What must stay, looked at again while the file that goes waits under another name. A name that nobody has asked for
// before is asked for, and the bytes are opened: listings and names that a mount remembers do not tell.
import type { Storage } from '../../../storage.ts';
import { ItemError } from '../../../util/errors.ts';
import type { Sites } from '../sites.ts';

/** A file at a storage element or a buffer. */
export interface Place {
  readonly site: string;
  readonly path: string;
}

/** A file that must still be there when another has been renamed away. */
export interface Staying extends Place {
  readonly size: number;
  /** It has the bytes of what goes: where both are on this machine they are compared. */
  readonly same?: boolean;
}

/** What to do about two addresses of one place. */
export const ONE_PLACE =
  'give one place one name in the configuration, and copy to another: dflow config check; dflow transfer';

/** Why a file must stay, and what to do about it. */
export interface Lost {
  readonly why: string;
  readonly next?: string;
}

/** Bytes at either end of a file that are compared. */
const SAMPLE = 65_536;

/** Why the file that waits at `aside` must come back: one of `stay` has gone with it; `undefined`: all are there. */
export async function whyLost(sites: Sites, aside: Place, stay: readonly Staying[]): Promise<Lost | undefined> {
  for (const one of stay) {
    const lost = await sites
      .attempt(one.site, async (storage) => (await whyOne(sites, storage, aside, one)) ?? 'stays')
      .catch((error: unknown) => {
        if (error instanceof ItemError) return { why: error.message };
        throw error;
      });
    if (lost === undefined) return { why: `${one.site} cannot be reached, so it is unknown whether its copy stays` };
    if (lost !== 'stays') return lost;
  }
  return undefined;
}

async function whyOne(sites: Sites, storage: Storage, aside: Place, stay: Staying): Promise<Lost | undefined> {
  const onePlace = (how: string): Lost => ({
    why: `${stay.site} and ${aside.site} are one place: ${how}`,
    next: ONE_PLACE,
  });
  const beside = folderOf(stay.path) + aside.path.slice(folderOf(aside.path).length);
  // In one folder of one element it is seen, of course.
  const own = stay.site === aside.site && beside === aside.path;
  const found = await storage.stat(own ? [stay.path] : [stay.path, beside]);
  if (!own && found.has(beside)) return onePlace('what is renamed at one is renamed at the other');
  const seen = found.get(stay.path);
  if (!seen) return onePlace(`the copy at ${stay.site} went with it`);
  if (seen.size !== stay.size) return { why: `the copy at ${stay.site} has ${seen.size} bytes, not ${stay.size}` };
  if (stay.same !== true || storage.localPath(stay.path) === undefined) return undefined;
  const other = await sites.open(aside.site);
  if (other.localPath(aside.path) === undefined) return undefined;
  if (await sameEnds([storage, stay.path], [other, aside.path], stay.size)) return undefined;
  return { why: `the copy at ${stay.site} has other bytes`, next: `dflow verify --read --storage ${stay.site}` };
}

type End = readonly [storage: Storage, path: string];

async function sameEnds([a, pathA]: End, [b, pathB]: End, size: number): Promise<boolean> {
  for (const at of new Set([0, Math.max(0, size - SAMPLE)])) {
    const length = Math.min(SAMPLE, size - at);
    const [one, other] = await Promise.all([a.read(pathA, at, length), b.read(pathB, at, length)]);
    if (!one.equals(other)) return false;
  }
  return true;
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}

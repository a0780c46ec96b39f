// Two addresses may lead to one place (two doors of a server, a buffer that is served), and a copy there is not a copy.
// Names and file numbers do not tell. A file put at one address and looked for at the other does.
import { join } from 'node:path/posix';
import type { Storage } from '../../storage.ts';
import { ItemError } from '../../util/errors.ts';
import type { Files } from '../ports.ts';
import type { Place } from './removal/lookagain.ts';
import { type Sites, sameFile } from './sites.ts';

export interface ApartOptions {
  /** Part of the probe's name: no two calls use the same. */
  readonly nonce: string;
  /** Without it nothing is put anywhere, and only what the numbers of local files tell is known. */
  readonly probes: boolean;
}

/** Folder and name of a path. */
function split(path: string): { readonly folder: string; readonly name: string } {
  const cut = path.lastIndexOf('/') + 1;
  return { folder: path.slice(0, cut), name: path.slice(cut) };
}

/** A file system may take names for one that differ in case or in how accents are written. */
const folded = (name: string): string => name.normalize('NFC').toLowerCase();

const GONE = 'the probe file was removed by somebody while it was looked for';

export class Apart {
  readonly #sites: Sites;
  readonly #options: ApartOptions;
  readonly #known = new Map<string, Promise<string | undefined>>();
  #probes = 0;

  constructor(sites: Sites, options: ApartOptions) {
    this.#sites = sites;
    this.#options = options;
  }

  /** Why these two cannot count as two files; `undefined`: they are two. */
  async why(copy: Place, other: Place): Promise<string | undefined> {
    const [own, theirs] = [await this.#local(copy), await this.#local(other)];
    if (own !== undefined && theirs !== undefined && (await sameFile(this.#sites.files, own, theirs)))
      return `${own} and ${theirs} are one file`;
    const [a, b] = [split(copy.path), split(other.path)];
    if (folded(a.name) !== folded(b.name) || !this.#options.probes) return undefined;
    // Any folder of an element may be a link: what is known of one says nothing of the next.
    const key = JSON.stringify([copy.site, other.site, a.folder, b.folder]);
    const known = this.#known.get(key) ?? this.#probe(copy, other);
    this.#known.set(key, known);
    return known;
  }

  #local({ site, path }: Place): Promise<string | undefined> {
    return this.#sites.attempt(site, async (storage) => storage.localPath(path));
  }

  /** Puts a small file beside the copy, under the name of a copy that is under way, and looks for it at the other place. */
  async #probe(copy: Place, other: Place): Promise<string | undefined> {
    const name = `.probe.dflow-${++this.#probes}-${this.#options.nonce}`;
    const [here, there] = [split(copy.path).folder + name, split(other.path).folder + name];
    const seen = await this.#sites
      .attempt(copy.site, async (storage) => {
        try {
          await put(this.#sites.files, storage, here);
          const found = await this.#sites.attempt(other.site, async (second) =>
            (await second.stat([there])).has(there),
          );
          // A probe that somebody removed meanwhile would be missed at the other place as well.
          if (found === false && !(await storage.stat([here])).has(here)) throw new ItemError(GONE);
          return found;
        } finally {
          await storage.remove([here]);
        }
      })
      .catch((error: unknown) => {
        if (error instanceof ItemError) return error;
        throw error;
      });
    if (seen === false) return undefined;
    const which = `${copy.site} and ${other.site}`;
    if (seen === true) return `${which} are one place: what is put at one is at the other`;
    const why = seen instanceof ItemError ? seen.message : 'one cannot be reached';
    return `whether ${which} are one place could not be found out: ${why}`;
  }
}

/** Removes probes that killed calls left. A call that still waits for one finds out nothing, and keeps both files. */
export async function removeProbes(storage: Storage, paths: readonly string[]): Promise<void> {
  await storage.remove(paths);
}

/** What a probe at `path` holds, as bytes at most: a file with more in it is not ours, whatever its name. */
export const probeSize = (path: string): number => Buffer.byteLength(probeText(path));

const probeText = (path: string): string => `${path}\n`;

async function put(files: Files, storage: Storage, path: string): Promise<void> {
  await files.withScratch(async (folder) => {
    const local = join(folder, 'probe');
    await files.write(local, probeText(path));
    await storage.copyIn(local, path);
  }, true);
}

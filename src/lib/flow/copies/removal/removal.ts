// The one way in which dflow deletes files of an experiment, on a buffer or at a storage element. The caller brings the
// proof that a file may go; here: its line in a receipt on disk, renamed away in its folder, everything that must stay
// looked at again, deleted. Two addresses of one place show themselves: what must stay has gone along, and comes back.

import { gonePath } from '../../../domain/data/gone.ts';
import type { Stat, Storage } from '../../../storage.ts';
import { mapLimit } from '../../../util/concurrency.ts';
import { ItemError, UnreachableError } from '../../../util/errors.ts';
import type { Receipt } from '../../../util/files/receipt.ts';
import { shown } from '../../../util/text/names.ts';
import type { Iso } from '../../../util/time.ts';
import { given } from '../../../util/values/given.ts';
import { groupBy } from '../../../util/values/group.ts';
import { have } from '../../../util/values/have.ts';
import type { Files } from '../../ports.ts';
import { type Sites, sameFile } from '../sites.ts';
import { type Place, type Staying, whyLost } from './lookagain.ts';

/** A file that may go, by its caller's proof. */
export interface Going extends Place {
  /** What the caller looked at: anything else under this name stays. */
  readonly size?: number;
  readonly modified?: Iso;
  readonly stay: readonly Staying[];
  /** For the receipt: what it is, and by which proof it goes. */
  readonly line: object;
}

export interface Kept {
  readonly gone: false;
  readonly why: string;
  readonly next?: string;
  /** There was nothing at its path. */
  readonly missing?: true;
  /** Where it waits: it could not be put back. */
  readonly aside?: string;
}

export type Fate = { readonly gone: true } | Kept;

/** Files that are removed at the same time. */
const AT_ONCE = 8;

export class Removal {
  readonly #sites: Sites;
  readonly #receipt: Receipt;
  readonly #nonce: string;
  readonly #announced = new Set<Going>();

  /** `nonce`: of this call, or of its claim; part of the names under which files wait, by which `putBack` finds them. */
  constructor(sites: Sites, receipt: Receipt, nonce: string) {
    this.#sites = sites;
    this.#receipt = receipt;
    this.#nonce = nonce;
  }

  /** Writes the receipt and syncs it. @throws UnreachableError: nothing may be deleted */
  async announce(files: readonly Going[]): Promise<void> {
    if (files.length === 0) return;
    await this.#receipt.write(
      files.map(({ line, site, path }) => ({ ...line, site, path, aside: gonePath(path, this.#nonce) })),
    );
    for (const file of files) this.#announced.add(file);
  }

  /** Deletes what was announced; fates in the order of `files`. A site that cannot be reached is set aside. */
  async remove(files: readonly Going[]): Promise<Fate[]> {
    for (const file of files) {
      if (!this.#announced.has(file)) throw new Error(`${file.path} at ${file.site} has no line in a receipt`);
    }
    const fates = new Map<Going, Fate>();
    // One after the other what may be one file at two addresses: they wait under one name.
    await mapLimit(
      groupBy(files, ({ path }) => path.slice(path.lastIndexOf('/') + 1)).values(),
      AT_ONCE,
      async (same) => {
        for (const file of same) fates.set(file, await this.#removeOne(file));
      },
    );
    return files.map((file) => have(fates, file));
  }

  async #removeOne(file: Going): Promise<Fate> {
    const { site, path } = file;
    let began = false;
    const fate = await this.#attempt(site, async (storage): Promise<Fate> => {
      const refused = differs(file, (await storage.stat([path])).get(path));
      if (refused) return refused;
      const waits = storage.capabilities.rename ? gonePath(path, this.#nonce) : path;
      began = waits !== path;
      if (began) await storage.rename(path, waits);
      return this.#lookAndDelete(storage, file, waits);
    });
    return fate.gone || !began ? fate : this.#back(file, fate);
  }

  /** It waits as `waits`, and goes where everything else is as it was. */
  async #lookAndDelete(storage: Storage, file: Going, waits: string): Promise<Fate> {
    const { site, path, stay } = file;
    // Whoever writes here may have put another file under this name at the last moment.
    const other = differs(file, (await storage.stat([waits])).get(waits));
    if (other) return other;
    const lost = await whyLost(this.#sites, { site, path: waits }, stay);
    if (lost) return { gone: false, ...lost };
    await storage.remove([waits]);
    const left = await storage.stat([path, waits]);
    return left.size === 0 ? { gone: true } : { gone: false, why: 'came back while it was deleted' };
  }

  /** Gives it its name again, even where it is not known whether it lost it. */
  async #back({ site, path }: Going, kept: Kept): Promise<Fate> {
    const back = await this.#attempt(site, (storage) => putBack(this.#sites.files, storage, path, this.#nonce));
    if (back === 'back' || back === 'there') return kept;
    // Its receipt names it, and it was here alone under a name of ours: the error came after the deletion.
    if (back === 'absent') return { gone: true };
    const aside = gonePath(path, this.#nonce);
    const reason = back === 'taken' ? 'another file has its name' : back.why;
    return { ...kept, why: `${kept.why}; it waits as ${shown(aside)}: ${reason}`, aside };
  }

  /** What `work` answers; an error of this file, or of its site, as why it is kept. */
  async #attempt<T>(site: string, work: (storage: Storage) => Promise<T>): Promise<T | Kept> {
    try {
      return await work(await this.#sites.open(site));
    } catch (error) {
      if (error instanceof UnreachableError) this.#sites.setAside(site, error);
      else if (!(error instanceof ItemError)) throw error;
      return { gone: false, why: error.message, ...given({ next: error.hint }) };
    }
  }
}

/** `back`: it waited; `there`: it never did; `taken`: it waits, and another file has its name; `absent`: neither. */
export type PutBack = 'back' | 'there' | 'taken' | 'absent';

/** Gives a file that the call `nonce` renamed away its name again; idempotent, overwrites nothing. */
export async function putBack(files: Files, storage: Storage, path: string, nonce: string): Promise<PutBack> {
  const aside = gonePath(path, nonce);
  const found = await storage.stat([path, aside]);
  if (!found.has(aside)) return found.has(path) ? 'there' : 'absent';
  if (found.has(path)) {
    if (!(await isOne(files, storage, path, aside))) return 'taken';
    // Killed between the two halves of a rename: one file, two names.
    await storage.remove([aside]);
    return 'back';
  }
  await (storage.renameNew ? storage.renameNew(aside, path) : storage.rename(aside, path));
  return 'back';
}

/** One file by two names; where nothing is on this machine, two with the same bytes. */
async function isOne(files: Files, storage: Storage, path: string, aside: string): Promise<boolean> {
  const [own, other] = [storage.localPath(path), storage.localPath(aside)];
  if (own !== undefined && other !== undefined) return sameFile(files, own, other);
  // Where a rename is one step there are never two.
  if (!storage.capabilities.whole) return false;
  const [here, there] = await Promise.all([path, aside].map((name) => storage.readChecksum(name)));
  return here?.adler32 === there?.adler32 && here?.size === there?.size;
}

function differs(file: Going, found: Stat | undefined): Kept | undefined {
  if (!found) return { gone: false, why: 'is no longer there', missing: true };
  const sameSize = file.size === undefined || file.size === found.size;
  const sameTime = file.modified === undefined || file.modified === found.modified;
  if (sameSize && sameTime) return undefined;
  return { gone: false, why: `has ${found.size} bytes of ${found.modified} now, which is not what was looked at` };
}

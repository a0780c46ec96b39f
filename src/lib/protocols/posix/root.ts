// The root folder of a posix storage element: is it there, is it the same disk as before, what lies below it,
// and what the system's errors mean for it. The root is never made here: where the disk is not mounted, nothing may
// be written under its mount point.
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { grouped } from '../../util/concurrency.ts';
import { ItemError, messageOf, UnreachableError } from '../../util/errors.ts';
import { inHeldFolder } from '../../util/files/below.ts';
import { ownError, systemFault } from '../../util/systemerrors.ts';
import { shown } from '../../util/text/names.ts';

/** Errors that may be those of one path, or of a whole disk or server: a look at the root tells. */
const SITE_CODES = new Set([
  ...['ESTALE', 'ENOTCONN', 'ETIMEDOUT', 'EHOSTDOWN', 'EHOSTUNREACH', 'ENODEV', 'ENXIO', 'EIO', 'EREMOTEIO'],
  ...['EKEYEXPIRED', 'ENOKEY', 'ENOTDIR', 'ENOENT'],
]);

export class Root {
  /** `storage sfu`, `buffer L1`: as messages say it. */
  readonly label: string;
  readonly folder: string;
  /** Others write there: nothing in it is believed to lie where its name says. */
  readonly isBuffer: boolean;
  readonly #mounted: boolean;
  readonly #look = grouped(() => this.#check());
  #identity: string | undefined;

  /** `mounted`: the folder must be a mount point. */
  constructor(name: string, folder: string, mounted: boolean) {
    this.isBuffer = name.startsWith('buffer');
    this.label = this.isBuffer ? name : `storage ${name}`;
    this.folder = folder;
    this.#mounted = mounted;
  }

  /**
   * Those who ask at once share a look that begins after they asked.
   * @throws UnreachableError when the root is missing, no folder, not mounted, or another one than at the first call
   */
  check(): Promise<void> {
    return this.#look('');
  }

  async #check(): Promise<void> {
    const now = await stat(this.folder, { bigint: true }).catch((error: unknown) => {
      throw this.#unreachable(systemFault(error)?.text ?? messageOf(error), error);
    });
    if (!now.isDirectory()) throw this.#unreachable('is not a folder');
    if (this.#mounted && (await stat(dirname(this.folder), { bigint: true })).dev === now.dev) {
      throw this.#unreachable('is not mounted');
    }
    const identity = `${now.dev}:${now.ino}`;
    this.#identity ??= identity;
    if (this.#identity !== identity) throw this.#unreachable('is another folder now than before (unmounted?)');
  }

  #unreachable(what: string, cause?: unknown): UnreachableError {
    const hint = `mount it, or, if ${this.label} is new: mkdir -p '${this.folder}'`;
    return new UnreachableError(`${this.label}: folder ${this.folder} ${what}`, { hint, cause });
  }

  /** Absolute path. @throws ItemError for a path that would leave the root */
  inside(path: string): string {
    const escapes = path.startsWith('/') || path.includes('\0') || path.split('/').includes('..');
    if (escapes) throw new ItemError(`${this.label}: path '${shown(path)}' leads out of its folder`);
    return join(this.folder, path);
  }

  /**
   * Folders that a file must really lie in. Of an element also the one that it was looked for in: folders of an element may
   * be links, which its owner made; a file that is a link out of its folder is not a copy.
   */
  folders(path: string): readonly string[] {
    return this.isBuffer ? [this.folder] : [this.folder, dirname(this.inside(path))];
  }

  /** Runs `work` with the absolute path of `path`; in a buffer by way of its open folder, which cannot be swapped for a link. */
  held<T>(path: string, work: (path: string) => Promise<T>): Promise<T> {
    const whole = this.inside(path);
    return this.isBuffer ? inHeldFolder(whole, this.folder, work) : work(whole);
  }

  /**
   * What a system error on `path` means: ItemError for this path, UnreachableError for the whole element, which also an
   * error of its root folder is. Errors that already have a meaning, and aborts, are returned as they are.
   */
  async meaning(error: unknown, path: string): Promise<unknown> {
    const fault = systemFault(error);
    if (!fault) return error;
    if (SITE_CODES.has(fault.code)) await this.check();
    const whole = path === '' || fault.code === 'EROFS';
    return ownError(error, `${this.label}: ${whole ? this.folder : shown(path)}`, whole ? UnreachableError : ItemError);
  }
}

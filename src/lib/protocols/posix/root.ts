// The root folder of a posix storage element: is it there, is it the same disk as before, what lies below it,
// and what the system's errors mean for it. The root is never made here: where the disk is not mounted, nothing may
// be written under its mount point.
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isMissing } from '../../util/adler32.ts';
import { grouped } from '../../util/concurrency.ts';
import { codeOf, DflowError, ItemError, messageOf, UnreachableError } from '../../util/errors.ts';
import { shown } from '../../util/names.ts';

/** Errors of a whole disk or server, not of one path. */
const SITE_CODES = new Set(['EROFS', 'ESTALE', 'ENOTCONN', 'ETIMEDOUT', 'EHOSTDOWN', 'EHOSTUNREACH', 'ENODEV', 'EIO']);

const MEANINGS: Readonly<Record<string, { text: string; hint?: string }>> = {
  ENOENT: { text: 'does not exist' },
  ENOTDIR: { text: 'does not exist: a part of its path is a file' },
  ENOSPC: { text: 'no space left', hint: 'free space there, or raise the quota' },
  EDQUOT: { text: 'over quota', hint: 'free space there, or raise the quota' },
  EFBIG: { text: 'larger than this file system allows' },
  EACCES: { text: 'no permission', hint: 'check owner and mode of the file and its folder' },
  EPERM: { text: 'not permitted', hint: 'check owner, mode and attributes of the file and its folder' },
  EISDIR: { text: 'is a folder' },
  ELOOP: { text: 'is a symbolic link, or a loop of them' },
  ENAMETOOLONG: { text: 'the name is too long for this file system' },
  EROFS: { text: 'the file system is read-only', hint: 'mount it writable, or: dflow storage disable' },
};

export class Root {
  /** `storage sfu`, `buffer L1`: as messages say it. */
  readonly label: string;
  readonly folder: string;
  readonly #mounted: boolean;
  readonly #look = grouped(() => this.#check());
  #identity: string | undefined;

  /** `mounted`: the folder must be a mount point. */
  constructor(name: string, folder: string, mounted: boolean) {
    this.label = name.startsWith('buffer') ? name : `storage ${name}`;
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
      throw this.#unreachable(isMissing(error) ? 'does not exist' : messageOf(error), error);
    });
    if (!now.isDirectory()) throw this.#unreachable('is no folder');
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
   * What a system error on `path` means: ItemError for this path, UnreachableError for the whole element.
   * Errors that already have a meaning, and aborts, are returned as they are.
   */
  async meaning(error: unknown, path: string): Promise<unknown> {
    const code = codeOf(error);
    if (error instanceof DflowError || code === undefined || !/^E[A-Z0-9]+$/.test(code)) return error;
    // Everything is missing where the root is: say that instead.
    if (isMissing(error)) await this.check();
    const { text, hint } = MEANINGS[code] ?? { text: messageOf(error), hint: undefined };
    const detail = { cause: error, ...(hint ? { hint } : {}) };
    const message = `${this.label}: ${shown(path)}: ${text}`;
    return SITE_CODES.has(code) ? new UnreachableError(message, detail) : new ItemError(message, detail);
  }
}

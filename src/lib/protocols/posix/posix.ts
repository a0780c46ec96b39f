// A mounted folder as a storage element. Knows paths below its root and nothing of runs or documents.
import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, open as openFile, rename, stat, unlink } from 'node:fs/promises';
import { dirname, isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { StorageSettings } from '../../domain/settings.ts';
import type {
  Capabilities,
  Checksum,
  CopyOptions,
  Entry,
  ReadingOptions,
  Stat,
  Storage,
  Unreadable,
} from '../../storage.ts';
import { partOf, readChecksummed } from '../../util/adler32.ts';
import { grouped, parallel } from '../../util/concurrency.ts';
import { ConfigError, ItemError } from '../../util/errors.ts';
import { openBelow, requireBelow } from '../../util/files/below.ts';
import { type Space, spaceOf } from '../../util/files/disk.ts';
import { codeOf, isMissing, ownError } from '../../util/systemerrors.ts';
import { shown } from '../../util/text/names.ts';
import { iso } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import { checkOptions } from '../tools/options.ts';
import { copyFile, SideError } from './copy.ts';
import { walk } from './list.ts';
import { moveNew } from './movenew.ts';
import { Root } from './root.ts';

const STATS_AT_ONCE = 32;
const OPTIONS = { mounted: 'flag', mode: 'mode' } as const;

/**
 * Opens a folder as a storage element. Options: `mounted: true`, it must be a mount point; `mode: '0640'`, that of its
 * files (their folders may be entered by whoever may read); without it what the umask leaves of 0644.
 * @throws ConfigError for options it does not know; UnreachableError when the folder is not there
 */
export async function open(settings: StorageSettings): Promise<Storage> {
  const { name, url } = settings;
  const options = checkOptions(settings, OPTIONS);
  if (!isAbsolute(url)) throw new ConfigError(`storage.${name}: '${url}' is not an absolute folder`);
  const root = new Root(name, url, options.mounted === true);
  await root.check();
  return new PosixStorage(root, settings, options.mode);
}

class PosixStorage implements Storage {
  readonly name: string;
  readonly capabilities: Capabilities;
  readonly #root: Root;
  /** Folders that this process made or saw: spares a system call per file. */
  readonly #folders = new Set<string>();
  readonly #sync = grouped(syncFolder);

  readonly mode?: string;
  readonly #mode: number | undefined;

  constructor(root: Root, { name, tape }: StorageSettings, mode: string | number | undefined) {
    this.name = name;
    if (mode !== undefined) this.mode = String(mode);
    this.#mode = modeOf(mode);
    this.#root = root;
    this.capabilities = { thirdParty: false, tape, checksums: ['adler32', 'md5'], rename: true, ranges: true };
  }

  async stat(paths: readonly string[]): Promise<Map<string, Stat>> {
    await this.#root.check();
    const found = new Map<string, Stat>();
    for await (const [path, one] of parallel(paths, STATS_AT_ONCE, (path) => this.#statOne(path))) {
      if (one) found.set(path, one);
    }
    return found;
  }

  async #statOne(path: string): Promise<[string, Stat | undefined]> {
    try {
      const whole = this.#root.inside(path);
      if ((await lstat(whole)).isSymbolicLink()) await requireBelow(whole, this.#root.folders(path));
      const one = await stat(whole);
      if (!one.isFile()) throw new ItemError(`${this.#root.label}: ${shown(path)} is not a regular file`);
      return [path, statOf(one)];
    } catch (error) {
      if (isMissing(error)) return [path, undefined];
      throw await this.#root.meaning(error, path);
    }
  }

  checksum(path: string, also: ReadingOptions = {}): Promise<Checksum> {
    return this.#meant(path, () => checksumOf(this.#root.inside(path), this.#root.folders(path), also));
  }

  readChecksum(path: string, also?: ReadingOptions): Promise<Checksum> {
    return this.checksum(path, also);
  }

  read(path: string, offset: number, length: number): Promise<Buffer> {
    return this.#meant(path, () => readPart(this.#root.inside(path), this.#root.folders(path), offset, length));
  }

  async copyIn(local: string, path: string, options: CopyOptions = {}): Promise<Checksum> {
    const target = this.#root.inside(path);
    return this.#meant(path, () =>
      this.#inFolder(target, () =>
        copyFile(local, target, options, this.#mode).catch((error: unknown) => this.#side(error, local)),
      ),
    );
  }

  copyOut(path: string, local: string, options: CopyOptions = {}): Promise<Checksum> {
    return this.#meant(path, async () => {
      const source = this.#root.inside(path);
      await mkdir(dirname(local), { recursive: true }).catch((error: unknown) => {
        throw localError(error, local);
      });
      return copyFile(source, local, { ...options, below: this.#root.folders(path) }).catch((error: unknown) => {
        if (!(error instanceof SideError)) throw error;
        throw error.side === 'source' ? error.cause : localError(error.cause, local);
      });
    });
  }

  /** The error of a copyIn: on our side as it is, on the local side with the local path. */
  #side(error: unknown, local: string): never {
    if (!(error instanceof SideError)) throw error;
    throw error.side === 'target' ? error.cause : localError(error.cause, local);
  }

  async rename(from: string, to: string): Promise<void> {
    const target = this.#root.inside(to);
    await this.#meant(from, async () => {
      await this.#inFolder(target, () =>
        this.#root.held(from, (source) => this.#root.held(to, (there) => rename(source, there))),
      );
      await this.#sync(dirname(target));
    });
  }

  async renameNew(from: string, to: string): Promise<void> {
    const target = this.#root.inside(to);
    await this.#meant(from, async () => {
      const move = () => this.#root.held(from, (source) => this.#root.held(to, (there) => moveNew(source, there)));
      await this.#inFolder(target, move).catch((error: unknown) => {
        if (codeOf(error) !== 'EEXIST') throw error;
        throw new ItemError(`${this.#root.label}: ${shown(to)} exists already`, { cause: error });
      });
      await this.#sync(dirname(target));
    });
  }

  async remove(paths: readonly string[]): Promise<void> {
    await this.#root.check();
    for await (const _ of parallel(paths, STATS_AT_ONCE, (path) => this.#removeOne(path)));
  }

  #removeOne(path: string): Promise<void> {
    return this.#meant(path, () =>
      this.#root.held(path, unlink).catch((error: unknown) => {
        if (!isMissing(error)) throw error;
      }),
    );
  }

  async *list(prefix: string, unreadable?: Unreadable): AsyncGenerator<Entry, void, void> {
    await this.#root.check();
    const below = prefix.replace(/\/+$/, '');
    let first: ItemError | undefined;
    for await (const found of walk(this.#root.inside(below), this.#root)) {
      const path = [below, found.path].filter((part) => part !== '').join('/');
      if ('error' in found) {
        const why = await this.#root.meaning(found.error, path);
        if (!(why instanceof ItemError)) throw why;
        if (unreadable) unreadable(path, why);
        else first ??= why;
        continue;
      }
      const entry = { path, ...statOf(found) };
      yield found.raw ? { ...entry, raw: true } : entry;
    }
    if (first) throw first;
  }

  async space(): Promise<Space> {
    await this.#root.check();
    return spaceOf(this.#root.folder);
  }

  url(path: string): string {
    return pathToFileURL(this.#root.inside(path)).href;
  }

  localPath(path: string): string {
    return this.#root.inside(path);
  }

  /** Runs `work` after making the folder of `target`, and once more if somebody removed that folder meanwhile. */
  async #inFolder<T>(target: string, work: () => Promise<T>): Promise<T> {
    await this.#root.check();
    const folder = dirname(target);
    const known = this.#folders.has(folder);
    if (!known) await this.#make(folder);
    try {
      return await work();
    } catch (error) {
      if (!known || codeOf(error) !== 'ENOENT') throw error;
      await this.#make(folder);
      return work();
    }
  }

  async #make(folder: string): Promise<void> {
    const first = await mkdir(folder, { recursive: true });
    for (let made = folder; first && made.length >= first.length; made = dirname(made)) {
      // Who may read a file may enter its folder.
      if (this.#mode !== undefined) await chmod(made, this.#mode | 0o300 | ((this.#mode & 0o444) >> 2));
      await this.#sync(dirname(made));
    }
    this.#folders.add(folder);
  }

  async #meant<T>(path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw await this.#root.meaning(error, path);
    }
  }
}

function statOf(one: { readonly size: number; readonly mtimeMs: number; readonly ctimeMs: number }): Stat {
  return { size: one.size, modified: iso(Math.floor(one.mtimeMs)), changed: iso(Math.floor(one.ctimeMs)) };
}

/** `'0640'` or 640, as `chmod` takes it. */
function modeOf(said: string | number | undefined): number | undefined {
  return said === undefined ? undefined : Number.parseInt(String(said), 8);
}

/** adler32, and md5 in the same reading. */
async function checksumOf(path: string, folders: readonly string[], also: ReadingOptions): Promise<Checksum> {
  const handle = await openBelow(path, folders);
  const hash = also.md5 ? createHash('md5') : undefined;
  try {
    const sum = await readChecksummed(handle, path, {
      ...(hash ? { sink: async (chunk: Buffer) => void hash.update(chunk) } : {}),
      ...given({ progress: also.progress }),
    });
    return hash ? { ...sum, md5: hash.digest('hex') } : sum;
  } finally {
    await handle.close();
  }
}

async function readPart(path: string, folders: readonly string[], offset: number, length: number): Promise<Buffer> {
  return partOf(await openBelow(path, folders), offset, length);
}

/** The name of a new file is safe on disk only once its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await openFile(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Some network file systems know no sync of folders.
    if (codeOf(error) !== 'EINVAL' && codeOf(error) !== 'ENOTSUP') throw error;
  } finally {
    await handle.close();
  }
}

/** An error on the local side of a copy, which is not a fault of the storage element. */
function localError(error: unknown, local: string): unknown {
  return ownError(error, shown(local));
}

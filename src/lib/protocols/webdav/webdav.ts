// A storage element at a WebDAV server, by HTTP alone: for sites and hosts without gfal2. A file counts as copied only when
// the server's own adler32 of what it stored is the one that was sent, or every byte was read back. Knows paths only.
import type { StorageSettings } from '../../domain/settings.ts';
import type { Capabilities, Checksum, CopyOptions, Entry, Stat, Storage, WorkerSide } from '../../storage.ts';
import { mapLimit, parallel } from '../../util/concurrency.ts';
import { ItemError } from '../../util/errors.ts';
import type { Space } from '../../util/files/disk.ts';
import { shown } from '../../util/text/names.ts';
import { iso } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import { type Fetching, fetchBytes } from '../tools/http/fetch.ts';
import { WebFailure } from '../tools/http/web.ts';
import { notArrived, receive, summing } from '../tools/local.ts';
import { errorOf, means, RemoteFailure } from '../tools/meaning.ts';
import { sumLimit, sumsAtOnce } from '../tools/sums.ts';
import sums from '../tools/workersums.sh';
import type { WebdavClient } from './client.ts';
import { Folders } from './folders.ts';
import { ASK_SPACE, adlerOf, type Resource, spaceOf } from './properties.ts';
import { type Settled, settle } from './settled.ts';
import { upload } from './upload.ts';
import script from './worker.sh';

/** Questions at once. */
const AT_ONCE = 16;
/** Small files that may be given at once. */
const TOGETHER = 8;

/**
 * Options: docs/storage.md.
 * @throws ConfigError for an address or options that are wrong. The server is asked when it is first used.
 */
export async function open(settings: StorageSettings): Promise<Storage> {
  const { client, settled } = settle(settings);
  return new WebdavStorage(settings, client, settled);
}

class WebdavStorage implements Storage {
  readonly name: string;
  readonly capabilities: Capabilities;
  readonly worker: WorkerSide;
  readonly #client: WebdavClient;
  readonly #settled: Settled;
  readonly #folders: Folders;
  readonly #sums = sumsAtOnce();

  constructor({ name, tape }: StorageSettings, client: WebdavClient, settled: Settled) {
    this.name = name;
    this.#client = client;
    this.#settled = settled;
    this.#folders = new Folders(client);
    this.worker = { script: sums + script, url: (path) => client.url(path) };
    this.capabilities = {
      thirdParty: false,
      tape,
      checksums: ['adler32'],
      rename: true,
      confirms: true,
      ranges: true,
      batch: TOGETHER,
    };
  }

  async stat(paths: readonly string[]): Promise<Map<string, Stat>> {
    const found = new Map<string, Stat>();
    const one = async (path: string) => [path, await this.#meant(path, () => this.#file(path))] as const;
    for await (const [path, file] of parallel(paths, AT_ONCE, one))
      if (file) found.set(path, { size: file.size, modified: iso(file.modified) });
    if (found.size < paths.length) await this.#checkRoot();
    return found;
  }

  /** What is at a path; `undefined`: nothing is. @throws RemoteFailure (folder) */
  async #file(path: string): Promise<Resource | undefined> {
    const found = await this.#folders.look(path);
    if (found?.folder) throw new RemoteFailure('folder', '');
    return found;
  }

  async #existing(path: string): Promise<Resource> {
    const found = await this.#file(path);
    if (found) return found;
    throw new RemoteFailure('missing', '');
  }

  /** Everything is missing where the folder is: that is the site's fault, not the files'. @throws UnreachableError */
  async #checkRoot(): Promise<void> {
    const root = await this.#meant('', () => this.#folders.look(''));
    if (root?.folder) return;
    const folder = this.url('');
    const failure = new RemoteFailure('down', `folder ${folder} ${root ? 'is a file' : 'does not exist'}`);
    const hint = `if ${this.name} is new, make the folder at the server, then: dflow doctor`;
    throw errorOf(this.#client.address, failure, '', hint);
  }

  /** The server's own, where it computes one; else by reading. */
  async checksum(path: string, also: { readonly md5?: boolean } = {}): Promise<Checksum> {
    if (!also.md5) {
      const { size } = await this.#meant(path, () => this.#existing(path));
      const { adler32 } = await this.#meant(path, () => this.#told(path, size));
      if (adler32 !== undefined) return { adler32, size };
    }
    const taking = await summing(also);
    await this.#fetch(path, taking.sink);
    return taking.done();
  }

  /** What the server says of a file of about `size` bytes (RFC 3230); it may read the whole file for it. */
  async #told(path: string, size: number): Promise<Partial<Checksum>> {
    const ask = { method: 'HEAD', path, headers: { 'want-digest': 'adler32' }, slow: true } as const;
    const timeout = sumLimit(this.#settled.timeout, size);
    const { headers } = await this.#sums(() => this.#client.send({ ...ask, timeout }));
    const length = headers['content-length'];
    return given({ adler32: adlerOf(headers.digest), size: length === undefined ? undefined : Number(length) });
  }

  async readChecksum(path: string): Promise<Checksum> {
    const taking = await summing();
    await this.#fetch(path, taking.sink);
    return taking.done();
  }

  async read(path: string, offset: number, length: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    if (length > 0)
      await this.#fetch(path, async (chunk) => void parts.push(Buffer.from(chunk)), {}, [offset, offset + length]);
    return Buffer.concat(parts);
  }

  copyOut(path: string, local: string, options: CopyOptions = {}): Promise<Checksum> {
    return receive(local, options, (sink) => this.#fetch(path, sink, options));
  }

  #fetch(
    path: string,
    sink: Fetching['sink'],
    { signal }: CopyOptions = {},
    range?: readonly [number, number],
  ): Promise<void> {
    return this.#meant(path, async () => {
      // Servers send a page that lists a folder.
      await this.#existing(path);
      const open: Fetching['open'] = (ask) => this.#client.open({ method: 'GET', path, ...ask });
      await fetchBytes({ open, url: this.#client.url(''), limit: (bytes) => this.#limit(bytes), sink, range, signal });
    });
  }

  async copyIn(local: string, path: string, options: CopyOptions = {}): Promise<Checksum> {
    this.#client.url(path);
    let sum: Checksum | undefined;
    try {
      await this.#folders.make(folderOf(path));
      sum = await this.#put(local, path, options);
      if (options.expect && !isSame(sum, options.expect)) {
        await this.remove([path]);
        return sum;
      }
      await this.#prove(path, sum);
      return sum;
    } catch (error) {
      await this.remove([path]).catch(() => undefined);
      const meant = error instanceof RemoteFailure ? this.#error(error, path) : error;
      if (!sum) throw meant;
      return notArrived(local, sum, options, error, meant);
    }
  }

  /** A folder that was there may be gone: made again, once. */
  async #put(local: string, path: string, options: CopyOptions): Promise<Checksum> {
    const limits = { ...options, limit: (bytes: number) => this.#limit(bytes) };
    try {
      return await upload(this.#client, local, path, limits);
    } catch (error) {
      if (!means(error, 'missing')) throw error;
      await this.#folders.make(folderOf(path), true);
      return upload(this.#client, local, path, limits);
    }
  }

  /** @throws RemoteFailure (corrupt) other bytes are there than were sent */
  async #prove(path: string, sent: Checksum): Promise<void> {
    const told = await this.#told(path, sent.size);
    const isWhole = told.size === undefined || told.size === sent.size;
    const stored = told.adler32 === undefined && isWhole ? await this.readChecksum(path) : { size: sent.size, ...told };
    if (stored.adler32 === sent.adler32 && stored.size === sent.size) return;
    throw new RemoteFailure('corrupt', `${stored.size} bytes with adler32 ${stored.adler32 ?? 'unknown'} are there`);
  }

  async rename(from: string, to: string): Promise<void> {
    this.#client.url(to);
    await this.#meant(from, async () => {
      // A source that is missing must not leave a new folder.
      await this.#existing(from);
      await this.#folders.make(folderOf(to));
      await this.#move(from, to).catch(async (error: unknown) => {
        if (!means(error, 'missing')) throw error;
        await this.#folders.make(folderOf(to), true);
        await this.#move(from, to);
      });
    });
  }

  async #move(from: string, to: string): Promise<void> {
    const headers = { destination: this.#client.url(to), overwrite: 'T' };
    await this.#client.send({ method: 'MOVE', path: from, headers, slow: true });
  }

  /** Looked at before: a server removes a folder with all that is in it. */
  async remove(paths: readonly string[]): Promise<void> {
    for (const path of paths) this.#client.url(path);
    await mapLimit(paths, AT_ONCE, (path) =>
      this.#meant(path, async () => {
        if (!(await this.#file(path))) return;
        await this.#client.send({ method: 'DELETE', path }).catch((error: unknown) => {
          if (!means(error, 'missing')) throw error;
        });
      }),
    );
  }

  async *list(prefix: string, unreadable?: (path: string, why: ItemError) => void): AsyncGenerator<Entry, void, void> {
    const folder = prefix.replace(/\/+$/, '');
    let first: ItemError | undefined;
    const told = (path: string, why: ItemError): void => {
      if (unreadable) unreadable(path, why);
      else first ??= why;
    };
    if (!(await this.#meant(prefix, () => this.#folders.look(folder)))) return this.#checkRoot();
    const waiting = [folder];
    for (let some = waiting.splice(0, AT_ONCE); some.length > 0; some = waiting.splice(0, AT_ONCE)) {
      for await (const { path, below, why } of parallel(some, AT_ONCE, (one) => this.#below(one))) {
        if (why) told(path, why);
        for (const resource of below) {
          if (resource.folder) waiting.push(resource.path);
          else yield entryOf(resource);
        }
      }
    }
    if (first) throw first;
  }

  /** What a folder has in it, or why that cannot be told. One that went meanwhile has nothing. */
  async #below(path: string): Promise<{ path: string; below: readonly Resource[]; why?: ItemError }> {
    try {
      return { path, below: (await this.#meant(path, () => this.#folders.list(path))) ?? [] };
    } catch (error) {
      if (!(error instanceof ItemError)) throw error;
      return { path, below: [], why: error };
    }
  }

  /** What the server says of its quota (RFC 4331); many say nothing. */
  async space(): Promise<Space | undefined> {
    await this.#checkRoot();
    const ask = { method: 'PROPFIND', path: '', folder: true, headers: { depth: '0' }, body: ASK_SPACE } as const;
    return this.#meant('', async () => spaceOf((await this.#client.send(ask)).text));
  }

  url(path: string): string {
    this.#client.url(path);
    return this.#client.address.shownUrl(path);
  }

  localPath(): undefined {
    return undefined;
  }

  #limit(bytes: number): number {
    return 2 * this.#settled.timeout + (bytes / this.#settled.slowest) * 1000;
  }

  #error(failure: RemoteFailure, path: string): Error {
    return errorOf(this.#client.address, failure, path, failure instanceof WebFailure ? failure.hint : undefined);
  }

  async #meant<T>(path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw error instanceof RemoteFailure ? this.#error(error, path) : error;
    }
  }
}

const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));
const isSame = (one: Checksum, other: Checksum): boolean => one.adler32 === other.adler32 && one.size === other.size;

function entryOf({ path, raw, size, modified }: Resource): Entry {
  const entry = { path, size, modified: iso(modified) };
  return raw ? { ...entry, path: shown(path), raw: true } : entry;
}

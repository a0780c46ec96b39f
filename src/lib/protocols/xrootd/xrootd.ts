// A storage element behind an XRootD server, by xrdcp and xrdfs. A file counts as copied only when the server's own
// checksum of what it stored is the one that was sent. Knows paths below its folder and nothing of runs or documents.

import type { StorageSettings } from '../../domain/settings.ts';
import type { Capabilities, Checksum, CopyOptions, Entry, Stat, Storage, WorkerSide } from '../../storage.ts';
import { mapLimit, parallel } from '../../util/concurrency.ts';
import { requireBelow } from '../../util/files/below.ts';
import type { Space } from '../../util/files/disk.ts';
import { MINUTE } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import { Address } from '../tools/address.ts';
import { notArrived, readLocal, receive, signalOf, summing, wholly, withLinks } from '../tools/local.ts';
import { errorOf, means, RemoteFailure, throughHere } from '../tools/meaning.ts';
import { checkOptions } from '../tools/options.ts';
import limits from '../tools/xrdlimits.sh';
import { about } from './about.ts';
import { folderOf, SMALL } from './many.ts';
import { parseLine, parseSpace, parseStat } from './meaning.ts';
import { Server, type Settled, TOGETHER } from './server.ts';
import script from './worker.sh';

const OPTIONS = { timeout: 'time', slowest: 'count', streams: 'count', posc: 'flag', bindings: 'flag' } as const;
/** Questions at once; a session takes many, one after the other. */
const AT_ONCE = 128;
/** Milliseconds for which the folder that was there is taken to be there. */
const ROOT_SEEN = 5000;

/**
 * Options: `timeout` (for one question, 60s), `slowest` (kB/s below which a copy is given up, 256), `streams`
 * (TCP streams a file), `posc: false` for a server without persist-on-successful-close, `bindings: false` for small
 * files by xrdcp and xrdfs though there are XRootD's Python bindings.
 * @throws ConfigError for an address or options that are wrong. The server is asked when it is first used.
 */
export async function open(settings: StorageSettings): Promise<Storage> {
  const options = checkOptions(settings, OPTIONS);
  return new XrootdStorage(settings, new Address(settings.name, settings.url, about.schemes), {
    timeout: options.timeout ?? MINUTE,
    slowest: (options.slowest ?? 256) * 1024,
    streams: options.streams ?? 1,
    posc: options.posc ?? true,
    bindings: options.bindings ?? true,
  });
}

export class XrootdStorage implements Storage {
  readonly name: string;
  readonly capabilities: Capabilities;
  readonly address: Address;
  readonly #settled: Settled;
  readonly #server: Server;
  readonly worker: WorkerSide;
  #rootSeen = -Infinity;

  constructor({ name, tape }: StorageSettings, address: Address, settled: Settled) {
    this.name = name;
    this.address = address;
    this.#settled = settled;
    this.#server = new Server(address, settled);
    this.worker = {
      script: limits + script,
      url: (path) => `${address.scheme}://${address.host}/${address.inside(path)}`,
      ...(settled.posc && { option: '--posc' }),
    };
    this.capabilities = {
      thirdParty: true,
      tape,
      checksums: ['adler32', 'md5'],
      rename: true,
      confirms: true,
      batch: TOGETHER,
    };
  }

  async stat(paths: readonly string[]): Promise<Map<string, Stat>> {
    const found = new Map<string, Stat>();
    for await (const [path, one] of parallel(
      paths,
      AT_ONCE,
      async (path) => [path, await this.#statOne(path)] as const,
    )) {
      if (one) found.set(path, one);
    }
    if (found.size < paths.length) await this.#checkRoot();
    return found;
  }

  async there(paths: readonly string[], beside?: string): Promise<Set<string>> {
    const written = beside === undefined ? {} : { written: this.address.inside(beside) };
    const one = async (path: string): Promise<string[]> => {
      const asked = { serverPath: this.address.inside(path), ...written };
      return (await this.#server.isThere(asked).catch(this.#throws(path))) ? [path] : [];
    };
    const found = new Set((await Promise.all(paths.map(one))).flat());
    if (found.size < paths.length) await this.#checkRoot();
    return found;
  }

  async #statOne(path: string): Promise<Stat | undefined> {
    try {
      const answer = await this.#server.ask(['stat'], [this.address.inside(path)], { orMissing: true });
      if (answer === '') return undefined;
      const one = parseStat(answer);
      if (!one) throw new RemoteFailure('failed', 'xrdfs stat printed no size');
      if (one.folder) throw new RemoteFailure('folder', '');
      return { size: one.size, modified: one.modified };
    } catch (error) {
      throw this.#meant(error, path);
    }
  }

  /** Everything is missing where the folder is: that is the site's fault, not the files'. @throws UnreachableError */
  async #checkRoot(): Promise<void> {
    if (performance.now() < this.#rootSeen + ROOT_SEEN) return;
    const folder = this.address.inside('');
    await this.#server.ask(['stat'], [folder]).catch((error: unknown) => {
      if (!means(error, 'missing')) throw this.#meant(error, '');
      const hint = `if ${this.name} is new: xrdfs ${this.address.host} mkdir -p ${folder}`;
      throw errorOf(this.address, new RemoteFailure('down', `folder ${folder} does not exist`), '', hint);
    });
    this.#rootSeen = performance.now();
  }

  /** The server's own; it may remember it by name and mtime. */
  async checksum(path: string, also: { readonly md5?: boolean } = {}): Promise<Checksum> {
    try {
      const serverPath = this.address.inside(path);
      const stat = parseStat(await this.#server.ask(['stat'], [serverPath]));
      if (!stat) throw new RemoteFailure('failed', 'xrdfs stat printed no size');
      const { size } = stat;
      const [adler32, md5] = await Promise.all([
        this.#server.query(serverPath, 'adler32', size),
        also.md5 ? this.#server.query(serverPath, 'md5', size) : undefined,
      ]);
      return { adler32, size, ...given({ md5 }) };
    } catch (error) {
      throw this.#meant(error, path);
    }
  }

  async readChecksum(path: string): Promise<Checksum> {
    const small = await this.#server.readSmall(this.address.inside(path)).catch(this.#throws(path));
    if (small) return small;
    const taking = await summing();
    await this.#fetch(path, taking.sink);
    return taking.done();
  }

  /** The bytes before `offset` are fetched, too: the tools know no other way. */
  async read(path: string, offset: number, length: number): Promise<Buffer> {
    const enough = new AbortController();
    const parts: Buffer[] = [];
    let at = 0;
    const sink = async (chunk: Buffer): Promise<void> => {
      parts.push(Buffer.from(chunk.subarray(Math.max(0, offset - at), Math.max(0, offset + length - at))));
      at += chunk.length;
      if (at >= offset + length) enough.abort(enough);
    };
    await this.#fetch(path, sink, { signal: enough.signal }).catch((error: unknown) => {
      if (error !== enough) throw error;
    });
    return Buffer.concat(parts);
  }

  async copyOut(path: string, local: string, options: CopyOptions = {}): Promise<Checksum> {
    return receive(local, options, (sink) => this.#fetch(path, sink, options));
  }

  /** The file's bytes through xrdcp's stdout. */
  async #fetch(path: string, sink: (chunk: Buffer) => Promise<void>, options: CopyOptions = {}): Promise<void> {
    try {
      const serverPath = this.address.inside(path);
      const { size = 0, folder } = parseStat(await this.#server.ask(['stat'], [serverPath])) ?? {};
      if (folder) throw new RemoteFailure('folder', '');
      const args = ['--silent', this.#server.url(serverPath), '-'];
      const limits = { timeout: this.#server.limit(size), ...signalOf(options) };
      await wholly(size, sink, async (counted) => {
        await this.#server.tool('xrdcp', args, { sink: counted, ...limits });
      });
    } catch (error) {
      throw this.#meant(error, path);
    }
  }

  async copyIn(local: string, path: string, options: CopyOptions = {}): Promise<Checksum> {
    const serverPath = this.address.inside(path);
    await requireBelow(local, options.below);
    const expected = options.expect ?? (await readLocal(local, options));
    try {
      const arrived =
        expected.size <= SMALL &&
        this.address.query === '' &&
        (await this.#server.together(local, serverPath, expected, options));
      // Servers know files by name and second: what replaces another within it would be taken for that one.
      if (!arrived) await this.#server.removePath(serverPath);
      if (!arrived)
        await withLinks([{ name: 'source', local }], (folder) =>
          this.#server.put(`${folder}/source`, serverPath, expected, options),
        );
      options.signal?.throwIfAborted();
    } catch (error) {
      await this.#server.discard(serverPath);
      return notArrived(local, expected, options, error, this.#meant(error, path));
    }
    if (options.expect) options.progress?.(expected.size);
    return expected;
  }

  async copyFrom(
    source: Storage,
    from: string,
    path: string,
    options: CopyOptions & { readonly expect: Checksum },
  ): Promise<boolean> {
    if (!(source instanceof XrootdStorage)) return false;
    const serverPath = this.address.inside(path);
    try {
      await this.#server.put(source.#server.url(source.address.inside(from)), serverPath, options.expect, options, [
        '--tpc',
        'only',
      ]);
      options.progress?.(options.expect.size);
      return true;
    } catch (error) {
      // A third-party copy that is cut off leaves what it has written, whatever was asked for.
      await this.#server.discard(serverPath);
      return throughHere(error, this.#meant(error, path));
    }
  }

  async rename(from: string, to: string): Promise<void> {
    const target = this.address.inside(to);
    try {
      const source = this.address.inside(from);
      if (!this.#server.hasFolder(folderOf(target))) {
        await this.#server.ask(['stat'], [source]);
        await this.#server.makeFolder(folderOf(target));
      }
      await this.#server.move(source, target);
    } catch (error) {
      throw this.#meant(error, from);
    }
  }

  async remove(paths: readonly string[]): Promise<void> {
    const asked = paths.map((path) => [this.address.inside(path), path] as const);
    await mapLimit(asked, AT_ONCE, ([at, path]) => this.#server.removePath(at).catch(this.#throws(path)));
  }

  async removeEmptyFolder(path: string): Promise<void> {
    await this.#server.removeFolder(this.address.inside(path)).catch(this.#throws(path));
  }

  async *list(prefix: string): AsyncGenerator<Entry, void, void> {
    const folder = this.address.inside(prefix.replace(/\/+$/, ''));
    // Bytes of names may be cut anywhere between two chunks.
    const parts: Buffer[] = [];
    const sink = async (chunk: Buffer): Promise<void> => void parts.push(Buffer.from(chunk));
    const args = [`${this.address.scheme}://${this.address.authority}/`, 'ls', '-l', '-R', folder];
    try {
      await this.#server.tool('xrdfs', args, { sink, timeout: 10 * this.#settled.timeout });
    } catch (error) {
      if (!means(error, 'missing')) throw this.#meant(error, prefix);
      await this.#checkRoot();
      return;
    }
    for (const line of Buffer.concat(parts).toString().split('\n')) {
      const found = parseLine(line);
      if (found) yield { path: this.address.below(found.path), size: found.size, modified: found.modified };
    }
  }

  async space(): Promise<Space | undefined> {
    await this.#checkRoot(); // Of a folder that is not there servers tell any number (5.5: what their memory holds).
    try {
      return parseSpace(await this.#server.ask(['query', 'space'], [this.address.inside('')]));
    } catch (error) {
      if (means(error, 'unable') || means(error, 'failed')) return undefined; // A redirector has no space of its own.
      throw this.#meant(error, '');
    }
  }

  url(path: string): string {
    this.address.inside(path);
    return this.address.shownUrl(path);
  }

  localPath(): undefined {
    return undefined;
  }

  #meant(error: unknown, path: string): unknown {
    return error instanceof RemoteFailure ? errorOf(this.address, error, path) : error;
  }

  #throws(path: string): (error: unknown) => never {
    return (error) => {
      throw this.#meant(error, path);
    };
  }
}

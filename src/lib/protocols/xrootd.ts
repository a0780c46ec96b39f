// A storage element behind an XRootD server, by xrdcp and xrdfs. A file counts as copied only when the server's own
// checksum of what it stored is the one that was sent. Knows paths below its folder and nothing of runs or documents.
import type { StorageSettings } from '../domain/settings.ts';
import type { Capabilities, Checksum, CopyOptions, Entry, Stat, Storage } from '../storage.ts';
import { mapLimit, parallel } from '../util/concurrency.ts';
import { groupBy } from '../util/group.ts';
import { Address } from './tools/address.ts';
import { blame, readLocal, receive, summing, withLinks } from './tools/local.ts';
import { errorOf, RemoteFailure } from './tools/meaning.ts';
import { checkOptions } from './tools/options.ts';
import { Gathering, RUNS } from './xrootd/batch.ts';
import { parseChecksum, parseLine, parseStat } from './xrootd/meaning.ts';
import { Sessions } from './xrootd/session.ts';

const OPTIONS = { timeout: 'count', slowest: 'count', streams: 'count', posc: 'flag' } as const;
/** Questions at once; a session takes many, one after the other. */
const AT_ONCE = 128;
/** Bytes up to which a file is copied together with others. */
const SMALL = 8 * 2 ** 20;
const BATCH = 256;
/** Milliseconds for which the folder that was there is taken to be there. */
const ROOT_SEEN = 5000;
/** Copies at once in one xrdcp. */
const PARALLEL = 4;

/**
 * Options: `timeout` (seconds for one question, 60), `slowest` (kB/s below which a copy is given up, 256), `streams`
 * (TCP streams a file), `posc: false` for a server without persist-on-successful-close.
 * @throws ConfigError for an address or options that are wrong. The server is asked when it is first used.
 */
export async function open(settings: StorageSettings): Promise<Storage> {
  const options = checkOptions(settings, OPTIONS);
  return new XrootdStorage(settings, new Address(settings.name, settings.url, ['root', 'roots', 'xroot', 'xroots']), {
    timeout: (options.timeout ?? 60) * 1000,
    slowest: (options.slowest ?? 256) * 1024,
    streams: options.streams ?? 1,
    posc: options.posc ?? true,
  });
}

interface Settled {
  readonly timeout: number;
  readonly slowest: number;
  readonly streams: number;
  readonly posc: boolean;
}

interface Small extends Pick<CopyOptions, 'pace'> {
  readonly local: string;
  readonly serverPath: string;
}

export class XrootdStorage implements Storage {
  readonly name: string;
  readonly capabilities: Capabilities;
  readonly address: Address;
  readonly #settled: Settled;
  readonly #server: Sessions;
  readonly #folders = new Set<string>();
  #rootSeen = -Infinity;
  readonly #small = new Gathering<Small>(BATCH, (items) => this.#copyTogether(items));

  constructor({ name, tape }: StorageSettings, address: Address, settled: Settled) {
    this.name = name;
    this.address = address;
    this.#settled = settled;
    this.#server = new Sessions(address, settled.timeout);
    this.capabilities = {
      thirdParty: true,
      tape,
      checksums: ['adler32', 'md5'],
      rename: true,
      confirms: true,
      batch: RUNS * BATCH,
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

  async #statOne(path: string): Promise<Stat | undefined> {
    try {
      const answer = await this.#server.ask(['stat'], [this.address.inside(path)], { orMissing: true });
      if (answer === '') return undefined;
      const one = parseStat(answer);
      if (!one) throw new RemoteFailure('failed', 'xrdfs stat printed no size');
      if (one.folder) throw new RemoteFailure('folder', '');
      return { size: one.size, modified: one.modified };
    } catch (error) {
      if (error instanceof RemoteFailure && error.meaning === 'missing') return undefined;
      throw this.#meant(error, path);
    }
  }

  /** Everything is missing where the folder is: that is the site's fault, not the files'. @throws UnreachableError */
  async #checkRoot(): Promise<void> {
    if (performance.now() < this.#rootSeen + ROOT_SEEN) return;
    const folder = this.address.inside('');
    await this.#server.ask(['stat'], [folder]).catch((error: unknown) => {
      if (!(error instanceof RemoteFailure) || error.meaning !== 'missing') throw this.#meant(error, '');
      const hint = `if ${this.name} is new: xrdfs ${this.address.host} mkdir -p ${folder}`;
      throw errorOf(this.address, new RemoteFailure('down', `folder ${folder} does not exist`), '', hint);
    });
    this.#rootSeen = performance.now();
  }

  /** The server's own; it may remember it by name and mtime. */
  async checksum(path: string, also: { readonly md5?: boolean } = {}): Promise<Checksum> {
    try {
      const serverPath = this.address.inside(path);
      const [adler32, stat, md5] = await Promise.all([
        this.#query(serverPath, 'adler32', true),
        this.#server.ask(['stat'], [serverPath]).then(parseStat),
        also.md5 ? this.#query(serverPath, 'md5', true) : undefined,
      ]);
      if (!stat) throw new RemoteFailure('failed', 'xrdfs stat printed no size');
      return { adler32, size: stat.size, ...(md5 === undefined ? {} : { md5 }) };
    } catch (error) {
      throw this.#meant(error, path);
    }
  }

  /** `slow`: of a file that may be large. */
  async #query(serverPath: string, type: 'adler32' | 'md5', slow: boolean): Promise<string> {
    // The default type is not asked for by name: servers before 5.0 do not know how to choose.
    const cgi = type === 'md5' ? 'cks.type=md5' : '';
    const answer = await this.#server.ask(['query', 'checksum'], [serverPath], { cgi, slow });
    const hex = parseChecksum(answer, type);
    if (hex === undefined) throw new RemoteFailure('unable', `the server answers no ${type} checksum`);
    return hex;
  }

  async readChecksum(path: string): Promise<Checksum> {
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
      const stat = parseStat(await this.#server.ask(['stat'], [serverPath]));
      if (stat?.folder) throw new RemoteFailure('folder', '');
      const size = stat?.size ?? 0;
      let taken = 0;
      const counted = (chunk: Buffer): Promise<void> => {
        taken += chunk.length;
        return sink(chunk);
      };
      const args = ['--silent', this.#server.url(serverPath), '-'];
      await this.#server.tool('xrdcp', args, { timeout: this.#limit(size), sink: counted, ...signalOf(options) });
      if (taken !== size) throw new RemoteFailure('busy', `${taken} of ${size} bytes came`);
    } catch (error) {
      throw this.#meant(error, path);
    }
  }

  async copyIn(local: string, path: string, options: CopyOptions = {}): Promise<Checksum> {
    const serverPath = this.address.inside(path);
    const expected = options.expect ?? (await readLocal(local, options));
    try {
      const arrived =
        expected.size <= SMALL &&
        this.address.query === '' &&
        (await this.#together(local, serverPath, expected, options));
      // Servers know files by name and second: what replaces another within it would be taken for that one.
      if (!arrived) await this.#removePath(serverPath);
      if (!arrived)
        await withLinks([{ name: 'source', local }], (folder) =>
          this.#put(`${folder}/source`, serverPath, expected, options),
        );
      options.signal?.throwIfAborted();
    } catch (error) {
      await this.#discard(serverPath);
      if (isCorrupt(error)) return blame(local, expected, options, this.#meant(error, path));
      // A source that is gone is not this element's fault.
      if (error instanceof RemoteFailure && error.meaning !== 'down') await readLocal(local);
      throw this.#meant(error, path);
    }
    if (options.expect) options.progress?.(expected.size);
    return expected;
  }

  /** xrdcp from any source to a path here, the server's checksum compared with `expected`. @throws RemoteFailure */
  async #put(
    source: string,
    serverPath: string,
    expected: Checksum,
    options: CopyOptions,
    extra: readonly string[] = [],
  ) {
    const { posc, streams } = this.#settled;
    const args = ['--silent', '--force', ...extra, ...(posc ? ['--posc'] : [])];
    if (streams > 1) args.push('--streams', String(streams));
    args.push(...rateOf(options.pace, options.pace?.ways));
    args.push('--cksum', `adler32:${expected.adler32}`, '--rm-bad-cksum', source, this.#server.url(serverPath));
    await this.#server.tool('xrdcp', args, { timeout: this.#limit(expected.size), ...signalOf(options) });
    await this.#confirm(serverPath, expected);
  }

  /** xrdcp compares no checksum of an empty file, and none in a batch. @throws RemoteFailure */
  async #confirm(serverPath: string, expected: Checksum): Promise<void> {
    const found = await this.#query(serverPath, 'adler32', expected.size > SMALL);
    const text = `the server has adler32 ${found}, ${expected.adler32} was sent`;
    if (found !== expected.adler32) throw new RemoteFailure('corrupt', text);
  }

  /** Copies with others; `false` when it did not arrive so and is to be tried by itself, which says why. */
  async #together(local: string, serverPath: string, expected: Checksum, options: CopyOptions): Promise<boolean> {
    const { signal, pace } = options;
    signal?.throwIfAborted();
    try {
      await this.#small.add({ local, serverPath, ...(pace ? { pace } : {}) });
      await this.#confirm(serverPath, expected);
      return true;
    } catch (error) {
      if (!(error instanceof RemoteFailure)) throw error;
      // A server that is down is not waited for once more by each file.
      if (error.meaning === 'down' || error.meaning === 'credentials') throw error;
      return false;
    }
  }

  async #copyTogether(items: readonly Small[]): Promise<void> {
    for (const [folder, files] of groupBy(items, ({ serverPath }) => folderOf(serverPath))) {
      await this.#makeFolder(folder);
      const links = files.map(({ local, serverPath }) => ({ name: serverPath.slice(folder.length + 1), local }));
      await withLinks(links, async (from) => {
        const sources = links.map(({ name }) => `${from}/${name}`);
        // Not forced: what is there already is replaced by itself, and not while others are copied.
        // Nor persistent only when closed: each of them costs the server a note on its disk, and what is left of one that
        // was cut off has a temporary name, by which the next attempt knows it.
        const args = ['--silent', '--parallel', String(PARALLEL)];
        args.push(...rateOf(files[0]?.pace, RUNS * PARALLEL));
        const timeout = this.#limit(files.length * SMALL);
        await this.#server.tool('xrdcp', [...args, ...sources, this.#server.url(`${folder}/`)], { timeout });
      });
    }
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
      await this.#put(source.#server.url(source.address.inside(from)), serverPath, options.expect, options, [
        '--tpc',
        'only',
      ]);
      options.progress?.(options.expect.size);
      return true;
    } catch (error) {
      // A third-party copy that is cut off leaves what it has written, whatever was asked for.
      await this.#discard(serverPath);
      if (!(error instanceof RemoteFailure)) throw error;
      if (error.meaning === 'credentials' || error.meaning === 'full') throw this.#meant(error, path);
      // Whether the way, the source or this end is to blame shows on the way through this machine.
      return false;
    }
  }

  async rename(from: string, to: string): Promise<void> {
    const target = this.address.inside(to);
    try {
      const source = this.address.inside(from);
      const known = this.#folders.has(folderOf(target));
      if (!known) {
        await this.#server.ask(['stat'], [source]);
        await this.#makeFolder(folderOf(target));
      }
      await this.#server.ask(['mv'], [source, target]);
    } catch (error) {
      throw this.#meant(error, from);
    }
  }

  async #makeFolder(folder: string): Promise<void> {
    if (folder === '' || this.#folders.has(folder)) return;
    await this.#server.ask(['mkdir', '-p'], [folder]).catch(async (error: unknown) => {
      // Servers refuse a folder that is there with another mode than the one they would give it.
      const there = await this.#server.ask(['stat'], [folder]).then(parseStat, () => undefined);
      if (!there?.folder) throw error;
    });
    this.#folders.add(folder);
  }

  async remove(paths: readonly string[]): Promise<void> {
    const serverPaths = paths.map((path) => this.address.inside(path));
    await mapLimit(serverPaths.keys(), AT_ONCE, (index) =>
      this.#removePath(serverPaths[index]!).catch((error: unknown) => {
        throw this.#meant(error, paths[index]!);
      }),
    );
  }

  async #removePath(serverPath: string): Promise<void> {
    await this.#server.ask(['rm'], [serverPath]).catch((error: unknown) => {
      if (!(error instanceof RemoteFailure) || error.meaning !== 'missing') throw error;
    });
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
      if (!(error instanceof RemoteFailure) || error.meaning !== 'missing') throw this.#meant(error, prefix);
      await this.#checkRoot();
      return;
    }
    for (const line of Buffer.concat(parts).toString().split('\n')) {
      const found = parseLine(line);
      if (found) yield { path: this.address.below(found.path), size: found.size, modified: found.modified };
    }
  }

  url(path: string): string {
    this.address.inside(path);
    return this.address.shownUrl(path);
  }

  toolUrl(path: string): string {
    return `${this.address.scheme}://${this.address.host}/${this.address.inside(path)}`;
  }

  localPath(): undefined {
    return undefined;
  }

  /** Best effort: what a failed copy left. */
  async #discard(serverPath: string): Promise<void> {
    await this.#removePath(serverPath).catch(() => undefined);
  }

  #limit(bytes: number): number {
    return 2 * this.#settled.timeout + (bytes / this.#settled.slowest) * 1000;
  }

  #meant(error: unknown, path: string): unknown {
    return error instanceof RemoteFailure ? errorOf(this.address, error, path) : error;
  }
}

/** xrdcp limits each file for itself: a share of the whole. */
function rateOf(pace: CopyOptions['pace'], ways = 1): string[] {
  return pace ? ['--xrate', String(Math.max(1024, Math.floor(pace.rate / ways)))] : [];
}

function isCorrupt(error: unknown): boolean {
  return error instanceof RemoteFailure && error.meaning === 'corrupt';
}

function signalOf({ signal }: CopyOptions): { signal?: AbortSignal } {
  return signal ? { signal } : {};
}

function folderOf(serverPath: string): string {
  return serverPath.slice(0, serverPath.lastIndexOf('/'));
}

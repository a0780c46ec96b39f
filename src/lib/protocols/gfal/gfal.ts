// A storage element by gfal2: davs, https, root, gsiftp, srm. A file counts as copied only when the server's own checksum
// of what it stored is the one that was sent. Knows paths below its folder and nothing of runs or documents.

import type { StorageSettings } from '../../domain/settings.ts';
import type { Capabilities, Checksum, CopyOptions, Entry, Stat, Storage, WorkerSide } from '../../storage.ts';
import { requireBelow } from '../../util/files/below.ts';
import type { Space } from '../../util/files/disk.ts';
import { HOUR, iso, MINUTE, SECOND } from '../../util/time.ts';
import { field } from '../../util/values/field.ts';
import { given } from '../../util/values/given.ts';
import { nth } from '../../util/values/have.ts';
import { notArrived, readLocal, receive, signalOf, summing, wholly, withLinks } from '../tools/local.ts';
import { errorOf, means, RemoteFailure, throughHere } from '../tools/meaning.ts';
import { checkOptions } from '../tools/options.ts';
import { sumLimit, sumsAtOnce } from '../tools/sums.ts';
import limits from '../tools/xrdlimits.sh';
import { Library } from './library.ts';
import { Locations, SCHEMES } from './locations.ts';
import { spaceIn } from './meaning.ts';
import script from './worker.sh';

const OPTIONS = { timeout: 'time', slowest: 'count', streams: 'count', stage: 'time' } as const;
const STATS_AT_ONCE = 500;

interface Settled {
  readonly timeout: number;
  readonly slowest: number;
  readonly streams: number;
  readonly stage: number;
}

/**
 * Options: `timeout` (for one question, 60s), `slowest` (kB/s below which a copy is given up, 256), `streams`
 * (TCP streams a file), `stage` (how long bringing a file from tape may take, 1h).
 * @throws ConfigError for an address or options that are wrong. The server is asked when it is first used.
 */
export async function open(settings: StorageSettings): Promise<Storage> {
  const options = checkOptions(settings, OPTIONS);
  return new GfalStorage(settings, new Locations(settings.name, settings.url, SCHEMES), {
    timeout: options.timeout ?? MINUTE,
    slowest: (options.slowest ?? 256) * 1024,
    streams: options.streams ?? 1,
    stage: options.stage ?? HOUR,
  });
}

interface StatAnswer {
  readonly size: number;
  readonly mtime: number;
  readonly folder: boolean;
}

const isStat = (answer: unknown): answer is StatAnswer => typeof field(answer, 'folder') === 'boolean';

class GfalStorage implements Storage {
  readonly name: string;
  readonly capabilities: Capabilities;
  readonly at: Locations;
  readonly worker: WorkerSide;
  readonly #settled: Settled;
  readonly #library: Library;
  readonly #folders = new Set<string>();
  readonly #sums = sumsAtOnce();

  constructor({ name, tape }: StorageSettings, at: Locations, settled: Settled) {
    this.name = name;
    this.at = at;
    this.worker = { script: limits + script, url: (path) => at.bareUrl(path) };
    this.#settled = settled;
    this.#library = new Library((text) => at.address.clean(text));
    this.capabilities = { thirdParty: true, tape, checksums: ['adler32', 'md5'], rename: true, confirms: true };
  }

  async stat(paths: readonly string[]): Promise<Map<string, Stat>> {
    const found = new Map<string, Stat>();
    for (let from = 0; from < paths.length; from += STATS_AT_ONCE) {
      const some = paths.slice(from, from + STATS_AT_ONCE);
      const answers = await this.#each('stat', some);
      for (const [index, answer] of answers.entries()) {
        const one = isStat(answer) ? answer : undefined;
        if (one?.folder) throw this.#meant(new RemoteFailure('folder', ''), nth(some, index));
        if (one) found.set(nth(some, index), { size: one.size, modified: iso(one.mtime * 1000) });
        else if (!means(answer, 'missing') && !(await this.#isBelowFile(nth(some, index), answer)))
          throw this.#meant(answer, nth(some, index));
      }
    }
    if (found.size < paths.length) await this.#checkRoot();
    return found;
  }

  /** Servers have many words for a path that goes through a file; it means that there is nothing. */
  async #isBelowFile(path: string, failure: unknown): Promise<boolean> {
    if (!(failure instanceof RemoteFailure) || !['failed', 'busy'].includes(failure.meaning)) return false;
    const parts = path.split('/');
    const parents = parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
    const answers = await this.#each('stat', parents);
    return answers.some((answer) => isStat(answer) && !answer.folder);
  }

  /** What each of many paths said when asked at once, or its failure. */
  async #each(what: 'stat' | 'rm', paths: readonly string[]): Promise<unknown[]> {
    const urls = paths.map((path) => this.at.url(path));
    if (urls.length === 0) return [];
    // At worst each of them waits until the client gives up, eight at once.
    const timeout = this.#settled.timeout * (1 + urls.length / 100);
    const { each } = await this.#ask('', { do: what, urls }, timeout);
    if (!Array.isArray(each)) throw new RemoteFailure('down', 'gfal2 answered something unexpected');
    return each.map((answer: unknown) => this.#library.failure(answer) ?? answer);
  }

  /** Everything is missing where the folder is: that is the site's fault, not the files'. @throws UnreachableError */
  async #checkRoot(): Promise<void> {
    const [answer] = await this.#each('stat', ['']);
    if (!(answer instanceof RemoteFailure)) return;
    if (!means(answer, 'missing')) throw this.#meant(answer, '');
    const folder = this.at.address.shownUrl('');
    const failure = new RemoteFailure('down', `folder ${folder} does not exist`);
    throw errorOf(this.at.address, failure, '', `if ${this.name} is new: gfal-mkdir -p ${folder}`);
  }

  /** The server's own; it may remember it by name and mtime. */
  async checksum(path: string, also: { readonly md5?: boolean } = {}): Promise<Checksum> {
    const types = also.md5 ? ['adler32', 'md5'] : ['adler32'];
    const size = (await this.stat([path])).get(path)?.size;
    if (size === undefined) throw this.#meant(new RemoteFailure('missing', ''), path);
    const question = { do: 'sum', url: this.at.url(path), types };
    const { sums } = await this.#sums(() => this.#ask(path, question, sumLimit(this.#settled.timeout, size)));
    const [adler32 = '', md5] = Array.isArray(sums) ? sums.map((sum) => String(sum).toLowerCase()) : [];
    return { adler32: adler32.padStart(8, '0'), size, ...given({ md5 }) };
  }

  async readChecksum(path: string): Promise<Checksum> {
    const taking = await summing();
    await this.#fetch(path, 0, undefined, taking.sink);
    return taking.done();
  }

  async read(path: string, offset: number, length: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    await this.#fetch(path, offset, offset + length, async (chunk) => void parts.push(Buffer.from(chunk)));
    return Buffer.concat(parts);
  }

  copyOut(path: string, local: string, options: CopyOptions = {}): Promise<Checksum> {
    return receive(local, options, (sink) => this.#fetch(path, 0, undefined, sink, options));
  }

  /** The bytes from `from` to `to`, or to the end. */
  async #fetch(
    path: string,
    from: number,
    to: number | undefined,
    sink: (chunk: Buffer) => Promise<void>,
    options: CopyOptions = {},
  ): Promise<void> {
    const url = this.at.url(path);
    try {
      await this.#stage(path);
      const [found] = await this.#each('stat', [path]);
      if (found instanceof RemoteFailure) throw found;
      if (!isStat(found)) throw new RemoteFailure('failed', 'gfal2 told no size');
      const { size, folder } = found;
      if (folder) throw new RemoteFailure('folder', '');
      const end = Math.min(size, to ?? size);
      if (from >= end) return;
      const limits = { timeout: this.#limit(end - from), ...signalOf(options) };
      await wholly(end - from, sink, (counted) => this.#library.read(url, from, end, counted, limits));
    } catch (error) {
      throw this.#meant(error, path);
    }
  }

  /** From tape to disk, before it is read; a server that knows no such thing does it at the opening. */
  async #stage(path: string): Promise<void> {
    if (!this.capabilities.tape) return;
    const { stage, timeout } = this.#settled;
    const seconds = Math.ceil(stage / SECOND);
    const question = { do: 'stage', url: this.at.url(path), timeout: seconds, pin: 2 * seconds };
    await this.#library.ask(question, { timeout: stage + timeout }).catch((error: unknown) => {
      if (!(error instanceof RemoteFailure) || error.meaning !== 'unable') throw error;
    });
  }

  async copyIn(local: string, path: string, options: CopyOptions = {}): Promise<Checksum> {
    const url = this.at.url(path);
    await requireBelow(local, options.below);
    const expected = options.expect ?? (await readLocal(local, options));
    try {
      await withLinks([{ name: 'source', local }], (folder) =>
        this.#copy(`file://${folder}/source`, url, expected, options),
      );
    } catch (error) {
      await this.#discard(path);
      return notArrived(local, expected, options, error, this.#meant(error, path));
    }
    if (options.expect) options.progress?.(expected.size);
    return expected;
  }

  async #copy(source: string, target: string, expected: Checksum, options: CopyOptions): Promise<void> {
    const limit = this.#limit(expected.size);
    const question = {
      do: 'copy',
      source,
      target,
      adler32: expected.adler32,
      streams: this.#settled.streams,
      timeout: Math.ceil(limit / 1000),
    };
    await this.#library.ask(question, { timeout: limit, ...signalOf(options) });
  }

  async copyFrom(
    source: Storage,
    from: string,
    path: string,
    options: CopyOptions & { readonly expect: Checksum },
  ): Promise<boolean> {
    if (!(source instanceof GfalStorage) || !this.at.pairs(source.at)) return false;
    try {
      await source.#stage(from);
      await this.#copy(source.at.url(from), this.at.url(path), options.expect, options);
      options.progress?.(options.expect.size);
      return true;
    } catch (error) {
      await this.#discard(path);
      return throughHere(error, this.#meant(error, path));
    }
  }

  async rename(from: string, to: string): Promise<void> {
    const folder = to.includes('/') ? to.slice(0, to.lastIndexOf('/')) : '';
    const question = { do: 'rename', ...this.at.renaming(from, to) };
    if (!this.#folders.has(folder)) {
      // A source that is missing must not leave a new folder.
      const [found] = await this.#each('stat', [from]);
      if (found instanceof RemoteFailure) throw this.#meant(found, from);
      await this.#ask(to, { do: 'mkdir', url: this.at.url(folder) });
      this.#folders.add(folder);
    }
    await this.#ask(from, question);
  }

  async remove(paths: readonly string[]): Promise<void> {
    for (const [index, answer] of (await this.#each('rm', paths)).entries()) {
      if (answer instanceof RemoteFailure && !means(answer, 'missing')) throw this.#meant(answer, nth(paths, index));
    }
  }

  async *list(prefix: string): AsyncGenerator<Entry, void, void> {
    const folder = prefix.replace(/\/+$/, '');
    const question = { do: 'list', url: this.at.url(folder), escape: this.at.escape };
    const timeout = 10 * this.#settled.timeout;
    const answer = await this.#library.ask(question, { timeout }).catch(async (error: unknown) => {
      if (!means(error, 'missing')) throw this.#meant(error, prefix);
      await this.#checkRoot();
      return { files: [] };
    });
    for (const [written, size, mtime] of answer.files as [string, number, number][]) {
      const below = this.at.read(written);
      yield { path: folder === '' ? below : `${folder}/${below}`, size, modified: iso(mtime * 1000) };
    }
  }

  /** What a WebDAV server says of its quota (RFC 4331); many say nothing. */
  async space(): Promise<Space | undefined> {
    await this.#checkRoot();
    return spaceIn(await this.#ask('', { do: 'space', url: this.at.url('') }));
  }

  url(path: string): string {
    this.at.url(path);
    return this.at.address.shownUrl(path);
  }

  localPath(): undefined {
    return undefined;
  }

  async #ask(path: string, question: Readonly<Record<string, unknown>>, timeout = this.#settled.timeout) {
    try {
      return await this.#library.ask(question, { timeout });
    } catch (error) {
      throw this.#meant(error, path);
    }
  }

  /** Best effort: what a failed copy left. */
  async #discard(path: string): Promise<void> {
    await this.#each('rm', [path]).catch(() => undefined);
  }

  #limit(bytes: number): number {
    return 2 * this.#settled.timeout + (bytes / this.#settled.slowest) * 1000;
  }

  #meant(error: unknown, path: string): unknown {
    return error instanceof RemoteFailure ? errorOf(this.at.address, error, path) : error;
  }
}

// What is done with paths of one XRootD server, besides questions: copies to it, one by one and many small ones
// together, folders, removal. Knows paths on the server, nothing of the element's folder.
import type { Checksum, CopyOptions } from '../../storage.ts';
import type { Address } from '../tools/address.ts';
import { signalOf } from '../tools/local.ts';
import { RemoteFailure } from '../tools/meaning.ts';
import { sumLimit, sumsAtOnce } from '../tools/sums.ts';
import { Gathering } from './batch.ts';
import { Bindings, NoBindingsError } from './bindings.ts';
import { ByTools, rateOf } from './bytools.ts';
import { type Asked, folderOf, type Many, RUNS, SMALL, type SmallFile } from './many.ts';
import { parseChecksum, parseStat } from './meaning.ts';
import { patientEnv, Sessions } from './session.ts';

/** Files of one batch. */
const BATCH = 128;
/** Small files that may be given to it at once: while two batches are copied, as many are asked about and renamed. */
export const TOGETHER = 2 * RUNS * BATCH;

export interface Settled {
  readonly timeout: number;
  readonly slowest: number;
  readonly streams: number;
  readonly posc: boolean;
  /** Small files by XRootD's Python bindings, where there are any. */
  readonly bindings: boolean;
}

export class Server extends Sessions {
  readonly #settled: Settled;
  readonly #folders = new Set<string>();
  readonly #tools = new ByTools(this);
  readonly #sums = sumsAtOnce();
  #bindings: Bindings | undefined;
  readonly #puts = new Gathering<SmallFile, true>({ most: BATCH, runs: RUNS }, (files) => this.#putTogether(files));
  readonly #looks = new Gathering<Asked, boolean>({ most: TOGETHER, runs: RUNS }, (asked) =>
    this.#many((many) => many.look(asked)),
  );
  readonly #reads = new Gathering<string, Checksum | undefined>({ most: BATCH, runs: RUNS }, (paths) =>
    this.#many((many) => many.read(paths)),
  );
  readonly #moves = new Gathering<readonly [string, string], true>({ most: TOGETHER, runs: RUNS }, (pairs) =>
    this.#many((many) => many.move(pairs)),
  );

  constructor(address: Address, settled: Settled) {
    super(address, settled.timeout);
    this.#settled = settled;
    if (settled.bindings) {
      const limit = (bytes: number) => this.limit(bytes);
      const path = (serverPath: string) => this.path(serverPath);
      this.#bindings = new Bindings({ address, server: this.server, path, limit, timeout: settled.timeout });
    }
  }

  async #many<R>(work: (many: Many) => Promise<R>): Promise<R> {
    if (this.#bindings) {
      try {
        return await work(this.#bindings);
      } catch (error) {
        if (!(error instanceof NoBindingsError)) throw error;
        this.#bindings = undefined;
      }
    }
    return work(this.#tools);
  }

  /** The server's checksum of a file of `size` bytes. */
  async query(serverPath: string, type: 'adler32' | 'md5', size: number): Promise<string> {
    // The default type is not asked for by name: servers before 5.0 do not know how to choose.
    const cgi = type === 'md5' ? 'cks.type=md5' : '';
    const options = { cgi, slow: size > SMALL, timeout: sumLimit(this.#settled.timeout, size) };
    const answer = await this.#sums(() => this.ask(['query', 'checksum'], [serverPath], options));
    const hex = parseChecksum(answer, type);
    if (hex === undefined) throw new RemoteFailure('unable', `the server gives no ${type} checksum`);
    return hex;
  }

  /** xrdcp from any source to a path here, the server's checksum compared with `expected`. @throws RemoteFailure */
  async put(
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
    args.push('--cksum', `adler32:${expected.adler32}`, '--rm-bad-cksum', source, this.url(serverPath));
    const env = patientEnv(sumLimit(this.#settled.timeout, expected.size));
    await this.tool('xrdcp', args, { timeout: this.limit(expected.size), env, ...signalOf(options) });
    // xrdcp compares no checksum of an empty file.
    await this.confirm(serverPath, expected);
  }

  /** @throws RemoteFailure */
  async confirm(serverPath: string, expected: Checksum): Promise<void> {
    const found = await this.query(serverPath, 'adler32', expected.size);
    const text = `the server has adler32 ${found}, ${expected.adler32} was sent`;
    if (found !== expected.adler32) throw new RemoteFailure('corrupt', text);
  }

  /** Copies with others; `false` when it did not arrive so and is to be tried by itself, which says why. */
  async together(local: string, serverPath: string, expected: Checksum, options: CopyOptions): Promise<boolean> {
    const { signal, pace } = options;
    signal?.throwIfAborted();
    try {
      return await this.#puts.add({ local, serverPath, expected, ...(pace ? { pace } : {}) });
    } catch (error) {
      if (!(error instanceof RemoteFailure)) throw error;
      // A server that is down is not waited for once more by each file.
      if (error.meaning === 'down' || error.meaning === 'credentials') throw error;
      return false;
    }
  }

  async #putTogether(files: readonly SmallFile[]) {
    const folders = new Set(files.map(({ serverPath }) => folderOf(serverPath)));
    for (const folder of folders) await this.makeFolder(folder);
    return this.#many((many) => many.put(files));
  }

  /** True when a file or a folder is there; those who ask in the same moment are answered together. @throws RemoteFailure */
  isThere(asked: Asked): Promise<boolean> {
    return this.#looks.add(asked);
  }

  /** What a small file has when it is read now; `undefined`: it is to be read by itself. @throws RemoteFailure */
  readSmall(serverPath: string): Promise<Checksum | undefined> {
    return this.#reads.add(serverPath);
  }

  /** To a folder that is there. @throws RemoteFailure */
  async move(from: string, to: string): Promise<void> {
    await this.#moves.add([from, to]);
  }

  /** It was made or found by this process. */
  hasFolder(folder: string): boolean {
    return this.#folders.has(folder);
  }

  async makeFolder(folder: string): Promise<void> {
    if (folder === '' || this.#folders.has(folder)) return;
    await this.ask(['mkdir', '-p'], [folder]).catch(async (error: unknown) => {
      // Servers refuse a folder that is there with another mode than the one they would give it.
      const there = await this.ask(['stat'], [folder]).then(parseStat, () => undefined);
      if (!there?.folder) throw error;
    });
    this.#folders.add(folder);
  }

  async removePath(serverPath: string): Promise<void> {
    await this.ask(['rm'], [serverPath]).catch((error: unknown) => {
      if (!(error instanceof RemoteFailure) || error.meaning !== 'missing') throw error;
    });
  }

  /** Only an empty one; one that holds something stays, and so does one that is not there. */
  async removeFolder(serverPath: string): Promise<void> {
    this.#folders.delete(serverPath);
    await this.ask(['rmdir'], [serverPath]).catch((error: unknown) => {
      const stays = error instanceof RemoteFailure && ['missing', 'failed', 'folder', 'busy'].includes(error.meaning);
      if (!stays) throw error;
    });
  }

  /** Best effort: what a failed copy left. */
  async discard(serverPath: string): Promise<void> {
    await this.removePath(serverPath).catch(() => undefined);
  }

  limit(bytes: number): number {
    return 2 * this.#settled.timeout + (bytes / this.#settled.slowest) * 1000;
  }
}

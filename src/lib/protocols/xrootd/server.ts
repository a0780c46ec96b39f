// What is done with paths of one XRootD server, besides questions: copies to it, one by one and many small ones
// together, folders, removal. Knows paths on the server, nothing of the element's folder.
import type { Checksum, CopyOptions } from '../../storage.ts';
import { groupBy } from '../../util/group.ts';
import type { Address } from '../tools/address.ts';
import { withLinks } from '../tools/local.ts';
import { RemoteFailure } from '../tools/meaning.ts';
import { Gathering, Meeting, RUNS } from './batch.ts';
import { parseChecksum, parseStat } from './meaning.ts';
import { Presence } from './presence.ts';
import { Sessions } from './session.ts';

/** Bytes up to which a file is copied together with others. */
export const SMALL = 8 * 2 ** 20;
/** Files of one batch. */
const BATCH = 128;
/** Small files that may be given to it at once: while two batches are copied, as many are asked about and renamed. */
export const TOGETHER = 2 * RUNS * BATCH;
/** Copies at once in one xrdcp. */
const PARALLEL = 4;

export interface Settled {
  readonly timeout: number;
  readonly slowest: number;
  readonly streams: number;
  readonly posc: boolean;
}

interface Small extends Pick<CopyOptions, 'pace'> {
  readonly local: string;
  readonly serverPath: string;
}

export class Server extends Sessions {
  readonly #settled: Settled;
  readonly #folders = new Set<string>();
  readonly #small = new Gathering<Small, Meeting>(BATCH, (items) => this.#copyTogether(items));

  readonly presence = new Presence(this);

  constructor(address: Address, settled: Settled) {
    super(address, settled.timeout);
    this.#settled = settled;
  }

  /** `slow`: of a file that may be large. */
  async query(serverPath: string, type: 'adler32' | 'md5', slow: boolean): Promise<string> {
    // The default type is not asked for by name: servers before 5.0 do not know how to choose.
    const cgi = type === 'md5' ? 'cks.type=md5' : '';
    const answer = await this.ask(['query', 'checksum'], [serverPath], { cgi, slow });
    const hex = parseChecksum(answer, type);
    if (hex === undefined) throw new RemoteFailure('unable', `the server answers no ${type} checksum`);
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
    await this.tool('xrdcp', args, { timeout: this.limit(expected.size), ...signalOf(options) });
    await this.confirm(serverPath, expected);
  }

  /** xrdcp compares no checksum of an empty file, and none in a batch. @throws RemoteFailure */
  async confirm(serverPath: string, expected: Checksum): Promise<void> {
    const found = await this.query(serverPath, 'adler32', expected.size > SMALL);
    const text = `the server has adler32 ${found}, ${expected.adler32} was sent`;
    if (found !== expected.adler32) throw new RemoteFailure('corrupt', text);
  }

  /** Copies with others; `false` when it did not arrive so and is to be tried by itself, which says why. */
  async together(local: string, serverPath: string, expected: Checksum, options: CopyOptions): Promise<boolean> {
    const { signal, pace } = options;
    signal?.throwIfAborted();
    try {
      const batch = await this.#small.add({ local, serverPath, ...(pace ? { pace } : {}) });
      // All of a batch go on together, so that one listing tells what is at their final names.
      await this.confirm(serverPath, expected).finally(() => batch.come());
      return true;
    } catch (error) {
      if (!(error instanceof RemoteFailure)) throw error;
      // A server that is down is not waited for once more by each file.
      if (error.meaning === 'down' || error.meaning === 'credentials') throw error;
      return false;
    }
  }

  async #copyTogether(items: readonly Small[]): Promise<Meeting> {
    for (const [folder, files] of groupBy(items, ({ serverPath }) => folderOf(serverPath))) {
      await this.makeFolder(folder);
      const links = files.map(({ local, serverPath }) => ({ name: serverPath.slice(folder.length + 1), local }));
      await withLinks(links, async (from) => {
        const sources = links.map(({ name }) => `${from}/${name}`);
        // Not forced: what is there already is replaced by itself, and not while others are copied.
        // Nor persistent only when closed: each of them costs the server a note on its disk, and what is left of one that
        // was cut off has a temporary name, by which the next attempt knows it.
        const args = ['--silent', '--parallel', String(PARALLEL)];
        args.push(...rateOf(files[0]?.pace, RUNS * PARALLEL));
        const timeout = this.limit(files.length * SMALL);
        await this.tool('xrdcp', [...args, ...sources, this.url(`${folder}/`)], { timeout });
      });
    }
    return new Meeting(items.length);
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

  /** Best effort: what a failed copy left. */
  async discard(serverPath: string): Promise<void> {
    await this.removePath(serverPath).catch(() => undefined);
  }

  limit(bytes: number): number {
    return 2 * this.#settled.timeout + (bytes / this.#settled.slowest) * 1000;
  }
}

/** xrdcp limits each file for itself: a share of the whole. */
function rateOf(pace: CopyOptions['pace'], ways = 1): string[] {
  return pace ? ['--xrate', String(Math.max(1024, Math.floor(pace.rate / ways)))] : [];
}

export function signalOf({ signal }: CopyOptions): { signal?: AbortSignal } {
  return signal ? { signal } : {};
}

export function folderOf(serverPath: string): string {
  return serverPath.slice(0, serverPath.lastIndexOf('/'));
}

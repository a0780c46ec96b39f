// A storage element in S3: objects of a bucket, below a prefix. An object is there only once the server has all of it and
// has compared its checksums. S3 knows no adler32: that is computed by reading. Knows paths, and nothing of runs or documents.
import type { StorageSettings } from '../../domain/settings.ts';
import type { Capabilities, Checksum, CopyOptions, Entry, Errand, Stat, Storage, WorkerSide } from '../../storage.ts';
import { parallel } from '../../util/concurrency.ts';
import { ItemError, TakenError } from '../../util/errors.ts';
import type { Space } from '../../util/files/disk.ts';
import { shown } from '../../util/text/names.ts';
import { iso } from '../../util/time.ts';
import { type Fetching, fetchBytes } from '../tools/http/fetch.ts';
import { WebFailure } from '../tools/http/web.ts';
import { readLocal, receive, summing } from '../tools/local.ts';
import { errorOf, means, RemoteFailure } from '../tools/meaning.ts';
import sums from '../tools/workersums.sh';
import { listed, takenOf } from './listing.ts';
import { AT_ONCE, copyWithin, headOf, remove, removeSame } from './objects.ts';
import type { S3Client } from './server/client.ts';
import { type Settled, settle } from './settled.ts';
import { upload } from './upload/upload.ts';
import type { Learned } from './upload/uploading.ts';
import { abortUpload, uploadsOf } from './upload/uploads.ts';
import script from './worker.sh';

/** Small files that may be given at once: each is one request. */
const TOGETHER = 32;
/** Milliseconds for which the bucket that was there is taken to be there. */
const ROOT_SEEN = 5000;

/**
 * Options: docs/storage.md.
 * @throws ConfigError for an address or options that are wrong. The server is asked when it is first used.
 */
export async function open(settings: StorageSettings): Promise<Storage> {
  const { client, settled } = settle(settings);
  return new S3Storage(settings, client, settled);
}

class S3Storage implements Storage {
  readonly name: string;
  readonly capabilities: Capabilities;
  readonly worker: WorkerSide;
  readonly #client: S3Client;
  readonly #settled: Settled;
  readonly #learned: Learned = {};
  #rootSeen = -Infinity;
  #swept: Promise<void> | undefined;

  constructor({ name, tape }: StorageSettings, client: S3Client, settled: Settled) {
    this.name = name;
    this.#client = client;
    this.#settled = settled;
    this.capabilities = {
      thirdParty: false,
      tape,
      checksums: [],
      rename: true,
      whole: true,
      confirms: true,
      ranges: true,
      batch: TOGETHER,
    };
    this.worker = {
      script: sums + script,
      url: (path) => client.place.url(client.place.key(path)),
      lend: (errands) => Promise.all(errands.map((errand) => this.#lend(errand))),
    };
  }

  async stat(paths: readonly string[]): Promise<Map<string, Stat>> {
    const found = new Map<string, Stat>();
    const one = async (path: string) =>
      [path, await this.#meant(path, () => headOf(this.#client, this.#key(path)))] as const;
    for await (const [path, head] of parallel(paths, AT_ONCE, one))
      if (head) found.set(path, { size: head.size, modified: iso(head.modified) });
    if (found.size < paths.length) await this.#checkRoot();
    return found;
  }

  async there(paths: readonly string[]): Promise<Set<string>> {
    const taken = await this.#meant('', () =>
      takenOf(
        this.#client,
        paths.map((path) => this.#key(path)),
      ),
    );
    return new Set(paths.filter((path) => taken.has(this.#key(path))));
  }

  /** Everything is missing where the bucket is: that is the site's fault, not the files'. @throws UnreachableError */
  async #checkRoot(): Promise<void> {
    if (performance.now() < this.#rootSeen + ROOT_SEEN) return;
    await this.#meant('', async () => {
      await this.#client.send({
        method: 'GET',
        key: '',
        query: { 'list-type': '2', 'max-keys': '1', prefix: this.#client.place.prefix('') },
      });
    });
    this.#rootSeen = performance.now();
  }

  /** By reading: S3 has no adler32. */
  async checksum(path: string, also: { readonly md5?: boolean } = {}): Promise<Checksum> {
    const taking = await summing(also);
    await this.#fetch(path, taking.sink);
    return taking.done();
  }

  readChecksum(path: string): Promise<Checksum> {
    return this.checksum(path);
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
    sink: (chunk: Buffer) => Promise<void>,
    { signal }: CopyOptions = {},
    range?: readonly [number, number],
  ): Promise<void> {
    const limit = (bytes: number) => this.#limit(bytes);
    const [client, key] = [this.#client, this.#key(path)];
    const open: Fetching['open'] = (ask) => client.open({ method: 'GET', key, ...ask });
    return this.#meant(path, () => fetchBytes({ open, url: client.place.url(''), limit, sink, range, signal }));
  }

  async copyIn(local: string, path: string, options: CopyOptions = {}): Promise<Checksum> {
    const key = this.#key(path);
    await this.#sweep();
    const prove = (sum: Checksum) => this.#prove(path, sum);
    const up = {
      client: this.#client,
      key,
      part: this.#settled.part,
      limit: (bytes: number) => this.#limit(bytes),
      learned: this.#learned,
      prove,
    };
    return this.#meant(path, () => upload(up, local, options)).catch(async (error: unknown) => {
      if (!(error instanceof ItemError) || error instanceof TakenError) throw error;
      if (means(error.cause, 'corrupt')) await this.remove([path]);
      // A source that is gone is not the storage element's fault.
      await readLocal(local);
      throw error;
    });
  }

  /** Where the server tells no checksum of what it stored. @throws RemoteFailure (corrupt) */
  async #prove(path: string, sum: Checksum): Promise<void> {
    const stored = await this.readChecksum(path);
    if (stored.adler32 === sum.adler32 && stored.size === sum.size) return;
    throw new RemoteFailure('corrupt', `${stored.size} bytes with adler32 ${stored.adler32} are there`);
  }

  /** Once in a call: what killed processes have begun so long ago that nobody goes on with it. */
  #sweep(): Promise<void> {
    this.#swept ??= (async () => {
      const old = iso(Date.now() - this.#settled.leftover);
      for (const { key, id, began } of await uploadsOf(this.#client, this.#client.place.prefix('')))
        if (began !== '' && iso(Date.parse(began)) < old) await abortUpload(this.#client, key, id);
    })().catch(() => undefined);
    return this.#swept;
  }

  /** Copied, compared, and only then removed: killed in between, both are there. */
  async rename(from: string, to: string): Promise<void> {
    const [source, target] = [this.#key(from), this.#key(to)];
    await this.#meant(from, async () => {
      const head = await headOf(this.#client, source);
      if (!head) throw new RemoteFailure('missing', '');
      const limit = (bytes: number) => this.#limit(bytes);
      await copyWithin({
        client: this.#client,
        from: source,
        to: target,
        head,
        largest: this.#settled.copyPart,
        limit,
      });
      const copied = await headOf(this.#client, target);
      if (copied?.size !== head.size)
        throw new RemoteFailure('corrupt', `the server copied ${copied?.size ?? 0} of ${head.size} bytes`);
      await removeSame(this.#client, source, head);
    });
  }

  async remove(paths: readonly string[]): Promise<void> {
    const asked = paths.map((path) => [path, this.#key(path)] as const);
    for await (const _ of parallel(asked, AT_ONCE, ([path, key]) =>
      this.#meant(path, () => remove(this.#client, key)),
    ));
  }

  async *list(prefix: string): AsyncGenerator<Entry, void, void> {
    const { place } = this.#client;
    const folder = place.prefix(prefix.replace(/\/+$/, ''));
    const objects = listed(this.#client, folder);
    for (;;) {
      const next = await this.#meant(prefix, () => objects.next());
      if (next.done) return;
      const { key, size, modified } = next.value;
      const path = place.path(key);
      const entry = { path, size, modified: iso(modified) };
      // Another program's key that no path of ours leads to.
      yield this.#isReached(path, key) ? entry : { ...entry, path: shown(key), raw: true };
    }
  }

  #isReached(path: string, key: string): boolean {
    return !path.split('/').includes('..') && this.#client.place.key(path) === key;
  }

  /** What is below the prefix, of the quota in the configuration: S3 itself has no end. */
  async space(): Promise<Space | undefined> {
    await this.#checkRoot();
    const { quota } = this.#settled;
    if (quota === undefined) return undefined;
    let used = 0;
    for await (const { size } of this.list('')) used += size;
    return { total: quota, free: Math.max(0, quota - used) };
  }

  url(path: string): string {
    this.#key(path);
    return this.#client.place.address.shownUrl(path);
  }

  localPath(): undefined {
    return undefined;
  }

  #lend({ method, address }: Errand): Promise<string> {
    return this.#client.presigned(method, address, this.#settled.lend);
  }

  #key(path: string): string {
    return this.#client.place.key(path);
  }

  #limit(bytes: number): number {
    return 2 * this.#settled.timeout + (bytes / this.#settled.slowest) * 1000;
  }

  async #meant<T>(path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof TakenError)
        throw new TakenError(`${this.#client.place.address.label}: ${shown(path)} exists already`, { cause: error });
      if (!(error instanceof RemoteFailure)) throw error;
      throw errorOf(this.#client.place.address, error, path, error instanceof WebFailure ? error.hint : undefined);
    }
  }
}

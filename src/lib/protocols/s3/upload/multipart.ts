// A large file in parts, several under way at once. An upload that a killed process began is taken up again: parts that the
// server has, and that have the right md5, are not sent twice.
import { createHash } from 'node:crypto';
import pLimit from 'p-limit';
import type { Checksum, CopyOptions } from '../../../storage.ts';
import { escapeXml, textOf } from '../../tools/http/xml.ts';
import { RemoteFailure } from '../../tools/meaning.ts';
import { headOf, isThere } from '../objects.ts';
import { S3Failure } from '../server/meaning.ts';
import { bare, differs, isSealed, type Read, taken, type Upload } from './uploading.ts';
import { abortUpload, type Part, partsOf, uploadsOf } from './uploads.ts';

const MIB = 2 ** 20;
/** S3 takes 10,000 parts. */
const MOST_PARTS = 9_000;
/** Parts under way at once, of one file. */
const PARTS_AT_ONCE = 4;

/** In parts of equal size, several under way while the file is read on. */
export async function inParts(up: Upload, size: number, read: Read, options: CopyOptions): Promise<Checksum> {
  if (options.fresh && (await isThere(up.client, up.key))) throw taken();
  const length = Math.max(up.part, Math.ceil(size / MOST_PARTS / MIB) * MIB);
  const { id, has } = await begun(up, length, options);
  try {
    const parts = new Parts(up, id, length, has, options);
    const sum = await read((chunk) => parts.add(chunk));
    await parts.ended();
    if (differs(sum, options)) {
      await abortUpload(up.client, up.key, id);
      return sum;
    }
    options.signal?.throwIfAborted();
    if (!(await complete(up, id, parts.done, options))) await up.prove(sum);
    return sum;
  } catch (error) {
    // What the server did not take because it was away stays, and the next try goes on with it.
    const later = error instanceof RemoteFailure && ['down', 'busy', 'credentials'].includes(error.meaning);
    if (!later) await abortUpload(up.client, up.key, id).catch(() => undefined);
    throw error;
  }
}

/** An upload of the same file that was cut off, with the parts that it has; else a new one. */
async function begun(
  up: Upload,
  length: number,
  { signal }: CopyOptions,
): Promise<{ id: string; has: ReadonlyMap<number, Part> }> {
  const { client, key } = up;
  const all = await uploadsOf(client, key);
  const open = all.filter((one) => one.key === key).sort((a, b) => (a.began < b.began ? 1 : -1));
  for (const { id } of open) {
    const parts = await partsOf(client, key, id).catch(() => undefined);
    const fits =
      parts && [...parts.values()].every((part) => part.size === length || part.number === Math.max(...parts.keys()));
    if (fits && parts.size > 0) return { id, has: parts };
    await abortUpload(client, key, id).catch(() => undefined);
  }
  const { text } = await client.send({
    method: 'POST',
    key,
    query: { uploads: '' },
    headers: { 'content-type': 'application/octet-stream' },
    signal,
  });
  const id = textOf(text, 'UploadId');
  if (!id) throw new RemoteFailure('failed', 'the server gave no UploadId');
  return { id, has: new Map() };
}

class Parts {
  readonly done: { readonly number: number; readonly tag: string; readonly md5: Buffer }[] = [];
  readonly #up: Upload;
  readonly #id: string;
  readonly #length: number;
  readonly #has: ReadonlyMap<number, Part>;
  readonly #options: CopyOptions;
  readonly #slots = pLimit(PARTS_AT_ONCE);
  readonly #under = new Set<Promise<void>>();
  #failure: unknown;
  #part: Buffer;
  #filled = 0;
  #number = 1;

  constructor(up: Upload, id: string, length: number, has: ReadonlyMap<number, Part>, options: CopyOptions) {
    this.#up = up;
    this.#id = id;
    this.#length = length;
    this.#has = has;
    this.#options = options;
    this.#part = Buffer.allocUnsafe(length);
  }

  async add(chunk: Buffer): Promise<void> {
    for (let from = 0; from < chunk.length; ) {
      const copied = chunk.copy(this.#part, this.#filled, from);
      from += copied;
      this.#filled += copied;
      if (this.#filled === this.#length) await this.#send();
    }
  }

  /** Waits for all. @throws what one of them threw */
  async ended(): Promise<void> {
    if (this.#filled > 0) await this.#send();
    await Promise.all(this.#under);
    if (this.#failure !== undefined) throw this.#failure;
    this.done.sort((a, b) => a.number - b.number);
  }

  async #send(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const body = this.#part.subarray(0, this.#filled);
    const number = this.#number++;
    this.#part = Buffer.allocUnsafe(this.#length);
    this.#filled = 0;
    const sent = this.#slots(() => this.#one(number, body))
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .finally(() => this.#under.delete(sent));
    this.#under.add(sent);
    // No more in memory than are sent at once.
    if (this.#under.size >= PARTS_AT_ONCE) await Promise.race(this.#under);
  }

  async #one(number: number, body: Buffer): Promise<void> {
    const md5 = createHash('md5').update(body).digest();
    const has = this.#has.get(number);
    if (has && has.size === body.length && bare(has.tag) === md5.toString('hex')) {
      this.done.push({ number, tag: has.tag, md5 });
      return;
    }
    if (this.#failure !== undefined) return;
    const { headers } = await this.#up.client.send({
      method: 'PUT',
      key: this.#up.key,
      query: { partNumber: String(number), uploadId: this.#id },
      headers: { 'content-md5': md5.toString('base64') },
      body,
      timeout: this.#up.limit(body.length),
      signal: this.#options.signal,
    });
    const tag = headers.etag ?? '';
    if (/^[0-9a-f]{32}$/.test(bare(tag)) && bare(tag) !== md5.toString('hex') && !isSealed(headers))
      throw new RemoteFailure('corrupt', `the server has stored part ${number} as ${tag}`);
    this.done.push({ number, tag, md5 });
  }
}

/** Makes the object of its parts. True where the server's checksum of the whole was compared. */
async function complete(
  up: Upload,
  id: string,
  parts: Parts['done'],
  { fresh, signal }: CopyOptions,
): Promise<boolean> {
  const { client, key, learned } = up;
  const list = parts.map(
    ({ number, tag }) => `<Part><PartNumber>${number}</PartNumber><ETag>${escapeXml(tag)}</ETag></Part>`,
  );
  const body = `<CompleteMultipartUpload>${list.join('')}</CompleteMultipartUpload>`;
  const whole = `${createHash('md5')
    .update(Buffer.concat(parts.map(({ md5 }) => md5)))
    .digest('hex')}-${parts.length}`;
  if (fresh && learned.conditional !== true && (await isThere(client, key))) throw taken();
  const conditional = fresh === true && learned.conditional !== false;
  const headers = conditional ? { 'if-none-match': '*' } : {};
  // Joining many parts may take the server minutes.
  const ask = {
    method: 'POST',
    key,
    query: { uploadId: id },
    headers,
    body,
    timeout: up.limit(parts.length * up.part),
    slow: true,
    signal,
  } as const;
  const said = await client.send(ask).then(
    ({ text }) => textOf(text, 'ETag') ?? '',
    async (error: unknown) => {
      if (!(error instanceof S3Failure) || !(error.status === 412 || error.code === 'NoSuchUpload')) throw error;
      // Its answer was lost, or another process has ended the same upload: what is there is what was sent.
      const there = await headOf(client, key);
      if (there && bare(there.tag) === whole) return whole;
      throw error.status === 412 ? taken() : error;
    },
  );
  if (bare(said) === whole) return true;
  if (!/^[0-9a-f]{32}-\d+$/.test(bare(said))) return false;
  throw new RemoteFailure('corrupt', `the server has joined the parts as ${said}`);
}

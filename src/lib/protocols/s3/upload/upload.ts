// One local file to one object. Nothing is at the key before the server has every byte and has compared checksums: small
// files go in one request, large ones in parts, and an upload that a killed process began is taken up again.
import { createHash } from 'node:crypto';
import type { Checksum, CopyOptions } from '../../../storage.ts';
import { readChecksummed } from '../../../util/adler32.ts';
import { TakenError } from '../../../util/errors.ts';
import { openBelow } from '../../../util/files/below.ts';
import { ownError } from '../../../util/systemerrors.ts';
import { shown } from '../../../util/text/names.ts';
import { RemoteFailure } from '../../tools/meaning.ts';
import { headOf, isThere } from '../objects.ts';
import { CONTENT_SHA256 } from '../server/client.ts';
import { S3Failure } from '../server/meaning.ts';
import { inParts } from './multipart.ts';
import { bare, differs, isSealed, type Read, taken, type Upload } from './uploading.ts';

const MIB = 2 ** 20;

/** What the server must say about the bytes that it has stored. */
interface Sums {
  readonly md5: Buffer;
  readonly sha256: Buffer;
}

/**
 * Uploads a file; answers what was read. Where that is not `options.expect`, nothing was written.
 * @throws TakenError something is there and `options.fresh`; FileChangedError; RemoteFailure; the signal's reason
 */
export async function upload(up: Upload, local: string, options: CopyOptions): Promise<Checksum> {
  const meant = (error: unknown): never => {
    throw ownError(error, shown(local));
  };
  const handle = await openBelow(local, options.below).catch(meant);
  try {
    const before = await handle.stat();
    const read = (sink: (chunk: Buffer) => Promise<void>): Promise<Checksum> =>
      readChecksummed(handle, local, {
        before,
        ...(options.signal && { signal: options.signal }),
        ...(options.progress && { progress: options.progress }),
        sink: async (chunk) => {
          await options.pace?.take(chunk.length, options.signal);
          await sink(chunk);
        },
      }).catch(meant);
    return before.size <= up.part
      ? await inOne(up, before.size, read, options)
      : await inParts(up, before.size, read, options);
  } finally {
    await handle.close();
  }
}

async function inOne(up: Upload, size: number, read: Read, options: CopyOptions): Promise<Checksum> {
  const body = Buffer.allocUnsafe(size);
  let filled = 0;
  const sum = await read(async (chunk) => {
    filled += chunk.copy(body, filled);
  });
  if (differs(sum, options)) return sum;
  options.signal?.throwIfAborted();
  if (!(await put(up, body, sumsOf(body), options))) await up.prove(sum);
  return sum;
}

function sumsOf(body: Buffer): Sums {
  return { md5: createHash('md5').update(body).digest(), sha256: createHash('sha256').update(body).digest() };
}

/** The object in one request; with `fresh` never over another one. True where the server's checksum was compared. */
async function put(up: Upload, body: Buffer, sums: Sums, { fresh, signal }: CopyOptions): Promise<boolean> {
  const { client, key, learned } = up;
  const send = (conditional: boolean): Promise<boolean> =>
    wholly(up, conditional, sums, async (repeated) => {
      const { headers } = await client.send({
        method: 'PUT',
        key,
        headers: {
          'content-type': 'application/octet-stream',
          'content-md5': sums.md5.toString('base64'),
          'x-amz-checksum-sha256': sums.sha256.toString('base64'),
          [CONTENT_SHA256]: sums.sha256.toString('hex'),
          ...(conditional && { 'if-none-match': '*' }),
        },
        body,
        timeout: up.limit(body.length),
        signal,
        repeated,
      });
      return { tag: headers.etag, sha256: headers['x-amz-checksum-sha256'], sealed: isSealed(headers) };
    });
  if (!fresh) return send(false);
  if (learned.conditional !== true && (await isThere(client, key))) throw taken();
  const proved = await send(learned.conditional !== false).catch((error: unknown) => {
    if (!(error instanceof S3Failure) || error.meaning !== 'unable') throw error;
    learned.conditional = false;
    return send(false);
  });
  if (learned.conditional !== undefined || learned.asked || body.length > MIB) return proved;
  learned.asked = true;
  // The same bytes once more: a server that lets them pass knows no such condition.
  learned.conditional = await send(true).then(
    () => false,
    (error: unknown) => error instanceof TakenError,
  );
  return proved;
}

interface Stored {
  readonly tag: string | undefined;
  readonly sha256?: string | undefined;
  readonly sealed: boolean;
}

/** Sends, and compares what the server says of the bytes that it has stored; false: it says nothing. */
async function wholly(
  up: Upload,
  conditional: boolean,
  sums: Sums,
  send: (repeated: () => void) => Promise<Stored>,
): Promise<boolean> {
  let repeated = false;
  try {
    const {
      tag = '',
      sha256,
      sealed,
    } = await send(() => {
      repeated = true;
    });
    if (sha256 === sums.sha256.toString('base64') || bare(tag) === sums.md5.toString('hex')) return true;
    if (sha256 === undefined && (sealed || !/^[0-9a-f]{32}$/.test(bare(tag)))) return false;
    throw new RemoteFailure('corrupt', `the server has stored ${sha256 ?? tag}`);
  } catch (error) {
    if (!(conditional && error instanceof S3Failure && error.status === 412)) throw error;
    // Its answer to the first try was lost: what is there is what we have sent.
    if (repeated && bare((await headOf(up.client, up.key))?.tag ?? '') === sums.md5.toString('hex')) return true;
    throw taken();
  }
}

// Questions about single objects, and copies that the server makes by itself.

import { escapeXml, textOf } from '../tools/http/xml.ts';
import { RemoteFailure } from '../tools/meaning.ts';
import type { S3Client } from './server/client.ts';
import { S3Failure } from './server/meaning.ts';
import { abortUpload } from './upload/uploads.ts';

/** Questions about single objects at once. */
export const AT_ONCE = 48;

export interface Head {
  readonly size: number;
  /** Milliseconds since 1970, whole seconds: some answers have no more. */
  readonly modified: number;
  /** Changes whenever the object is written. */
  readonly tag: string;
}

/** Of what is there now; `undefined`: nothing is. */
export async function headOf(client: S3Client, key: string): Promise<Head | undefined> {
  try {
    const { headers } = await client.send({ method: 'HEAD', key });
    const size = Number(headers['content-length']);
    const modified = Date.parse(headers['last-modified'] ?? '');
    if (!Number.isFinite(size) || Number.isNaN(modified))
      throw new RemoteFailure('failed', 'the server told no size or time');
    return { size, modified, tag: headers.etag ?? '' };
  } catch (error) {
    if (error instanceof S3Failure && error.meaning === 'missing') return undefined;
    throw error;
  }
}

export async function isThere(client: S3Client, key: string): Promise<boolean> {
  return (await headOf(client, key)) !== undefined;
}

interface ServerCopy {
  readonly client: S3Client;
  readonly from: string;
  readonly to: string;
  readonly head: Head;
  /** Bytes that the server copies in one request. */
  readonly largest: number;
  readonly limit: (bytes: number) => number;
}

/** Copies an object within the bucket, as it was when `head` was asked for. @throws S3Failure it is another one now */
export async function copyWithin({ client, from, to, head, largest, limit }: ServerCopy): Promise<void> {
  const source = { 'x-amz-copy-source': client.place.source(from), ...ifSame(head, 'x-amz-copy-source-if-match') };
  const inOne = () => client.send({ method: 'PUT', key: to, headers: source, timeout: limit(head.size), slow: true });
  if (head.size <= largest) {
    await inOne();
    return;
  }
  const { text } = await client.send({ method: 'POST', key: to, query: { uploads: '' } });
  const id = textOf(text, 'UploadId');
  if (!id) throw new RemoteFailure('failed', 'the server gave no UploadId');
  try {
    const parts: string[] = [];
    for (let at = 0, number = 1; at < head.size; at += largest, number++) {
      const range = `bytes=${at}-${Math.min(at + largest, head.size) - 1}`;
      const query = { partNumber: String(number), uploadId: id };
      const headers = { ...source, 'x-amz-copy-source-range': range };
      const copied = await client.send({ method: 'PUT', key: to, query, headers, timeout: limit(largest), slow: true });
      const tag = escapeXml(textOf(copied.text, 'ETag') ?? '');
      parts.push(`<Part><PartNumber>${number}</PartNumber><ETag>${tag}</ETag></Part>`);
    }
    const body = `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`;
    await client.send({
      method: 'POST',
      key: to,
      query: { uploadId: id },
      body,
      timeout: limit(head.size),
      slow: true,
    });
  } catch (error) {
    await abortUpload(client, to, id).catch(() => undefined);
    // rclone knows no copy by parts, and no limit of one that is not.
    if (!(error instanceof S3Failure) || !['unable', 'corrupt'].includes(error.meaning)) throw error;
    await inOne();
  }
}

function ifSame({ tag }: Head, header: string): Record<string, string> {
  return tag === '' ? {} : { [header]: tag };
}

/** Removes an object if it is still the one of `head`. @throws RemoteFailure (busy) it was written meanwhile */
export async function removeSame(client: S3Client, key: string, head: Head): Promise<void> {
  const now = await headOf(client, key);
  if (!now) return;
  if (now.tag !== head.tag || now.size !== head.size) throw changed();
  // Servers that know no such condition remove it; the question before leaves them a moment only.
  await client.send({ method: 'DELETE', key, headers: ifSame(head, 'if-match') }).catch((error: unknown) => {
    if (error instanceof S3Failure && error.status === 412) throw changed();
    if (error instanceof S3Failure && error.meaning === 'unable') return remove(client, key);
    throw error;
  });
}

const changed = (): RemoteFailure =>
  new RemoteFailure('failed', 'it was written over meanwhile; what is there now stays');

/** An object that is not there is not an error. */
export async function remove(client: S3Client, key: string): Promise<void> {
  await client.send({ method: 'DELETE', key }).catch((error: unknown) => {
    if (!(error instanceof S3Failure) || error.meaning !== 'missing') throw error;
  });
}

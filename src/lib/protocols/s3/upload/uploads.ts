// Uploads in parts that nobody has ended: found, gone on with, or taken back. They are in no listing of objects, and cost.

import { elements, textOf } from '../../tools/http/xml.ts';
import { type Meaning, RemoteFailure } from '../../tools/meaning.ts';
import type { S3Client } from '../server/client.ts';
import { S3Failure } from '../server/meaning.ts';

export interface OpenUpload {
  readonly key: string;
  readonly id: string;
  /** When it began, as the server says. */
  readonly began: string;
}

export interface Part {
  readonly number: number;
  readonly size: number;
  readonly tag: string;
}

const CANNOT: ReadonlySet<Meaning> = new Set(['unable', 'denied', 'missing', 'failed']);

/** Uploads under way whose keys begin with `prefix`; none where the server cannot tell. */
export async function uploadsOf(client: S3Client, prefix: string): Promise<OpenUpload[]> {
  const found: OpenUpload[] = [];
  let marker: Record<string, string> = {};
  for (;;) {
    const query = { uploads: '', prefix, 'encoding-type': 'url', ...marker };
    const text = await client.send({ method: 'GET', key: '', query }).then(
      (reply) => reply.text,
      (error: unknown) => {
        // Of no uploads some say that there is no such upload.
        if (error instanceof S3Failure && (error.code === 'NoSuchUpload' || CANNOT.has(error.meaning))) return '';
        throw error;
      },
    );
    const written = textOf(text, 'EncodingType') === 'url';
    for (const one of elements(text, 'Upload')) {
      const [key, id, began = ''] = ['Key', 'UploadId', 'Initiated'].map((name) => textOf(one, name));
      if (key && id) found.push({ key: written ? decodeKey(key) : key, id, began });
    }
    const next = textOf(text, 'NextKeyMarker');
    if (textOf(text, 'IsTruncated') !== 'true' || !next) return found.filter(({ key }) => key.startsWith(prefix));
    marker = {
      'key-marker': written ? decodeKey(next) : next,
      'upload-id-marker': textOf(text, 'NextUploadIdMarker') ?? '',
    };
  }
}

/** Keys in answers with `encoding-type=url`: as forms are written. */
export function decodeKey(written: string): string {
  try {
    return decodeURIComponent(written.replace(/\+/g, '%20'));
  } catch {
    return written;
  }
}

/** The parts that the server has of an upload, by number. */
export async function partsOf(client: S3Client, key: string, id: string): Promise<Map<number, Part>> {
  const found = new Map<number, Part>();
  for (let marker: string | undefined = '0'; marker !== undefined; ) {
    const { text } = await client.send({ method: 'GET', key, query: { uploadId: id, 'part-number-marker': marker } });
    for (const one of elements(text, 'Part')) {
      const number = Number(textOf(one, 'PartNumber'));
      found.set(number, { number, size: Number(textOf(one, 'Size')), tag: textOf(one, 'ETag') ?? '' });
    }
    const next: string | undefined = textOf(text, 'NextPartNumberMarker');
    marker = textOf(text, 'IsTruncated') === 'true' && next !== marker ? next : undefined;
  }
  return found;
}

/** Takes an upload back, with its parts; one that is not there is not an error. */
export async function abortUpload(client: S3Client, key: string, id: string): Promise<void> {
  await client.send({ method: 'DELETE', key, query: { uploadId: id } }).catch((error: unknown) => {
    if (!(error instanceof RemoteFailure) || !['missing', 'busy'].includes(error.meaning)) throw error;
  });
}

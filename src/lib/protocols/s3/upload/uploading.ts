// What the two ways of uploading have in common: one request, and parts.
import type { Checksum, CopyOptions } from '../../../storage.ts';
import { TakenError } from '../../../util/errors.ts';
import type { S3Client } from '../server/client.ts';

export interface Upload {
  readonly client: S3Client;
  readonly key: string;
  /** Bytes of a part; smaller files go in one request. */
  readonly part: number;
  /** Milliseconds for so many bytes. */
  readonly limit: (bytes: number) => number;
  /** What is known of the server so far. */
  readonly learned: Learned;
  /** Reads what is stored, where the server tells no checksum of it. @throws RemoteFailure (corrupt) */
  readonly prove: (sum: Checksum) => Promise<void>;
}

export interface Learned {
  /** It refuses to write over an object where it is asked not to. */
  conditional?: boolean;
  /** One of the copies that are made at once finds that out. */
  asked?: boolean;
}

/** Reads the local file from its beginning to its end. */
export type Read = (sink: (chunk: Buffer) => Promise<void>) => Promise<Checksum>;

/** Other bytes were read than are registered. */
export const differs = (sum: Checksum, { expect }: CopyOptions): boolean =>
  expect !== undefined && (expect.adler32 !== sum.adler32 || expect.size !== sum.size);

export const taken = (): TakenError => new TakenError('something is there already');

/** By the server's own key: its tag says nothing of the bytes. */
export function isSealed(headers: Readonly<Record<string, string>>): boolean {
  return (
    (headers['x-amz-server-side-encryption'] ?? 'AES256') !== 'AES256' ||
    'x-amz-server-side-encryption-customer-algorithm' in headers
  );
}

/** An ETag without its marks. */
export function bare(tag: string): string {
  return tag.replace(/^W\//, '').replace(/^"|"$/g, '');
}

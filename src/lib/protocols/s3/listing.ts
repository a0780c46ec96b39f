// Objects below a prefix, page by page.
import { mapLimit } from '../../util/concurrency.ts';
import { elements, textOf } from '../tools/http/xml.ts';
import { AT_ONCE, isThere } from './objects.ts';
import type { S3Client } from './server/client.ts';
import { decodeKey } from './upload/uploads.ts';

interface Listed {
  readonly key: string;
  readonly size: number;
  /** Milliseconds since 1970, whole seconds: as the answer about one object has it. */
  readonly modified: number;
}

interface Page {
  readonly objects: readonly Listed[];
  /** Where the next page begins; absent: this is the last one. */
  readonly next?: string | undefined;
}

/** Keys that are worth one more page of a listing. */
const WORTH_A_PAGE = 100;

export async function* listed(client: S3Client, prefix: string): AsyncGenerator<Listed, void, void> {
  for await (const { objects } of pagesOf(client, prefix)) yield* objects;
}

/**
 * At which of `keys` an object is, or objects below it. One listing serves many keys. Where too much else lies between
 * them, each is asked for. An old server may list the newest objects late: `copyIn` with `fresh` asks once more.
 */
export async function takenOf(client: S3Client, keys: readonly string[]): Promise<ReadonlySet<string>> {
  const wanted = new Set(keys);
  const found = new Set<string>();
  if (wanted.size === 0) return found;
  let pages = 1 + Math.floor(keys.length / WORTH_A_PAGE);
  for await (const { objects, next } of pagesOf(client, commonStart(keys))) {
    for (const { key } of objects) for (const name of withFolders(key)) if (wanted.has(name)) found.add(name);
    if (next === undefined) return found;
    if (--pages === 0) break;
  }
  const open = [...wanted].filter((key) => !found.has(key));
  const there = await mapLimit(open, AT_ONCE, (key) => isThere(client, key));
  for (const [at, key] of open.entries()) if (there[at]) found.add(key);
  return found;
}

/** What all of them begin with. */
function commonStart([first = '', ...others]: readonly string[]): string {
  let start = [...first];
  for (const other of others) {
    const letters = [...other];
    const differs = start.findIndex((letter, at) => letter !== letters[at]);
    if (differs >= 0) start = start.slice(0, differs);
  }
  return start.join('');
}

/** A key, and the folders that lead to it. */
function withFolders(key: string): string[] {
  const parts = key.split('/');
  return parts.map((_, at) => parts.slice(0, at + 1).join('/'));
}

async function* pagesOf(client: S3Client, prefix: string): AsyncGenerator<Page, void, void> {
  for (let next: string | undefined = ''; next !== undefined; ) {
    const query: Record<string, string> = {
      'list-type': '2',
      prefix,
      'encoding-type': 'url',
      ...(next !== '' && { 'continuation-token': next }),
    };
    const { text } = await client.send({ method: 'GET', key: '', query });
    next = textOf(text, 'IsTruncated') === 'true' ? textOf(text, 'NextContinuationToken') : undefined;
    yield { objects: objectsIn(text, prefix), next };
  }
}

function objectsIn(text: string, prefix: string): Listed[] {
  // A server that does not know the parameter does not repeat it, and writes keys as they are.
  const isEncoded = textOf(text, 'EncodingType') === 'url';
  return elements(text, 'Contents').flatMap((one) => {
    const [written = '', size, modified = ''] = ['Key', 'Size', 'LastModified'].map((name) => textOf(one, name));
    const key = isEncoded ? decodeKey(written) : written;
    // Consoles make an empty object for a folder.
    const isObject = key.startsWith(prefix) && !(key.endsWith('/') && Number(size) === 0);
    return isObject ? [{ key, size: Number(size), modified: Math.floor(Date.parse(modified) / 1000) * 1000 }] : [];
  });
}

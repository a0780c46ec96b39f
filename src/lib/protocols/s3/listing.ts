// Objects below a prefix, page by page.
import { elements, textOf } from '../tools/xml.ts';
import type { S3Client } from './server/client.ts';
import { decodeKey } from './upload/uploads.ts';

interface Listed {
  readonly key: string;
  readonly size: number;
  /** Milliseconds since 1970, whole seconds: as the answer about one object has it. */
  readonly modified: number;
}

export async function* listed(client: S3Client, prefix: string): AsyncGenerator<Listed, void, void> {
  for (let next: string | undefined = ''; next !== undefined; ) {
    const query: Record<string, string> = {
      'list-type': '2',
      prefix,
      'encoding-type': 'url',
      ...(next !== '' && { 'continuation-token': next }),
    };
    const { text } = await client.send({ method: 'GET', key: '', query });
    // One that does not know the parameter says nothing of it, and writes keys as they are.
    const written = textOf(text, 'EncodingType') === 'url';
    for (const one of elements(text, 'Contents')) {
      const [key = '', size, modified = ''] = ['Key', 'Size', 'LastModified'].map((name) => textOf(one, name));
      const plain = written ? decodeKey(key) : key;
      // Consoles make an empty object for a folder.
      if (plain.startsWith(prefix) && !(plain.endsWith('/') && Number(size) === 0))
        yield { key: plain, size: Number(size), modified: Math.floor(Date.parse(modified) / 1000) * 1000 };
    }
    next = textOf(text, 'IsTruncated') === 'true' ? textOf(text, 'NextContinuationToken') : undefined;
  }
}

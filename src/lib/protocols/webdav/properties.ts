// Answers to PROPFIND (RFC 4918) and to Want-Digest (RFC 3230), as far as they are needed. Pure.
import type { Space } from '../../util/files/disk.ts';
import { elements, textOf } from '../tools/http/xml.ts';

/** What is at one address. */
export interface Resource {
  /** The path in the server, percent-decoded, without a `/` at its end; `raw`: its bytes are no UTF-8. */
  readonly path: string;
  readonly raw: boolean;
  readonly folder: boolean;
  /** Bytes; of a folder 0. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

export const ASK_FILES = ask('getcontentlength', 'getlastmodified', 'resourcetype');
export const ASK_SPACE = ask('quota-available-bytes', 'quota-used-bytes');

function ask(...names: string[]): string {
  const wanted = names.map((name) => `<D:${name}/>`).join('');
  return `<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:prop>${wanted}</D:prop></D:propfind>`;
}

/** Every resource of a multi-status answer. */
export function resourcesOf(xml: string): Resource[] {
  return elements(xml, 'response').map((response) => {
    const [path, raw] = pathOf(textOf(response, 'href') ?? '');
    const found = foundIn(response);
    const folder = elements(found, 'resourcetype').some((type) => elements(type, 'collection').length > 0);
    const size = Number(textOf(found, 'getcontentlength') ?? 0);
    const modified = Date.parse(textOf(found, 'getlastmodified') ?? '');
    return { path, raw, folder, size, modified: Number.isNaN(modified) ? 0 : modified };
  });
}

/** The properties that the server has: those of another status than 200 it only names. */
function foundIn(response: string): string {
  const groups = elements(response, 'propstat');
  return groups.find((group) => /\s2\d\d\b/.test(textOf(group, 'status') ?? ' 200')) ?? '';
}

/** An address, absolute or not, percent-encoded or not. */
function pathOf(href: string): [path: string, raw: boolean] {
  const plain = href.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, '').replace(/\/+$/, '');
  try {
    return [decodeURIComponent(plain), false];
  } catch {
    // A `%` that is none of ours, or bytes that are no text: it opens nothing.
    return [plain, true];
  }
}

/** Of a quota (RFC 4331); `undefined`: the server has none. */
export function spaceOf(xml: string): Space | undefined {
  const [free, used] = ['quota-available-bytes', 'quota-used-bytes'].map((name) => {
    const text = textOf(xml, name)?.trim();
    return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text);
  });
  return free === undefined || used === undefined ? undefined : { total: free + used, free };
}

/** The adler32 of a `Digest` header, eight lower-case digits; `undefined`: the server computes none. */
export function adlerOf(digest: string | undefined): string | undefined {
  const value = /(?:^|,)\s*adler32=([0-9a-f]{1,8})\s*(?:,|$)/i.exec(digest ?? '')?.[1];
  return value?.toLowerCase().padStart(8, '0');
}

// What a WebDAV server means by a status (RFC 4918, RFC 9110): one meaning for each, and whether to ask again. Pure.

import { laterOf, WebFailure, type WebText } from '../tools/http/web.ts';
import { BY_STATUS, type Meaning } from '../tools/meaning.ts';

/** 409: a folder above is not there. */
const STATUSES: Readonly<Record<number, Meaning>> = { ...BY_STATUS, 409: 'missing', 410: 'missing', 422: 'corrupt' };

const SHORTLY = new Set([423, 429, 500, 502, 503, 504]);

/** The failure that an answer is. `byToken`: rights are the token's. `clean` takes secrets out of the server's words. */
export function failureOf(
  { status, headers, text }: WebText,
  byToken: boolean,
  clean: (text: string) => string,
): WebFailure {
  const moved = status >= 300 && status < 400;
  const known = byToken && status === 403 ? 'credentials' : STATUSES[status];
  const meaning = moved ? 'down' : (known ?? 'failed');
  const words = [`HTTP ${status}`, moved ? `it sends on to ${headers.location ?? 'nowhere'}` : firstLine(text)];
  return new WebFailure(meaning, clean(words.filter((one) => one !== '').join(': ')), {
    status,
    again: SHORTLY.has(status),
    later: laterOf(headers),
  });
}

/** What a person may want to read of a page of HTML or a line of text. */
function firstLine(text: string): string {
  const plain = text
    .replace(/<(style|script)[\s\S]*?<\/\1>/gi, '')
    .replace(/<[^>]*>/g, '\n')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^\d{3}\b/.test(line));
  return (plain[0] ?? '').slice(0, 200);
}

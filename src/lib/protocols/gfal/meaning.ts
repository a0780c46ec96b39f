// What gfal2 means by its error numbers (errno) and words: HTTP's status says more than the number around it. Pure.
import type { Space } from '../../util/files/disk.ts';
import { field } from '../../util/values/field.ts';
import { BY_STATUS, type Meaning, RemoteFailure } from '../tools/meaning.ts';

const BY_NUMBER: Readonly<Record<number, Meaning>> = {
  1: 'denied',
  2: 'missing',
  11: 'busy',
  13: 'denied',
  16: 'busy',
  20: 'missing',
  21: 'folder',
  28: 'full',
  30: 'denied',
  52: 'credentials', // EBADE: the security handshake
  70: 'down', // ECOMM
  84: 'corrupt', // EILSEQ
  93: 'unable',
  95: 'unable',
  101: 'down',
  103: 'down',
  104: 'down',
  107: 'down',
  110: 'down',
  111: 'down',
  112: 'down',
  113: 'down',
  122: 'full',
};

/** A gateway without an answer is a server that is down. */
const STATUSES: Readonly<Record<number, Meaning>> = { ...BY_STATUS, 502: 'down', 504: 'down' };

const BY_TEXT: readonly (readonly [RegExp, Meaning])[] = [
  [/checksum mismatch|checksum error/i, 'corrupt'],
  [/no space|quota|disk full|\[3009\]|\[3021\]/i, 'full'],
  [/certificate|credential|proxy (expired|not found)|authentication|handshake|token (expired|invalid)/i, 'credentials'],
  [/not supported|not implemented|no plugin|unsupported|unable to find .*plugin/i, 'unable'],
  [/timed? ?out|timeout|could not connect|connection (refused|reset|error|closed)|name resolution/i, 'down'],
];

/** What an error number and its words mean. */
export function meaningOf(code: number, text: string): Meaning {
  const status = /\bHTTP (\d{3})\b/.exec(text)?.[1];
  const byText = BY_TEXT.find(([pattern]) => pattern.test(text))?.[1];
  if (byText === 'corrupt' || byText === 'full') return byText;
  if (status !== undefined) return STATUSES[Number(status)] ?? (status.startsWith('5') ? 'busy' : 'failed');
  // 5 (EIO) and unknown numbers say nothing.
  return BY_NUMBER[code] ?? byText ?? 'failed';
}

/** The failure in an answer of the driver; `undefined` where it is none. */
export function failureIn(answer: unknown, clean: (text: string) => string): RemoteFailure | undefined {
  const [code, text, absent] = ['code', 'text', 'absent'].map((name) => field(answer, name));
  if (absent !== undefined)
    return new RemoteFailure(
      'down',
      `python3-gfal2 is not installed (${clean(String(absent))}); WebDAV needs none with 'protocol: webdav'`,
    );
  if (code === undefined) return undefined;
  const words = clean(String(text));
  return new RemoteFailure(meaningOf(Number(code), words), words);
}

/** Bytes of a WebDAV quota; `undefined` where the server tells none. */
export function spaceIn({ free, used }: Readonly<Record<string, unknown>>): Space | undefined {
  return typeof free === 'number' && typeof used === 'number' ? { total: free + used, free } : undefined;
}

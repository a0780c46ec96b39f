// What X.509 certificates in a PEM text say: until when they are good, and which roles VOMS has put into a proxy.
import { X509Certificate } from 'node:crypto';
import { type Iso, iso } from './time.ts';

export interface Certificate {
  readonly until: Iso;
  readonly raw: Buffer;
}

/** Every certificate of the text, in its order; what is none is passed over. */
export function certificatesIn(pem: string): Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  return blocks.flatMap((block): Certificate[] => {
    try {
      const { validTo, raw } = new X509Certificate(block);
      return [{ until: iso(Date.parse(validTo)), raw }];
    } catch {
      return [];
    }
  });
}

/** `/atlas/Role=production`: names in the extension of VOMS are plain text. */
export function vomsRoles(raw: Buffer): string[] {
  const found = raw.toString('latin1').matchAll(/\/[\w.-]+(?:\/[\w.-]+)*\/Role=[\w.-]+/g);
  return [...new Set([...found].map(([role]) => role))].filter((role) => !role.endsWith('Role=NULL'));
}

/** A file of a folder of trust, as OpenSSL names it: `HASH.0`, or `HASH.r0` for a list. */
interface TrustFile {
  readonly name: string;
  readonly bytes: Buffer;
}

/** A certificate authority of a folder of trust. */
export interface Authority {
  readonly name: string;
  readonly until: Iso;
}

/** A list of revoked certificates, in force until a newer one must be there; absent: it does not say until when. */
export interface RevocationList {
  readonly name: string;
  readonly until?: Iso;
}

/** The authority of a file `HASH.N`; a file that holds none has none. */
export function authoritiesIn({ name, bytes }: TrustFile): Authority[] {
  if (!/\.\d$/.test(name)) return [];
  return certificatesIn(bytes.toString('latin1')).map(({ until }) => ({ name, until }));
}

/** The list of a file `HASH.rN`, whose first bytes are enough. */
export function revocationsIn({ name, bytes }: TrustFile): RevocationList[] {
  if (!/\.r\d$/.test(name)) return [];
  const text = /-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]*)/.exec(bytes.toString('latin1'))?.[1];
  const until = nextUpdate(text === undefined ? bytes : Buffer.from(text, 'base64'));
  return [{ name, ...(until !== undefined && { until }) }];
}

/** DER's marks of what a list begins with: SEQUENCE, INTEGER, UTCTime, GeneralizedTime. */
const [SEQUENCE, INTEGER, UTC_TIME, TIME] = [0x30, 0x02, 0x17, 0x18];

/** `nextUpdate` of a list (RFC 5280, 5.1): version, signature, issuer, thisUpdate, nextUpdate. */
function nextUpdate(der: Buffer): Iso | undefined {
  const whole = partAt(der, 0);
  const first = partAt(der, whole.start);
  if (whole.mark !== SEQUENCE || first.mark !== SEQUENCE) return undefined;
  let part = partAt(der, first.start);
  if (part.mark === INTEGER) part = partAt(der, part.end);
  for (let skipped = 0; skipped < 3; skipped++) part = partAt(der, part.end);
  const text = der.toString('latin1', part.start, part.end);
  if (part.mark === UTC_TIME) return timeOf(`${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}`);
  return part.mark === TIME ? timeOf(text) : undefined;
}

/** The mark of what begins at a byte, and where its content begins and ends. */
function partAt(der: Buffer, at: number): { readonly mark: number; readonly start: number; readonly end: number } {
  const [mark = 0, length = 0] = der.subarray(at, at + 2);
  if (length < 0x80) return { mark, start: at + 2, end: at + 2 + length };
  const bytes = der.subarray(at + 2, at + 2 + (length & 0x7f));
  const start = at + 2 + bytes.length;
  return { mark, start, end: start + bytes.reduce((sum, byte) => sum * 256 + byte, 0) };
}

/** Of `20270114060000Z`. */
function timeOf(text: string): Iso | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?/.exec(text);
  if (!parts) return undefined;
  const [, year, month, day, hour, minute, second = '00'] = parts;
  return iso(Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`));
}

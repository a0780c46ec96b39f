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

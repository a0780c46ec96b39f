// Where objects of an element are: bucket, keys and the addresses by which the server knows them. Pure.
import type { StorageSettings } from '../../../domain/settings.ts';
import { ConfigError } from '../../../util/errors.ts';
import { Address } from '../../tools/address.ts';

export interface PlaceOptions {
  /** `https://s3.example.org`; absent: Amazon's of the region. */
  readonly endpoint?: string;
  readonly region: string;
  /** `path`: the bucket is the first part of the path; `host`: the first part of the host's name. */
  readonly style?: string;
}

export class Place {
  readonly address: Address;
  readonly bucket: string;
  readonly region: string;
  /** Address of the bucket, without a slash at its end. */
  readonly #bucketUrl: string;

  /** @throws ConfigError */
  constructor({ name, url }: StorageSettings, { endpoint, region, style }: PlaceOptions) {
    this.address = new Address(name, url, ['s3']);
    const { authority, host, query } = this.address;
    if (authority !== host || query !== '')
      throw new ConfigError(`storage.${name}: an s3:// address has no login and no options`, {
        hint: 'keys come from a file (options: {credentials: FILE}), the environment or a command',
      });
    this.bucket = host;
    this.region = region;
    const server = serverOf(name, endpoint ?? `https://s3.${region}.amazonaws.com`);
    if (style !== undefined && !['path', 'host'].includes(style))
      throw new ConfigError(`storage.${name}: option style must be path or host, not '${style}'`);
    const byHost = (style ?? (endpoint === undefined ? 'host' : 'path')) === 'host';
    this.#bucketUrl = byHost
      ? `${server.protocol}//${host}.${server.host}${trimmed(server.pathname)}`
      : `${server.protocol}//${server.host}${trimmed(server.pathname)}/${encodeKey(host)}`;
  }

  /** The key of a path; '' is the whole bucket. @throws ItemError for a path that leads outside */
  key(path: string): string {
    return this.address.inside(path).slice(1);
  }

  /** What the keys of everything below a folder begin with. */
  prefix(path: string): string {
    const key = this.key(path);
    return key === '' ? '' : `${key}/`;
  }

  /** The path of a key. */
  path(key: string): string {
    return this.address.below(`/${key}`);
  }

  /** Address of an object, or of the bucket ('') */
  url(key: string): string {
    return key === '' ? `${this.#bucketUrl}/` : `${this.#bucketUrl}/${encodeKey(key)}`;
  }

  /** As the header `x-amz-copy-source` has it. */
  source(key: string): string {
    return `/${encodeKey(`${this.bucket}/${key}`)}`;
  }
}

/** Percent-encoded as signatures want it. */
function encodeKey(key: string): string {
  return key.split('/').map(encodePart).join('/');
}

export function encodePart(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function serverOf(name: string, endpoint: string): URL {
  const hint = "for example endpoint: 'https://s3.example.org'";
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.search !== '')
    throw new ConfigError(`storage.${name}: option endpoint: '${endpoint}' is not an http(s) address`, { hint });
  if (url.username !== '' || url.password !== '')
    throw new ConfigError(`storage.${name}: option endpoint has a login, which does not belong there`, { hint });
  return url;
}

function trimmed(path: string): string {
  return path.replace(/\/+$/, '');
}

// URLs of an element's files as gfal2 wants them: each scheme writes odd characters in its own way. Pure.
import { nth } from '../../util/values/have.ts';
import { Address, decodeName } from '../tools/address.ts';
import { about } from './about.ts';

/** Addresses of XRootD are its own only where the configuration says so. */
export const SCHEMES = [...about.schemes, 'root', 'roots', 'xroot'];

/** `all`: percent-encoded; `percent`: only `%` and `#` are; `none`: as it is. */
type Escape = 'all' | 'percent' | 'none';

export class Locations {
  readonly address: Address;
  readonly escape: Escape;
  readonly #lead: string;

  /** @throws ConfigError */
  constructor(name: string, url: string, schemes: readonly string[]) {
    // `srm://host/srm/managerv2?SFN=/path`: the path is behind the service's own.
    const service = /^(srm:\/\/[^/?]+)(\/[^?]*\?SFN=)(.*)$/.exec(url);
    this.address = new Address(name, service ? `${service[1]}/${service[3]}` : url, schemes);
    const { scheme, authority } = this.address;
    this.escape = /^(http|dav)s?$/.test(scheme) ? 'all' : /^x?roots?$/.test(scheme) ? 'percent' : 'none';
    this.#lead = `${scheme}://${authority}${service ? nth(service, 2) : this.escape === 'percent' ? '/' : ''}`;
  }

  /** @throws ItemError for a path that would leave the folder */
  url(path: string): string {
    return this.#options(this.#lead + this.#write(this.address.inside(path)));
  }

  /** The same without user, secret and options. @throws ItemError for a path that would leave the folder */
  bareUrl(path: string): string {
    const { authority, host } = this.address;
    return this.#lead.replace(`://${authority}`, () => `://${host}`) + this.#write(this.address.inside(path));
  }

  /** A path below a folder as a listing wrote it. */
  read(written: string): string {
    const plain =
      this.escape === 'all'
        ? written.split('/').map(decodeURIComponent).join('/')
        : this.escape === 'percent'
          ? written.replaceAll('%23', '#').replaceAll('%25', '%')
          : written;
    return decodeName(plain);
  }

  /** Both names, and, for HTTP servers that take the second one literally, how that is to be noticed and mended. */
  renaming(from: string, to: string): { source: string; target: string; raw?: string; wrong?: string } {
    const both = { source: this.url(from), target: this.url(to) };
    const plain = this.address.inside(to);
    const written = this.#write(plain);
    if (this.escape !== 'all' || written === plain) return both;
    return { ...both, raw: this.#options(this.#lead + plain), wrong: this.#options(this.#lead + this.#write(written)) };
  }

  /** True when gfal2 can copy from one to the other by itself. */
  pairs(other: Locations): boolean {
    return this.escape === other.escape;
  }

  #write(path: string): string {
    if (this.escape === 'all') return path.split('/').map(encodeURIComponent).join('/');
    return this.escape === 'percent' ? path.replaceAll('%', '%25').replaceAll('#', '%23') : path;
  }

  #options(url: string): string {
    return this.address.query === '' ? url : `${url}?${this.address.query}`;
  }
}

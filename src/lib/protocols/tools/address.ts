// Addresses of remote storage elements: which part is the server, which the folder, which a secret; and how the names
// of files are written for servers that cannot hold every character. Pure.
import { ConfigError, ItemError } from '../../util/errors.ts';
import { shown } from '../../util/text/names.ts';
import { decodeLogin, hideAddress, splitAddress, withoutSecrets } from '../../util/text/secrets.ts';

export class Address {
  /** `root`, `davs`, ... */
  readonly scheme: string;
  /** `user:secret@host:1094`, as tools need it. */
  readonly authority: string;
  /** Absolute folder with one leading `/`, no `/` at its end; '' is the server's root. */
  readonly folder: string;
  /** `authz=...`, without its `?`. */
  readonly query: string;
  /** `storage sfu`: as messages say it. */
  readonly label: string;

  /** @throws ConfigError where `url` is none, or its scheme is not one of `schemes` */
  constructor(name: string, url: string, schemes: readonly string[]) {
    this.label = `storage ${name}`;
    hideAddress(url);
    const parts = splitAddress(url);
    if (!parts || parts.host === '' || /\s/.test(parts.host) || !schemes.includes(parts.scheme)) {
      const hint = `for example ${schemes[0]}://host.example.org//store/experiment`;
      throw new ConfigError(`storage.${name}: '${withoutSecrets(url)}' is not a ${schemes.join(', ')} address`, {
        hint,
      });
    }
    this.scheme = parts.scheme;
    this.authority = parts.login === undefined ? parts.host : `${encodeLogin(parts.login)}@${parts.host}`;
    this.folder = parts.path.replace(/\/{2,}/g, '/').replace(/\/$/, '');
    this.query = parts.query ?? '';
    if (this.folder.split('/').includes('..')) throw new ConfigError(`storage.${name}: '..' in ${withoutSecrets(url)}`);
  }

  /** Server and port, without user and secret. */
  get host(): string {
    return this.authority.slice(this.authority.lastIndexOf('@') + 1);
  }

  /** The server's path of a file, its name written so that any server takes it. @throws ItemError if it leads outside */
  inside(path: string): string {
    const escapes = path.startsWith('/') || path.includes('\0') || path.split('/').includes('..');
    if (escapes) throw new ItemError(`${this.label}: path '${shown(path)}' leads out of its folder`);
    const clean = encodeName(path)
      .split('/')
      .filter((part) => part !== '' && part !== '.');
    return clean.length === 0 ? this.folder || '/' : `${this.folder}/${clean.join('/')}`;
  }

  /** The path below the folder of a server's path; the inverse of `inside`. */
  below(serverPath: string): string {
    const lead = this.folder === '' ? 0 : this.folder.length;
    return decodeName(
      serverPath
        .replace(/\/{2,}/g, '/')
        .slice(lead)
        .replace(/^\//, ''),
    );
  }

  /** For people and catalogues: percent-encoded, no credentials. */
  shownUrl(path: string): string {
    const encoded = `${this.folder}/${path}`.split('/').map(encodeURIComponent).join('/').replace(/\/$/, '');
    return `${this.scheme}://${this.host}${this.scheme.startsWith('root') ? '/' : ''}${encoded || '/'}`;
  }

  /** A tool's own words on one line, without our secrets. */
  clean(text: string): string {
    const secrets = [this.query, this.authority === this.host ? '' : this.authority.slice(0, -this.host.length)];
    const plain = secrets.filter((secret) => secret !== '').reduce((all, secret) => all.replaceAll(secret, ''), text);
    return shown(
      withoutSecrets(plain)
        .replace(/[\s\0]+/g, ' ')
        .trim(),
    );
  }
}

/** A login as tools take it: every odd character encoded, once. */
function encodeLogin(login: string): string {
  const { user, password } = decodeLogin(login);
  return [user, ...(login.includes(':') ? [password] : [])].map(encodeURIComponent).join(':');
}

// A `?` begins the options of a root:// address and cannot be escaped there; lists of names are divided by newlines.
// So these few are written as %XX, and a % that would be read as such gets a 25 behind it: every name has one writing,
// and names without these characters (all that a detector makes) are written as they are.
const ODD = '[01][0-9A-F]|7F|3F';
const LOOKS_WRITTEN = new RegExp(`%((?:25)*)(${ODD})`, 'g');
const WRITTEN = new RegExp(`%(25)?((?:25)*)(${ODD})`, 'g');

export function encodeName(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
  const odd = /[\x01-\x1f\x7f?]/g;
  return name
    .replace(LOOKS_WRITTEN, '%25$1$2')
    .replace(odd, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}

export function decodeName(written: string): string {
  return written.replace(WRITTEN, (_, more: string | undefined, rest: string, code: string) =>
    more === undefined ? String.fromCharCode(Number.parseInt(code, 16)) : `%${rest}${code}`,
  );
}

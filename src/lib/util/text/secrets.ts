// Secrets: which part of an address is one, and texts without any. The only place that takes them out: every error,
// listing and record passes through `withoutSecrets`.
import { given } from '../values/given.ts';

const MASK = '***';

/** An address taken apart. Of `login` and `query` every part may be a secret. */
export interface SplitAddress {
  /** `https`, lower case. */
  readonly scheme: string;
  /** `user:password` as written; any character, encoded or not. */
  readonly login?: string;
  /** `host` or `host:port`. */
  readonly host: string;
  /** Begins with `/`, or is empty. */
  readonly path: string;
  /** Without its `?`. */
  readonly query?: string;
}

const SCHEME = /^([a-z][a-z0-9+.-]*):\/\//i;
/** What stands before the first `/` where there is no login. */
const HOST = /^(\[[0-9a-f:.]+\]|[^:@]*)(:\d*)?$/i;
/** The `@` before a server and its path. */
const SERVER = /@(?=(?:\[[0-9a-f:.]+\]|[\w.-]+)(?::\d+)?\/)/gi;

/**
 * The parts of `scheme://...`; `undefined` for anything else. A password may hold `@`, `/` and `?` as they are: with one,
 * the last `@` before a server ends it. Only a password that begins with digits and a `/` must be percent-encoded, since
 * it reads like a port.
 */
export function splitAddress(text: string): SplitAddress | undefined {
  const scheme = SCHEME.exec(text)?.[1];
  if (scheme === undefined) return undefined;
  const rest = text.slice(scheme.length + 3);
  const at = endOfLogin(rest);
  const login = at < 0 ? {} : { login: rest.slice(0, at) };
  const [, host = '', path = '', , query] = /^([^/?#]*)([^?]*)(\?([\s\S]*))?$/.exec(rest.slice(at + 1)) ?? [];
  return { scheme: scheme.toLowerCase(), ...login, host, path, ...given({ query }) };
}

/** Where the `@` after the login is; -1: there is none. */
function endOfLogin(rest: string): number {
  const first = rest.split(/[/?#]/, 1)[0] ?? '';
  if (HOST.test(first)) return -1;
  const at = rest.indexOf('@');
  const hasPassword = rest.slice(0, at < 0 ? undefined : at).includes(':');
  if (at < 0 || !hasPassword) return first.lastIndexOf('@');
  // The last `@` before what reads like a server with a path; without such, the last one before the query.
  const server = [...rest.matchAll(SERVER)].at(-1)?.index;
  const query = rest.indexOf('?', at);
  return server ?? (query < 0 ? rest : rest.slice(0, query)).lastIndexOf('@');
}

/** User and password of a login as they are, whether they were percent-encoded or not. */
export function decodeLogin(login: string): { readonly user: string; readonly password: string } {
  const colon = login.indexOf(':');
  const [user, password] = colon < 0 ? [login, ''] : [login.slice(0, colon), login.slice(colon + 1)];
  return { user: decode(user), password: decode(password) };
}

/** Percent-decoded where all of it is an encoding; a lone `%` is a character like any other. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Names of variables, options and settings whose values are secrets. */
const SECRET_NAME = /pass(?!es\b|ed\b|ing\b)|passwd|pwd|secret|token|bearer|authz|api_?key|private_?key|credential/i;

export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

const known = new Set<string>();

/** From now on this value is masked wherever it appears as a word. Too short ones are not: they would mask half a page. */
export function hide(secret: string | undefined): void {
  if (secret === undefined || secret.length < 4) return;
  for (const form of [secret, decode(secret), encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)])
    known.add(form);
}

/** Hides the login and the query's values of an address. */
export function hideAddress(text: string): void {
  const parts = splitAddress(text);
  if (parts?.login !== undefined) {
    const { user, password } = decodeLogin(parts.login);
    hide(password === '' ? user : password);
    hide(parts.login.slice(parts.login.indexOf(':') + 1));
  }
  for (const pair of parts?.query?.split('&') ?? []) hide(pair.slice(pair.indexOf('=') + 1));
}

/** Hides the password of an address, and nothing else. */
export function hidePassword(text: string): void {
  const { login = '' } = splitAddress(text) ?? {};
  const { password } = decodeLogin(login);
  hide(password);
  if (password !== '') hide(login.slice(login.indexOf(':') + 1));
}

/** Hides what a shell text assigns to variables with names of secrets: `export PGPASSWORD=...`. */
export function hideAssigned(script: string): void {
  for (const [, name = '', , value] of script.matchAll(/\b([A-Za-z_]\w*)=(["']?)([^\s"';]+)/g))
    if (isSecretName(name)) hide(value);
}

// What repeats is bounded: a log line of a megabyte without blanks must not take hours.
const ADDRESS = /[a-z][a-z0-9+.-]{0,30}:\/\/[^\s"'`<>]+/gi;
const ASSIGNED =
  /((?:password|passwd|pwd|secret|token|authz|api_?key)[\w.-]{0,60})(\s*=\s*|%3D)(Bearer(?:\s+|%20))?[^\s"'&,;)}\]]+/gi;
const SAID = /\b(password|passwd|secret)(:\s*)[^\s"'&,;)}\]]+/gi;
const BEARER = /(\bAuthorization:\s*\w+|\b(?:Bearer|Basic)(?=(?:\s+|%20)[\w.~+/=-]{8}))(\s+|%20)\S+/gi;

/** The text with `***` for whatever is a secret: known ones, logins and queries of addresses, `token=...`, `Bearer ...`. */
export function withoutSecrets(text: string): string {
  return withoutKnown(text)
    .replace(ADDRESS, maskAddress)
    .replace(ASSIGNED, `$1$2${MASK}`)
    .replace(SAID, `$1$2${MASK}`)
    .replace(BEARER, `$1$2${MASK}`);
}

function withoutKnown(text: string): string {
  let clean = text;
  for (const secret of [...known].sort((a, b) => b.length - a.length)) {
    if (clean.includes(secret)) clean = clean.replace(wordOf(secret), MASK);
  }
  return clean;
}

function wordOf(secret: string): RegExp {
  const plain = secret.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
  return new RegExp(`(?<![A-Za-z0-9])${plain}(?![A-Za-z0-9])`, 'g');
}

function maskAddress(found: string): string {
  // The end of a sentence or a bracket is not part of an address.
  const end = /[),.;:\]}]*$/.exec(found)?.[0] ?? '';
  const text = found.slice(0, found.length - end.length);
  const parts = splitAddress(text);
  if (!parts || (parts.login === undefined && parts.query === undefined)) return found;
  const { scheme, login, host, path, query } = parts;
  return `${scheme}://${login === undefined ? '' : `${MASK}@`}${host}${path}${query === undefined ? '' : `?${maskQuery(query)}`}${end}`;
}

/** Names stay, values do not; an odd query goes as a whole. */
function maskQuery(query: string): string {
  return query
    .split('&')
    .map((pair) => (pair.includes('=') ? `${pair.slice(0, pair.indexOf('='))}=${MASK}` : MASK))
    .join('&');
}

// Three ways to a token: a password, an X.509 proxy, or a file that has one (OIDC).
import { readFileSync } from 'node:fs';
import type { CatalogueOptions } from '../../catalogue.ts';
import type { CatalogueSettings } from '../../domain/settings.ts';
import { tokenLeft } from '../../domain/token.ts';
import { CredentialsError } from '../../util/errors.ts';
import { wordsOf } from '../../util/systemerrors.ts';
import { hide } from '../../util/text/secrets.ts';
import type { Answer, Ask } from './exchange.ts';

export interface Token {
  readonly text: string;
  /** By the clock of the session. */
  readonly until: number;
}

interface Means {
  readonly send: (ask: Ask, headers: Readonly<Record<string, string>>) => Promise<Answer>;
  readonly clock: () => number;
  readonly meaning: (ask: Ask, answer: Answer) => Error;
}

export interface Login {
  token(means: Means): Promise<Token>;
  /** What connections show of themselves, read anew; absent: nothing. */
  readonly shows?: () => { readonly cert: Buffer; readonly key: Buffer };
}

/** A token that does not say how long it is good for, in milliseconds: the server refuses it in time. */
const UNKNOWN = 10 * 60_000;

export function loginOf(settings: CatalogueSettings, options: CatalogueOptions): Login {
  const { auth, account } = settings;
  if (auth.by === 'token') return { token: async ({ clock }) => fromFile(auth.path, clock) };
  if (auth.by === 'proxy')
    return {
      token: (means) => asked(means, '/auth/x509_proxy', { 'x-rucio-account': account }),
      shows: () => {
        const pem = secretFile(auth.path, 'the X.509 proxy', 'voms-proxy-init');
        return { cert: pem, key: pem };
      },
    };
  return {
    token: (means) => {
      const { user, password } = options.login();
      const headers = { 'x-rucio-account': account, 'x-rucio-username': user, 'x-rucio-password': password };
      return asked(means, '/auth/userpass', headers);
    },
  };
}

async function asked(
  { send, clock, meaning }: Means,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<Token> {
  const ask: Ask = { method: 'GET', path };
  const answer = await send(ask, headers);
  const text = answer.headers['x-rucio-auth-token'];
  if (answer.status >= 300 || typeof text !== 'string') throw meaning(ask, answer);
  hide(text);
  return { text, until: clock() + leftOf(answer) };
}

/** How long it is good for, by the server's clock alone: the clock of this host may be wrong. */
function leftOf({ headers: { 'x-rucio-auth-token-expires': expires, date } }: Answer): number {
  const left = Date.parse(String(expires)) - Date.parse(String(date));
  return Number.isNaN(left) ? UNKNOWN : left;
}

/** Read at each need: whoever renews it writes the same file. */
function fromFile(path: string, clock: () => number): Token {
  const text = secretFile(path, 'the token file', 'htgettoken').toString('utf8').trim();
  if (text === '') throw new CredentialsError('the token file is empty', { where: path, hint: 'htgettoken' });
  hide(text);
  const seconds = tokenLeft(text, Date.now());
  // One that has ended by the clock of this host is shown to the server all the same: that clock may be wrong.
  return { text, until: clock() + (seconds === undefined || seconds <= 0 ? UNKNOWN : seconds * 1000) };
}

function secretFile(path: string, what: string, next: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new CredentialsError(`${what} cannot be read: ${wordsOf(cause)}`, { where: path, hint: next, cause });
  }
}

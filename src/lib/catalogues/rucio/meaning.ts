// What Rucio's refusals mean. It names the exception in a header, and answers 500 for what is the caller's fault as well.
import type { CatalogueSettings } from '../../domain/settings.ts';
import { CredentialsError, ItemError, UnreachableError } from '../../util/errors.ts';
import type { Answer, Ask } from './exchange.ts';

export interface Refusal {
  readonly refused: true;
  readonly status: number;
  /** `ScopeNotFound`; empty where something before Rucio has answered. */
  readonly exception: string;
  /** Its words, one line. */
  readonly words: string;
  /** The next try may well succeed. */
  readonly passing: boolean;
}

/** What the server throws where its database, and not the question, is at fault. */
const PASSING = new Set([
  '',
  'DatabaseException',
  'ServiceUnavailable',
  'ResourceTemporaryUnavailable',
  'ServerConnectionException',
]);
/** A database that is locked or away comes as a general exception. */
const BUSY = /database is locked|OperationalError|server closed the connection|could not connect|QueuePool limit/i;

export function refusalOf({ status, headers, text }: Answer): Refusal {
  const exception = headerOf(headers.exceptionclass);
  const words = headerOf(headers.exceptionmessage) || text;
  const line = words.replace(/\s+/g, ' ').trim().slice(0, 300);
  const passing = status >= 500 && (PASSING.has(exception) || BUSY.test(words));
  return { refused: true, status, exception, words: line === '' ? `status ${status}` : line, passing };
}

function headerOf(value: string | string[] | undefined): string {
  return (Array.isArray(value) ? value[0] : value) ?? '';
}

/** Exceptions that are about one file of many: the others can be said without it. */
const OF_ONE: ReadonlySet<string> = new Set([
  'InvalidObject',
  'InvalidPath',
  'FileConsistencyMismatch',
  'FileAlreadyExists',
  'RucioException',
  'UnsupportedOperation',
  'InvalidMetadata',
  'DataIdentifierAlreadyExists',
]);

export const isOfOne = ({ exception }: Refusal): boolean => OF_ONE.has(exception);

/** What a person does about an exception. */
const NEXT: Readonly<Record<string, (settings: CatalogueSettings) => string>> = {
  ScopeNotFound: ({ account }) =>
    `rucio scope add SCOPE --account ${account}; or correct catalogue.scope in dflow.yaml`,
  RSENotFound: () => 'rucio rse list; then correct catalogue.rses in dflow.yaml',
  RSEProtocolNotSupported: () =>
    'rucio rse show RSE; add the protocol there, or set catalogue.rses.NAME.url in dflow.yaml to an address that the RSE knows',
  RSEFileNameNotSupported: () =>
    'rucio rse show RSE; catalogue.rses.NAME.url in dflow.yaml must begin as the protocol of the RSE does',
  AccessDenied: ({ account }) => `ask an administrator of Rucio for this right for the account ${account}`,
  InsufficientAccountLimit: ({ account }) =>
    `ask an administrator of Rucio: rucio account limit add ${account} --rse RSE`,
};

export function meaningOf(ask: Ask, refusal: Refusal, settings: CatalogueSettings): Error {
  const { status, exception, words, passing } = refusal;
  const where = `${settings.url}${ask.path.replace(/\?.*$/, '')}`;
  if (status === 401 || exception === 'CannotAuthenticate') return loginRefused(words, settings);
  if (passing || status === 429) {
    const what = exception === '' ? `it answers ${status}` : words;
    return new UnreachableError(`Rucio cannot be used: ${what}`, {
      where,
      hint: `curl -sS ${settings.url}/ping; what is to be said is kept, and dflow catalogue sync says it later`,
    });
  }
  const hint = NEXT[exception]?.(settings) ?? `look in the log of the Rucio server for '${exception || status}'`;
  return new ItemError(`Rucio refuses it: ${words}${exception === '' ? '' : ` (${exception})`}`, { where, hint });
}

function loginRefused(words: string, { url, account, auth }: CatalogueSettings): CredentialsError {
  const host = new URL(url).host;
  const how = {
    user: `correct the entry of ${host} in the credentials file (~/.config/dflow/credentials.yaml), or catalogue.account in dflow.yaml`,
    proxy: 'voms-proxy-init; the distinguished name must be an identity of the account: rucio account identity list',
    token: 'renew the token file (htgettoken), and see that its audience is Rucio',
  };
  return new CredentialsError(`Rucio refuses the login of account ${account}: ${words}`, {
    where: url,
    hint: how[auth.by],
  });
}

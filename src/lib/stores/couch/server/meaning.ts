// What an answer of CouchDB that is no success means, as an error of ours: with its HTTP status and the server's words.
import { STATUS_CODES } from 'node:http';
import { grantLine } from '../../../domain/roles.ts';
import { ItemError, LoginError, ReadOnlyStoreError, StoreError } from '../../../util/errors.ts';
import { UnclearError } from '../../shared/server/unclear.ts';

/** The account is locked: who asks again keeps it locked. */
export class LockedError extends LoginError {}

/** An answer that is no success. */
export interface Failure {
  readonly status: number;
  readonly error?: string;
  readonly reason?: string;
  readonly retryAfter?: number;
}

/** Who asked whom. */
export interface Asked {
  /** The database's URL, without a login. */
  readonly where: string;
  readonly server: string;
  readonly user?: string;
}

/** The server's words with the HTTP status: `HTTP 503 Service Unavailable: the words`. */
function wordsOf({ status, error, reason }: Failure): string {
  const text = [error, reason].filter((part) => part !== undefined && part !== '').join(': ');
  return `HTTP ${status} ${STATUS_CODES[status] ?? ''}`.trim() + (text === '' ? '' : `: ${text}`);
}

export function unreachable({ where, server }: Asked, why: string): UnclearError {
  return new UnclearError(`the store cannot be reached: ${why}`, { where, hint: `curl -sS ${server}_up` });
}

/** What the failure means. */
export function meaningOf(failure: Failure, asked: Asked): StoreError | ReadOnlyStoreError | ItemError {
  const { status, reason = '', error = '', retryAfter } = failure;
  const { where, server } = asked;
  const words = wordsOf(failure);
  if (status === 401 || status === 403) return refusalOf(failure, asked);
  if (status === 404 && /no_db_file|Database does not exist/i.test(`${error} ${reason}`)) {
    return new StoreError(`the database does not exist: ${words}`, { where, hint: 'dflow store setup' });
  }
  if (status === 413) {
    const hint = 'raise max_document_size of CouchDB';
    return new ItemError(`the store does not take a document this large: ${words}`, { where, hint });
  }
  if (status === 408 || status === 429 || status >= 500) {
    const timedOut = status === 408 || status === 504 || (status !== 503 && /timeout|reasonable/i.test(error + reason));
    const wait = retryAfter === undefined ? '' : `, which asks to wait ${Math.ceil(retryAfter / 1000)} s`;
    const text = `the store answers with an error: ${words}${wait}`;
    return new UnclearError(text, { where, hint: `curl -sS ${server}_up`, timedOut, retryAfter });
  }
  return new StoreError(`the store answers with an error: ${words}`, { where, hint: `curl -sS ${server}` });
}

const PASSWORD =
  'correct DFLOW_COUCH_USER and DFLOW_COUCH_PASSWORD, or the credentials file (~/.config/dflow/credentials.yaml)';

/** 401 and 403: the account is locked, the password is wrong, a right is missing. */
function refusalOf(failure: Failure, { where, user }: Asked): LoginError | ReadOnlyStoreError {
  const words = wordsOf(failure);
  const who = user === undefined ? 'nobody is logged in' : `user '${user}'`;
  const { reason = '' } = failure;
  if (/temporarily locked/i.test(reason)) {
    return new LockedError(
      `the account of user '${user}' is locked for this address after several wrong passwords: ${words}`,
      {
        where,
        hint: 'wait 5 minutes and stop what still uses an old password at this address; dflow does not ask meanwhile',
      },
    );
  }
  if (/not (a|an) .*admin|not a db or server/i.test(reason)) {
    const hint = 'the same command as an admin of the database (`_security`), or of the server: DFLOW_COUCH_USER=ADMIN';
    const refused =
      user === undefined ? 'nobody is logged in, and this takes an admin' : `user '${user}' may not do this`;
    return new ReadOnlyStoreError(`${refused}: ${words}`, { where, hint });
  }
  if (/not (allowed|authorized) to access/i.test(reason) && user !== undefined) {
    const hint = `an admin of the database adds '${user}' to its members (\`_security\`), or another user: DFLOW_COUCH_USER`;
    return new LoginError(`user '${user}' may not read this database: ${words}`, { where, hint });
  }
  if (failure.status === 403 && user !== undefined) return mayNotWrite(words, { where, user });
  return new LoginError(`the store refuses the login (${who}): ${words}`, { where, hint: PASSWORD });
}

/** The server's rules do not let this user write that; those of dflow name the role that may. */
export function mayNotWrite(words: string, { where, user }: Pick<Asked, 'where' | 'user'>): ReadOnlyStoreError {
  const who =
    user === undefined ? 'nobody is logged in, so nothing may be written' : `user '${user}' may not write this`;
  const role = /needs the role (\w+)/.exec(words)?.[1];
  const hint = role
    ? `a user with the role ${role}: DFLOW_COUCH_USER=NAME; or an admin of the server gives it: ${grantLine(user ?? 'USER', role)}`
    : 'another user: DFLOW_COUCH_USER and DFLOW_COUCH_PASSWORD; or an admin of the database gives the right';
  return new ReadOnlyStoreError(`${who}: ${words}`, { where, hint });
}

/** The database is not there, and making it takes an admin of the server. */
export function mayNotCreate({ where, user }: Asked, { message }: Error): ReadOnlyStoreError {
  const admin = user === undefined ? '' : `, and name '${user}' in its \`_security\` as an admin`;
  return new ReadOnlyStoreError(`the database does not exist, and ${message}`, {
    where,
    hint: `an admin of the server must make it: curl -X PUT -u ADMIN ${where} (on a cluster with n=1)${admin}; then: dflow store setup`,
  });
}

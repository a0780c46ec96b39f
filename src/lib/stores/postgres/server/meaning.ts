// What an error of PostgreSQL means, as an error of ours: with its SQLSTATE and the server's words.
import {
  type DflowError,
  type ErrorDetail,
  ItemError,
  LoginError,
  ReadOnlyStoreError,
  StoreError,
  UsageError,
} from '../../../util/errors.ts';
import { reasonOf } from '../../../util/reason.ts';
import { field } from '../../../util/values/field.ts';
import { olderText } from '../../shared/mark.ts';
import { UnclearError } from '../../shared/server/unclear.ts';
import { BEHIND, PRUNED } from '../functions.ts';
import { PASSWORD } from './login.ts';

/** The server that answers takes no writes now: a standby, or one that was set to reading. */
export class StandbyError extends UnclearError {}

/** Who asked whom. */
export interface Asked {
  /** The store's URL, without a login. */
  readonly where: string;
  readonly user: string;
  readonly database: string;
  readonly schema: string;
  /** `-h HOST -p PORT` of the server that was asked last. */
  readonly host: () => string;
  /** How far this host knew the store to have come; to be removed where it may have gone back. */
  readonly mark: string | undefined;
}

const codeIn = (error: unknown): string => String(field(error, 'code') ?? '');

/** What the error means; one that is not a server's answer is an outage. */
export function meaningOf(error: unknown, asked: Asked): DflowError {
  const { where } = asked;
  const code = codeIn(error);
  const said = String(field(error, 'message') ?? error);
  if (!/^[0-9A-Z]{5}$/.test(code) || code.startsWith('E')) return unansweredOf(error, said, asked);
  const words = `${code}: ${said}`;
  const psql = `psql ${asked.host()} -U ${asked.user} ${asked.database}`;
  return (
    refusal(code, words, asked) ??
    absence(code, words, asked) ??
    outage(code, words, { where, hint: `${psql} -c 'select 1'` }, asked) ??
    damage(code, words, { where, cause: error }, asked) ??
    new StoreError(`the store answers with an error: ${words}`, { where, hint: psql, cause: error })
  );
}

/** No answer, or none of PostgreSQL's: the connection broke, or was never made. */
function unansweredOf(error: unknown, said: string, { where, user, host }: Asked): DflowError {
  if (/password must be a string|SASL.*password/i.test(said)) {
    return new LoginError(`the store wants a password of user '${user}', and there is none`, { where, hint: PASSWORD });
  }
  const hint = `pg_isready ${host()}`;
  if (/certificate|self.signed|altnames|CERT_/i.test(`${said} ${codeIn(error)}`)) {
    const what = `the server's certificate is not accepted: ${said}`;
    return new StoreError(what, { where, hint: 'in `store:`: sslrootcert=FILE of the authority, or another sslmode' });
  }
  if (/does not support SSL/i.test(said)) {
    return new StoreError(`the server has no TLS: ${said}`, { where, hint: 'in `store:`: sslmode=disable' });
  }
  return new UnclearError(`the store cannot be reached: ${reasonOf(error)}`, { where, hint });
}

/** Logins and rights. */
function refusal(code: string, words: string, asked: Asked): DflowError | undefined {
  const { where, user, schema } = asked;
  // pgbouncer has one code for much, and says in words what is wrong.
  if (code === '28P01' || (/auth|password/i.test(words) && code === '08P01')) {
    return new LoginError(`the store refuses the login (user '${user}'): ${words}`, { where, hint: PASSWORD });
  }
  if (code.startsWith('28')) {
    const hint = `an admin of the server adds a line for '${user}' to pg_hba.conf, or makes the role: createuser -P ${user}`;
    return new LoginError(`the store refuses the login (user '${user}'): ${words}`, { where, hint });
  }
  if (code !== '42501') return undefined;
  const hint = `an owner of the database gives the right: GRANT USAGE ON SCHEMA ${schema} TO "${user}"; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO "${user}"`;
  return new ReadOnlyStoreError(`user '${user}' may not do this: ${words}`, { where, hint });
}

/** What is not there. */
function absence(code: string, words: string, { where, host, database, user }: Asked): DflowError | undefined {
  if (code === '3D000' || (code === '08P01' && /no such database/i.test(words))) {
    const hint = `an admin of the server makes it: createdb ${host()} -E UTF8 -T template0 -O ${user} ${database}; then: dflow store setup`;
    return new UsageError(`the database does not exist: ${words}`, { where, hint });
  }
  if (['3F000', '42P01', '42883', '42703'].includes(code)) {
    const hint = 'where the store was never set up: dflow store setup; after an upgrade of dflow: dflow store deploy';
    return new UsageError(`the store lacks what this version of dflow needs: ${words}`, { where, hint });
  }
  if (code !== PRUNED) return undefined;
  const hint =
    'install the version of dflow that the other hosts have; or, to have the views of both: dflow store deploy';
  return new UsageError('the views of this version of dflow were removed from the store', { where, hint });
}

/** What passes: the server restarts, has no connection left, or gave the statement up. */
function outage(code: string, words: string, detail: ErrorDetail, asked: Asked): UnclearError | undefined {
  if (code === '25006') return new StandbyError(`the server takes no writes: ${words}`, detail);
  if (code === '53300' || (code === '08P01' && /connections/i.test(words))) {
    const hint = 'end idle connections, raise max_connections, or put pgbouncer in front of the server';
    return new UnclearError(`the server has no connection left: ${words}`, { ...detail, hint });
  }
  if (code === '57014' || code === '55P03') {
    const hint = `ALTER ROLE "${asked.user}" SET ${code === '57014' ? 'statement_timeout' : 'lock_timeout'} = '60s'`;
    return new UnclearError(`the server gave the statement up: ${words}`, { ...detail, hint, timedOut: true });
  }
  if (code.startsWith('57P') || code.startsWith('08')) {
    return new UnclearError(`the store cannot be reached: ${words}`, detail);
  }
  if (code.startsWith('40') || code === '53200') {
    return new UnclearError(`the store answers with an error: ${words}`, detail);
  }
  return undefined;
}

/** What a person must look at. */
function damage(code: string, words: string, detail: ErrorDetail, asked: Asked): DflowError | undefined {
  if (code === BEHIND) return wentBack(Number(words.split(': ')[1]), asked);
  if (code === '53100') {
    const hint = 'on the server: df -h; free space there, and run the command again';
    return new StoreError(`the disk of the store's server is full; nothing was written: ${words}`, { ...detail, hint });
  }
  if (code === '54000' || code === '22P05' || code === '22021') {
    return new ItemError(`the store does not take a document like this: ${words}`, detail);
  }
  if (code === '23505') {
    const hint = 'dflow store deploy';
    return new StoreError(`the view rows do not agree with the documents: ${words}`, { ...detail, hint });
  }
  if (!code.startsWith('XX')) return undefined;
  const hint = 'put back a backup of the database; to save the readable documents first: dflow store export';
  return new StoreError(`the server says that its data are damaged: ${words}`, { ...detail, hint });
}

/** A backup was put back, or a standby took over that had not received everything. */
export function wentBack(missing: number, { where, mark }: Asked): StoreError {
  const accept = mark === undefined ? 'run the command again' : `rm ${mark}`;
  return new StoreError(olderText(missing), {
    where,
    hint: `a standby took over without the last changes, or a backup was put back; jobs that were started since would run again; to accept that: ${accept}`,
  });
}

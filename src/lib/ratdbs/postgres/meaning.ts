// What an error of the database means: it is away, its user may not, a query is wrong, or a table is not taken.
import { TablesAwayError } from '../../runtables.ts';
import { PASSWORD } from '../../stores/postgres/server/login.ts';
import { ConfigError, CredentialsError, type DflowError, ItemError } from '../../util/errors.ts';
import { reasonOf } from '../../util/reason.ts';
import { field } from '../../util/values/field.ts';

export interface Asked {
  /** The URL without a login. */
  readonly where: string;
  readonly user: string;
  readonly database: string;
}

/** One that passes within seconds: a restart, a connection that somebody else has. */
class PassingError extends TablesAwayError {}

export const isPassing = (error: unknown): boolean => error instanceof PassingError;

export function meaningOf(error: unknown, asked: Asked): DflowError {
  const code = String(field(error, 'code') ?? '');
  const said = String(field(error, 'message') ?? error);
  if (!/^[0-9A-Z]{5}$/.test(code) || code.startsWith('E')) return unanswered(error, said, asked);
  const words = `${code}: ${said}`;
  return (
    refusal(code, words, asked) ?? outage(code, words, asked) ?? content(code, words, asked) ?? other(words, asked)
  );
}

function unanswered(error: unknown, said: string, { where, user }: Asked): DflowError {
  if (/password must be a string|SASL.*password/i.test(said))
    return new CredentialsError(`RATDB wants a password of user '${user}', and none is known`, {
      where,
      hint: PASSWORD,
    });
  return new PassingError(`RATDB cannot be reached: ${reasonOf(error)}`, { where, hint: `pg_isready -d ${where}` });
}

function refusal(code: string, words: string, { where, user, database }: Asked): DflowError | undefined {
  if (code === '28P01' || (code === '08P01' && /auth|password/i.test(words)))
    return new CredentialsError(`RATDB refuses the login (user '${user}'): ${words}`, { where, hint: PASSWORD });
  if (code.startsWith('28'))
    return new CredentialsError(`RATDB refuses the login (user '${user}'): ${words}`, {
      where,
      hint: `an admin of the server adds a line for '${user}' to pg_hba.conf, or makes the role`,
    });
  if (code === '3D000')
    return new ConfigError(`the database '${database}' does not exist: ${words}`, {
      where,
      hint: 'correct tables.source in dflow.yaml',
    });
  return code === '42501' || code === '25006' ? notWritable(words, { where, user, database }) : undefined;
}

/** The user may not write, or may not even read. */
export function notWritable(words: string, { where, user }: Asked): TablesAwayError {
  const hint = `to only read: tables.writeBack: false in dflow.yaml; to write: an owner of the tables grants SELECT and INSERT to "${user}"`;
  return new TablesAwayError(`RATDB does not let user '${user}' do this: ${words}`, { where, hint });
}

function outage(code: string, words: string, { where, user }: Asked): DflowError | undefined {
  const hint = `pg_isready -d ${where}`;
  if (code === '53300')
    return new PassingError(`RATDB cannot be reached: it has no connection left for user '${user}' (${words})`, {
      where,
      hint: 'end idle connections of this user, or raise its limit: ALTER ROLE ... CONNECTION LIMIT',
    });
  if (code === '55P03' || code === '57014')
    return new TablesAwayError(`RATDB cannot be asked: a table is locked or the query takes too long (${words})`, {
      where,
      hint: `psql -c 'select pid, query from pg_stat_activity where cardinality(pg_blocking_pids(pid)) = 0'`,
    });
  if (code.startsWith('57P') || code.startsWith('08') || code.startsWith('40'))
    return new PassingError(`RATDB cannot be reached: ${words}`, { where, hint });
  return code.startsWith('53') ? new TablesAwayError(`RATDB has no room left: ${words}`, { where, hint }) : undefined;
}

/** A table that the database does not take. */
function content(code: string, words: string, { where }: Asked): DflowError | undefined {
  return code.startsWith('22') || code.startsWith('23') || code.startsWith('54')
    ? new ItemError(`RATDB does not take this table: ${words}`, { where })
    : undefined;
}

/** What the configuration's queries made of it. */
function other(words: string, { where }: Asked): DflowError {
  return new ConfigError(`a query is wrong: ${words}`, { where, hint: `psql ${where}` });
}

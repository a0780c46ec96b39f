// Who logs in at a PostgreSQL server, and how the connection is protected. Nothing here is ever shown.
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { ConnectionOptions as Tls } from 'node:tls';
import type pg from 'pg';
import { ConfigError } from '../../../util/errors.ts';
import { hide } from '../../../util/text/secrets.ts';
import { type Environment, filedLogin } from '../../shared/server/credentials.ts';
import type { Host, Place } from './place.ts';

/** What helps where a password is wrong or missing. */
export const PASSWORD =
  'set PGPASSWORD, or correct ~/.pgpass or the credentials file (~/.config/dflow/credentials.yaml)';

export interface PostgresLogin {
  readonly user: string;
  /** Absent: `pg` looks into the file of PGPASSFILE, or `~/.pgpass`. */
  readonly password?: string;
}

/**
 * The URL's own password, else PGPASSWORD, else the credentials file (an entry for the first host, with its port where it
 * is not 5432), else `.pgpass`. The user: the URL's, else that of the entry, else PGUSER, else whoever runs dflow.
 */
export function loginOf(place: Place, env: Environment): PostgresLogin {
  const given = place.password ?? (env.PGPASSWORD || undefined);
  const filed = given === undefined ? filedFor(place, env) : undefined;
  const password = given ?? filed?.password;
  hide(password);
  const user = place.user ?? filed?.user ?? (env.PGUSER || userInfo().username);
  return { user, ...(password !== undefined && { password }) };
}

/** The file's entry, where it is for the URL's user. */
function filedFor(place: Place, env: Environment): ReturnType<typeof filedLogin> {
  const [first] = place.hosts;
  if (!first) return undefined;
  const filed = filedLogin(first.port === 5432 ? first.host : `${first.host}:${first.port}`, env);
  return place.user === undefined || filed?.user === place.user ? filed : undefined;
}

/** What `pg` wants to know of one server. `plain`: it has no TLS. @throws ConfigError when a file of TLS cannot be read */
export function clientOptions(
  place: Place,
  { user, password }: PostgresLogin,
  { host, port }: Host,
  plain: boolean,
): pg.ClientConfig {
  return {
    host,
    port,
    user,
    database: place.database,
    ...(password !== undefined && { password }),
    ssl: plain || host.startsWith('/') ? false : tlsOf(place),
    keepAlive: true,
    application_name: 'dflow',
    // Every value as the server's text: whoever reads it knows its type.
    types: { getTypeParser: () => (text: string) => text },
  };
}

/** What `pg` wants to know of TLS; `false`: none. @throws ConfigError when a file cannot be read */
function tlsOf({ sslmode, files }: Place): false | Tls {
  if (sslmode === 'disable' || sslmode === 'allow') return false;
  const [ca, cert, key] = [read(files.ca), read(files.cert), read(files.key)];
  const own = { ...(cert && { cert }), ...(key && { key }) };
  // As in libpq: without an authority the server's certificate is not looked at, below verify-ca.
  const checked = sslmode.startsWith('verify') || (sslmode === 'require' && ca !== undefined);
  if (!checked) return { ...own, rejectUnauthorized: false };
  const anyName = sslmode === 'verify-full' ? {} : { checkServerIdentity: () => undefined };
  return { ...own, ...(ca && { ca }), ...anyName, rejectUnauthorized: true };
}

function read(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ConfigError('a file of the TLS options of the database cannot be read', {
      where: path,
      hint: `ls -l ${path}`,
      cause,
    });
  }
}

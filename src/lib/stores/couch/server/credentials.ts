// The login for a CouchDB server: from the environment, the URL, or the credentials file. Never shown to anyone: what
// leaves here for messages is the URL without it.

import { ConfigError } from '../../../util/errors.ts';
import { decodeLogin, hide, splitAddress, withoutSecrets } from '../../../util/text/secrets.ts';
import { type Environment, filedLogin, type Login } from '../../shared/server/credentials.ts';

/** A database URL taken apart. */
export interface Place {
  /** Server, with the path above the database, ending in `/`. */
  readonly server: string;
  /** The database's name, encoded as it stood in the URL. */
  readonly database: string;
  /** The whole, for messages. */
  readonly where: string;
  /** `host` or `host:port`: its key in the credentials file. */
  readonly host: string;
  readonly login?: Login;
}

/** @throws ConfigError when it is no `http(s)://host/database` */
export function parsePlace(text: string): Place {
  const bare = withoutSecrets(text);
  const hint = 'store: https://couch.example.org/data-processing';
  const address = splitAddress(text);
  const plain = address && `${address.scheme}://${address.host}${address.path}`;
  if (!plain || !URL.canParse(plain)) throw new ConfigError('the store is not a URL', { where: bare, hint });
  const url = new URL(plain);
  const parts = url.pathname.split('/').filter(Boolean);
  const database = parts.pop();
  if (!database) throw new ConfigError('the URL of the store names no database', { where: bare, hint });
  const server = `${[url.origin, ...parts].join('/')}/`;
  const login = address.login ? decodeLogin(address.login) : undefined;
  return { server, database, where: server + database, host: url.host, ...(login && { login }) };
}

/**
 * Environment (`DFLOW_COUCH_USER`, `DFLOW_COUCH_PASSWORD`), else the URL's own, else the credentials file, else none.
 * The file is `$DFLOW_CREDENTIALS` or `~/.config/dflow/credentials.yaml`, readable by its owner only:
 * `couch.example.org: {user: snoplus, password: secret}`, one entry per host (with its port where the URL has one).
 * @throws CredentialsError when the file can be read by others, or is named and missing
 * @throws ConfigError when it does not parse
 */
export async function findLogin(place: Place, env: Environment): Promise<Login | undefined> {
  const login = await loginOf(place, env);
  hide(login?.password);
  return login;
}

async function loginOf(place: Place, env: Environment): Promise<Login | undefined> {
  if (env.DFLOW_COUCH_USER) return { user: env.DFLOW_COUCH_USER, password: env.DFLOW_COUCH_PASSWORD ?? '' };
  if (place.login) return place.login;
  return filedLogin(place.host, env);
}

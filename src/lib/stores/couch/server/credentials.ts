// The login for a CouchDB server: from the environment, the URL, or the credentials file. Never shown to anyone: what
// leaves here for messages is the URL without it.

import { homedir } from 'node:os';
import { join } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { ConfigError, CredentialsError } from '../../../util/errors.ts';
import { foreign } from '../../../util/files/owner.ts';
import { readRegular } from '../../../util/files/readfile.ts';
import { codeOf } from '../../../util/systemerrors.ts';
import { decodeLogin, hide, splitAddress, withoutSecrets } from '../../../util/text/secrets.ts';
import { field } from '../../../util/values/field.ts';

export interface Login {
  readonly user: string;
  readonly password: string;
}

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

type Environment = Readonly<Record<string, string | undefined>>;

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
  const named = env.DFLOW_CREDENTIALS;
  const path = named ?? join(env.XDG_CONFIG_HOME ?? join(homedir(), '.config'), 'dflow', 'credentials.yaml');
  const text = readPrivate(path, named !== undefined);
  return text === undefined ? undefined : loginIn(text, place.host, path);
}

/** Bytes of the file at most. */
const LIMIT = 1_000_000;

function readPrivate(path: string, required: boolean): string | undefined {
  try {
    // Who names the file vouches for its place; one that was found must lie where nobody else can put one.
    const found = required ? undefined : foreign(path);
    if (found)
      throw new CredentialsError(`others can write the credentials file: '${found.path}' ${found.why}`, {
        where: path,
        hint: `chown and chmod '${found.path}', or name the file: DFLOW_CREDENTIALS=${path}`,
      });
    const bytes = readRegular(path, LIMIT, ({ mode }) => {
      if ((mode & 0o077) === 0) return;
      throw new CredentialsError('the credentials file can be read by others', {
        where: path,
        hint: `chmod 600 ${path}`,
      });
    });
    return bytes.toString('utf8');
  } catch (cause) {
    if (cause instanceof CredentialsError) throw cause;
    if (codeOf(field(cause, 'cause')) === 'ENOENT' && !required) return undefined;
    throw new CredentialsError('the credentials file cannot be read', { where: path, hint: `ls -l ${path}`, cause });
  }
}

async function loginIn(text: string, host: string, path: string): Promise<Login | undefined> {
  const lines = new LineCounter();
  const refused = (where: string): ConfigError => new ConfigError('the credentials file does not parse', { where });
  let all: unknown;
  try {
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
    const error = document.errors[0];
    if (error) {
      const { line, col } = lines.linePos(error.pos[0]);
      throw refused(`${path}:${line}:${col}`);
    }
    all = document.toJS();
  } catch (error) {
    // Aliases of aliases, or a depth that is made to exhaust the reader.
    throw error instanceof ConfigError ? error : refused(path);
  }
  const entry = field(all, host) ?? field(all, host.replace(/:\d+$/, ''));
  if (entry === undefined) return undefined;
  const [user, password] = [field(entry, 'user'), field(entry, 'password')];
  if (typeof user === 'string' && (typeof password === 'string' || typeof password === 'number')) {
    return { user, password: String(password) };
  }
  throw new ConfigError(`the entry of ${host} lacks user or password`, {
    where: path,
    hint: `${host}: {user: NAME, password: SECRET}`,
  });
}

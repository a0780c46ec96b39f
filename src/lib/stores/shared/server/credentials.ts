// The credentials file: logins for the servers of stores, readable by its owner only.

import { homedir } from 'node:os';
import { join } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { ConfigError, CredentialsError } from '../../../util/errors.ts';
import { foreign } from '../../../util/files/owner.ts';
import { readRegular } from '../../../util/files/readfile.ts';
import { codeOf } from '../../../util/systemerrors.ts';
import { field } from '../../../util/values/field.ts';

export interface Login {
  readonly user: string;
  readonly password: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The login of a server (`host` or `host:port`) in `$DFLOW_CREDENTIALS` or `~/.config/dflow/credentials.yaml`.
 * @throws CredentialsError when the file can be read by others, or is named and missing
 * @throws ConfigError when it does not parse
 */
export function filedLogin(host: string, env: Environment): Login | undefined {
  const named = env.DFLOW_CREDENTIALS;
  const path = named ?? join(env.XDG_CONFIG_HOME ?? join(homedir(), '.config'), 'dflow', 'credentials.yaml');
  const text = readPrivate(path, named !== undefined);
  return text === undefined ? undefined : loginIn(text, host, path);
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

function loginIn(text: string, host: string, path: string): Login | undefined {
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

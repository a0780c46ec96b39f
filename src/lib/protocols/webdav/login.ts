// Who we are for a WebDAV server: user and password, or a bearer token. Files are read when they are first needed, and
// again when the server refuses: others renew them. Secrets are never part of an address or a message.
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { ConfigError, CredentialsError } from '../../util/errors.ts';
import { reasonOf } from '../../util/reason.ts';
import { decodeLogin, hide } from '../../util/text/secrets.ts';
import type { Address } from '../tools/address.ts';

export interface LoginFiles {
  /** One line, `user:password`. */
  readonly credentials?: string;
  /** One line, a bearer token. */
  readonly token?: string;
}

export class Login {
  readonly #name: string;
  readonly #fixed: string | undefined;
  readonly #files: LoginFiles;
  #known: Promise<string | undefined> | undefined;

  /** @throws ConfigError */
  constructor(name: string, { authority, host }: Address, files: LoginFiles) {
    this.#name = name;
    this.#files = files;
    const login = authority === host ? undefined : authority.slice(0, -host.length - 1);
    const { user, password } = decodeLogin(login ?? '');
    this.#fixed = login === undefined ? undefined : basic(`${user}:${password}`);
    if ([login, files.credentials, files.token].filter((one) => one !== undefined).length > 1)
      throw new ConfigError(`storage.${name}: give one of a user in the address, credentials and token`);
    for (const [option, path] of Object.entries(files)) {
      if (!isAbsolute(path) && !path.startsWith('~/'))
        throw new ConfigError(`storage.${name}: option ${option}: '${path}' is not an absolute path`);
    }
  }

  /** The header of a request; without credentials none. @throws CredentialsError a file cannot be read */
  async headers(): Promise<Readonly<Record<string, string>>> {
    this.#known ??= this.#fresh();
    const authorization = await this.#known.catch((error: unknown) => {
      this.#known = undefined;
      throw error;
    });
    return authorization === undefined ? {} : { authorization };
  }

  /** They were refused: the next request reads them again. True where others may come. */
  forget(): boolean {
    this.#known = undefined;
    return this.#fixed === undefined;
  }

  async #fresh(): Promise<string | undefined> {
    if (this.#fixed !== undefined) return this.#fixed;
    const { credentials, token = process.env.BEARER_TOKEN_FILE } = this.#files;
    if (credentials !== undefined) {
      const line = await this.#read('credentials', credentials);
      if (!line.includes(':')) throw this.#missing(`${credentials} has no line 'user:password'`);
      return basic(line);
    }
    // As the grid's tools look for it: the token itself first, then the file.
    const own = this.#files.token === undefined ? process.env.BEARER_TOKEN : undefined;
    const text = own ?? (token === undefined ? undefined : await this.#read('token', token));
    if (text === undefined) return undefined;
    hide(text);
    return `Bearer ${text.trim()}`;
  }

  async #read(option: keyof LoginFiles, path: string): Promise<string> {
    const file = path.startsWith('~/') ? join(homedir(), path.slice(2)) : path;
    const text = await readFile(file, 'utf8').catch((error: unknown) => {
      throw this.#missing(`${option} file ${path} cannot be read: ${reasonOf(error)}`);
    });
    const line = text.trim().split('\n')[0]?.trim() ?? '';
    if (line === '') throw this.#missing(`${option} file ${path} is empty`);
    return line;
  }

  #missing(words: string): CredentialsError {
    return new CredentialsError(`storage ${this.#name}: ${words}`, {
      hint: `write it anew, or correct storage.${this.#name}.options, then: dflow doctor`,
    });
  }
}

function basic(login: string): string {
  hide(login.slice(login.indexOf(':') + 1));
  return `Basic ${Buffer.from(login).toString('base64')}`;
}

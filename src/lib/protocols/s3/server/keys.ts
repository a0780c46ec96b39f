// The keys by which requests are signed: from a command, a file, or the environment. They are asked for when they are
// first needed and again shortly before they expire, and are never part of an address, a message or a process list.
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { ConfigError, CredentialsError, messageOf } from '../../../util/errors.ts';
import { wordsOf } from '../../../util/systemerrors.ts';
import { hide, withoutSecrets } from '../../../util/text/secrets.ts';
import { MINUTE } from '../../../util/time.ts';
import { field } from '../../../util/values/field.ts';
import { given } from '../../../util/values/given.ts';
import { run } from '../../tools/process.ts';

export interface AccessKey {
  readonly id: string;
  readonly secret: string;
  readonly token?: string;
  /** Milliseconds since 1970. */
  readonly expires?: number;
}

export interface KeyOptions {
  readonly name: string;
  /** Shell command that prints JSON, as `credential_process` of Amazon's tools does. */
  readonly command?: string;
  /** File in the form of `~/.aws/credentials`. */
  readonly file?: string;
  /** Section of the file. */
  readonly profile?: string;
}

/** How long before their end keys are asked for again. */
const EARLY = 5 * MINUTE;
const COMMAND_LIMIT = MINUTE;

export class Keys {
  readonly #options: KeyOptions;
  #known: Promise<AccessKey> | undefined;

  /** @throws ConfigError */
  constructor(options: KeyOptions) {
    const { name, file, command } = options;
    if (file !== undefined && command !== undefined)
      throw new ConfigError(`storage.${name}: give credentials or credentialsCommand, not both`);
    if (file !== undefined && !isAbsolute(file) && !file.startsWith('~/'))
      throw new ConfigError(`storage.${name}: option credentials: '${file}' is not an absolute path`);
    this.#options = options;
  }

  /** @throws CredentialsError */
  async get(): Promise<AccessKey> {
    this.#known ??= this.#fresh();
    const key = await this.#known.catch((error: unknown) => {
      this.#known = undefined;
      throw error;
    });
    if (key.expires === undefined || key.expires - EARLY > Date.now()) return key;
    this.#known = this.#fresh();
    return this.#known;
  }

  /** They were refused: the next question asks for new ones. True where others may come. */
  forget(): boolean {
    this.#known = undefined;
    return this.#options.command !== undefined || this.#options.file !== undefined;
  }

  async #fresh(): Promise<AccessKey> {
    const { command, file } = this.#options;
    const key = command !== undefined ? await this.#byCommand(command) : await this.#byFile(file);
    hide(key.secret);
    hide(key.token);
    return key;
  }

  async #byCommand(command: string): Promise<AccessKey> {
    const ran = await run('/bin/sh', ['-c', command], { env: {}, timeout: COMMAND_LIMIT });
    if (ran.exit !== 0) {
      const said = withoutSecrets(ran.stderr.trim().split('\n').at(-1) ?? '');
      throw this.#missing(`the credentials command failed: ${said || `exit ${ran.exit ?? 'by a signal'}`}`);
    }
    const found = keyIn(ran.stdout);
    if (!found) throw this.#missing('the credentials command printed no AccessKeyId and SecretAccessKey as JSON');
    return found;
  }

  async #byFile(file: string | undefined): Promise<AccessKey> {
    const { env } = process;
    if (file === undefined && env.AWS_ACCESS_KEY_ID && env.AWS_SECRET_ACCESS_KEY) {
      const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = env;
      return { id, secret, ...given({ token: token || undefined }) };
    }
    const path = atHome(file ?? env.AWS_SHARED_CREDENTIALS_FILE ?? '~/.aws/credentials');
    const profile = this.#options.profile ?? env.AWS_PROFILE ?? 'default';
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      throw this.#missing(`no keys: ${wordsOf(error)}`);
    });
    const found = sectionOf(text, profile);
    const { aws_access_key_id: id, aws_secret_access_key: secret, aws_session_token: token } = found ?? {};
    if (id && secret) return { id, secret, ...given({ token }) };
    throw this.#missing(`${path} has no aws_access_key_id and aws_secret_access_key in section [${profile}]`);
  }

  #missing(why: string): CredentialsError {
    return new CredentialsError(`storage ${this.#options.name}: ${why}`, {
      hint: `put the keys into a file of mode 600 and name it: storage.${this.#options.name}.options.credentials`,
    });
  }
}

function atHome(path: string): string {
  return path.startsWith('~/') ? join(homedir(), path.slice(2)) : path;
}

/** Keys as `credential_process` prints them. */
function keyIn(text: string): AccessKey | undefined {
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch (error) {
    // What was printed may hold a secret: it is in no message.
    if (messageOf(error) !== '') return undefined;
  }
  const [id, secret, token, end] = ['AccessKeyId', 'SecretAccessKey', 'SessionToken', 'Expiration'].map((name) =>
    field(said, name),
  );
  if (typeof id !== 'string' || typeof secret !== 'string') return undefined;
  const expires = typeof end === 'string' ? Date.parse(end) : Number.NaN;
  return {
    id,
    secret,
    ...(typeof token === 'string' && { token }),
    ...(!Number.isNaN(expires) && { expires }),
  };
}

/** The lines of one section of an INI file. */
function sectionOf(text: string, name: string): Record<string, string> | undefined {
  let inside = false;
  let found: Record<string, string> | undefined;
  for (const line of text.split(/\r?\n/)) {
    const section = /^\s*\[\s*(?:profile\s+)?([^\]]*?)\s*\]/.exec(line)?.[1];
    if (section !== undefined) inside = section === name;
    else if (inside) {
      const [, key = '', value = ''] = /^\s*([\w-]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
      if (key !== '') found = { ...found, [key.toLowerCase()]: value };
    }
  }
  return found;
}

// Questions to one XRootD server: a few xrdfs sessions kept open (1 ms a question; a process each would cost 30), and a
// process of its own for names that a session cannot quote. Knows paths on the server, nothing of the element's folder.
import { HOUR, SECOND } from '../../util/time.ts';
import type { Address } from '../tools/address.ts';
import { type Cut, NoAnswerError } from '../tools/asking.ts';
import { RemoteFailure } from '../tools/meaning.ts';
import { Pool } from '../tools/pool.ts';
import { type Ran, type RunOptions, run } from '../tools/process.ts';
import { errorIn, failureOf, meaningOf } from './meaning.ts';

/** No more: of many checksums that it is asked for at once a server (5.5.3) refuses some and never answers others. */
const SESSIONS = 4;
/** Tries of a question that the server was too busy for. */
const TRIES = 4;
/** Questions that wait in a session: enough that it never waits for us. */
const AHEAD = 64;
const PROMPT = /(?:^|\n)\[[^\]\n]*\] [^\n]*? > $/;

/** The client's own time limits, in seconds, and other settings, where the environment does not say others. */
const LIMITS = {
  XRD_CONNECTIONWINDOW: '5',
  XRD_CONNECTIONRETRY: '2',
  XRD_REQUESTTIMEOUT: '60',
  XRD_STREAMTIMEOUT: '30',
  // How long after an error nothing is tried again: the default, half an hour, outlives any restart of a server.
  XRD_STREAMERRORWINDOW: '1',
  XRD_TIMEOUTRESOLUTION: '1',
  // No checksum for each page on its way, which costs two thirds of a copy's CPU: every copy is compared as a whole,
  // with the checksum of what the server has stored.
  XRD_CPUSEPGWRTRD: '0',
  // At its start every client asks for the names of this machine's addresses: where no name server answers, each answer
  // that does not come is waited for, 5 s by default, many times over.
  RES_OPTIONS: 'timeout:1 attempts:3',
  TERM: 'dumb',
} as const;

/**
 * The first whole answer of a session: what is before a prompt at the beginning of a line. The prompt is what it greets
 * with, and stays the same: by its exact words it cannot be mistaken for a line of an answer.
 */
export function cutAnswer(output: string, prompt: string): Cut | undefined {
  if (prompt === '') {
    const found = PROMPT.exec(output)?.[0].replace('\n', '');
    return found === undefined ? undefined : { answer: found, rest: '' };
  }
  if (output.startsWith(prompt)) return { answer: '', rest: output.slice(prompt.length) };
  const at = output.indexOf(`\n${prompt}`);
  return at < 0 ? undefined : { answer: output.slice(0, at + 1), rest: output.slice(at + 1 + prompt.length) };
}

export function clientEnv(): Record<string, string> {
  const said = Object.entries(LIMITS).map(([key, value]) => [key, process.env[key] ?? value]);
  return { ...Object.fromEntries(said), TERM: LIMITS.TERM };
}

/** For a client that may wait longer for one answer (ms): the checksum of a large file; or has a time limit of our own. */
export function patientEnv(timeout = 24 * HOUR): Record<string, string> {
  const seconds = String(Math.ceil(timeout / SECOND));
  return { ...clientEnv(), XRD_REQUESTTIMEOUT: process.env.XRD_REQUESTTIMEOUT ?? seconds };
}

export interface AskOptions {
  /** Options that go with the path. */
  readonly cgi?: string;
  readonly slow?: boolean;
  /** Milliseconds, when not the usual. */
  readonly timeout?: number;
  /** '' when the server says that there is no such file, rather than an error: many are asked for that are not there. */
  readonly orMissing?: boolean;
}

export class Sessions {
  readonly #address: Address;
  /** `root://host:port/` */
  protected readonly server: string;
  readonly #env = clientEnv();
  readonly #pool: Pool;
  readonly #timeout: number;

  /** `timeout`: milliseconds for one question. */
  constructor(address: Address, timeout: number) {
    this.#address = address;
    this.server = `${address.scheme}://${address.authority}/`;
    this.#timeout = timeout;
    this.#pool = new Pool(
      {
        file: '/bin/sh',
        args: ['-c', 'exec xrdfs "$1" 2>&1', 'sh', this.server],
        env: patientEnv(),
        greets: true,
        ahead: AHEAD,
        cut: cutAnswer,
        broken: (answer) => meaningOf(errorIn(answer) ?? '') === 'down',
      },
      SESSIONS,
    );
  }

  /** Address of a path for xrdcp. */
  url(serverPath: string): string {
    return `${this.server}${this.path(serverPath)}`;
  }

  /** What a command of xrdfs printed; `slow`: nothing is to wait behind it. @throws RemoteFailure */
  async ask(command: readonly string[], paths: readonly string[], options: AskOptions = {}): Promise<string> {
    const full = paths.map((path) => this.path(path, options.cgi));
    for (let tries = 1; ; tries++) {
      try {
        return await (full.some((path) => /["'\\]/.test(path))
          ? this.#once(command, full, options)
          : this.#told(command, full, options));
      } catch (error) {
        if (options.orMissing && error instanceof RemoteFailure && error.meaning === 'missing') return '';
        const again = error instanceof RemoteFailure && error.meaning === 'busy' && tries < TRIES;
        if (!again) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20 * 5 ** tries));
      }
    }
  }

  /** Runs xrdcp or xrdfs by itself. @throws RemoteFailure; the signal's reason */
  async tool(file: string, args: readonly string[], options: Partial<RunOptions> = {}): Promise<Ran> {
    const ran = await run(file, args, { timeout: this.#timeout, env: this.#env, ...options });
    const failure = failureOf(ran, (text) => this.#address.clean(text), file);
    if (failure) throw failure;
    return ran;
  }

  async #once(command: readonly string[], paths: readonly string[], options: AskOptions): Promise<string> {
    const timeout = options.timeout ?? this.#timeout;
    return (await this.tool('xrdfs', [this.server, ...command, ...paths], { timeout, env: patientEnv() })).stdout;
  }

  async #told(command: readonly string[], paths: readonly string[], options: AskOptions): Promise<string> {
    const question = `${[...command, ...paths.map((path) => `"${path}"`)].join(' ')}\n`;
    const asking = { timeout: options.timeout ?? this.#timeout, alone: options.slow === true };
    const answer = await this.#pool.ask(question, asking).catch((error: unknown) => {
      throw error instanceof NoAnswerError ? this.#silent(error, asking.timeout) : error;
    });
    const error = errorIn(answer.slice(answer.indexOf('\n') + 1));
    const meaning = error === undefined ? undefined : meaningOf(error);
    if (meaning === 'missing' && options.orMissing) return '';
    if (meaning) throw new RemoteFailure(meaning, this.#address.clean(error ?? ''));
    return answer;
  }

  #silent({ reason, said }: NoAnswerError, timeout: number): RemoteFailure {
    const why = reason === 'late' ? `xrdfs did not answer within ${Math.round(timeout / 1000)} s` : 'xrdfs ended';
    // Where there is no xrdfs, it is the shell that says so and ends.
    const absent = /not found/.test(said);
    const words = absent ? 'xrdfs is not installed (package xrootd-client)' : `${why}${said ? `: ${said}` : ''}`;
    return new RemoteFailure('down', this.#address.clean(words));
  }

  /** Options of the address go with every path: that is where tokens are looked for. */
  protected path(serverPath: string, cgi = ''): string {
    const options = [cgi, this.#address.query].filter((part) => part !== '').join('&');
    return options === '' ? serverPath : `${serverPath}?${options}`;
  }
}

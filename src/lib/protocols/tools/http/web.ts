// HTTP(S) to a storage server: one request, one answer. What is not an answer is an element that is down. Knows no protocol
// above HTTP. Node's own client: undici (7.30) throws where a server ends the connection of a body that is read slowly.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import * as http from 'node:http';
import * as https from 'node:https';
import { join } from 'node:path';
import { ConfigError } from '../../../util/errors.ts';
import { reasonOf } from '../../../util/reason.ts';
import { codeOf } from '../../../util/systemerrors.ts';
import { type Meaning, RemoteFailure } from '../meaning.ts';

/** Connections at once to one element; other requests wait their turn. */
const CONNECTIONS = 64;

export interface WebAsk {
  readonly method: string;
  /** With its query, percent-encoded as it is to be sent. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A function writes it piece by piece. */
  readonly body?: Buffer | string | Writes;
  /** Milliseconds for the whole. */
  readonly timeout: number;
  /** The server may work on it in silence all that time. */
  readonly slow?: boolean;
  readonly signal?: AbortSignal;
}

/** Writes a body of as many bytes as `content-length` says. A piece may be used again once `write` has resolved. */
type Writes = (write: (piece: Buffer) => Promise<void>) => Promise<void>;

export interface WebReply {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Buffer>;
}

export interface WebText {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

export interface Trust {
  /** Text of the certificates that are trusted, and no others. */
  readonly ca?: string | string[];
  /** Who we are: certificate and key, as text. */
  readonly cert?: string;
  readonly key?: string;
}

export class Web {
  readonly #agents: { readonly 'http:': http.Agent; readonly 'https:': https.Agent };
  readonly #silence: number;

  constructor({ timeout, ...trust }: Trust & { /** Milliseconds of silence. */ readonly timeout: number }) {
    const options = { keepAlive: true, maxSockets: CONNECTIONS };
    this.#silence = timeout;
    this.#agents = { 'http:': new http.Agent(options), 'https:': new https.Agent({ ...options, ...trust }) };
  }

  /** The beginning of an answer; who asked takes its body. @throws RemoteFailure (down); the signal's reason */
  async ask(ask: WebAsk): Promise<WebReply> {
    const { url, timeout, signal } = ask;
    const limit = AbortSignal.timeout(Math.ceil(timeout));
    try {
      const reply = await this.#answer(ask, signal ? AbortSignal.any([signal, limit]) : limit);
      return { status: reply.statusCode ?? 0, headers: plain(reply.headers), body: reply };
    } catch (error) {
      if (error instanceof Unwritten && !signal?.aborted) throw error.cause;
      throw noAnswer(limit.aborted ? LATE : error, url, signal);
    }
  }

  #answer(
    { method, url, headers = {}, body, slow, timeout }: WebAsk,
    signal: AbortSignal,
  ): Promise<http.IncomingMessage> {
    const secure = url.startsWith('https:');
    const agent = this.#agents[secure ? 'https:' : 'http:'];
    return new Promise((resolve, reject) => {
      const request = (secure ? https : http).request(url, { method, headers, agent, signal }, resolve);
      request.setTimeout(slow ? Math.max(timeout, this.#silence) : this.#silence, () => request.destroy(LATE));
      request.on('error', reject);
      if (typeof body === 'function') sendPieces(request, body, reject);
      else request.end(body);
    });
  }

  /** The whole of a short answer. @throws RemoteFailure (down); the signal's reason */
  async text(ask: WebAsk): Promise<WebText> {
    const { status, headers, body } = await this.ask(ask);
    return { status, headers, text: await wholeText(body, ask) };
  }
}

/** Sends a body piece by piece, as fast as it is taken. */
function sendPieces(request: http.ClientRequest, body: Writes, failed: (error: unknown) => void): void {
  let reply: http.IncomingMessage | undefined;
  let broken: unknown;
  request.on('response', (message) => {
    reply = message;
  });
  const write = (piece: Buffer): Promise<void> =>
    new Promise((resolve, reject) => {
      request.write(piece, (error) => {
        broken ??= error ?? undefined;
        error ? reject(error) : resolve();
      });
    });
  body(write).then(
    () => request.end(),
    (error: unknown) => {
      failed(error === broken ? error : new Unwritten(error));
      // A server that refuses in the middle has an answer, which is still to be read.
      if (reply) reply.once('end', () => request.destroy());
      else request.destroy();
    },
  );
}

/** What was to be sent could not be read here: no fault of the server. */
class Unwritten extends Error {
  constructor(override readonly cause: unknown) {
    super('the body could not be written');
  }
}

/** @throws RemoteFailure (down); the signal's reason */
export async function wholeText(body: AsyncIterable<Buffer>, { url, signal }: Pick<WebAsk, 'url' | 'signal'>) {
  const parts: Buffer[] = [];
  try {
    for await (const part of body) parts.push(part);
  } catch (error) {
    throw noAnswer(error, url, signal);
  }
  return Buffer.concat(parts).toString();
}

const LATE = new Error('no answer in time');

/** What broke between here and the server. */
export class NoAnswer extends RemoteFailure {
  /** The connection was cut: another may well hold. */
  readonly cut: boolean;

  constructor(words: string, cut: boolean) {
    super('down', words);
    this.cut = cut;
  }
}

const CUT = new Set(['ECONNRESET', 'EPIPE', 'HPE_INVALID_EOF_STATE']);

/** @throws the signal's reason where the caller has stopped it */
export function noAnswer(error: unknown, url: string, signal?: AbortSignal): NoAnswer {
  if (signal?.aborted) throw signal.reason;
  return new NoAnswer(`${new URL(url).origin}: ${reasonOf(error)}`, CUT.has(codeOf(error) ?? ''));
}

/** An answer that is a refusal. */
export class WebFailure extends RemoteFailure {
  constructor(
    meaning: Meaning,
    words: string,
    readonly about: {
      readonly status: number;
      /** The same request may succeed soon: the server was busy. */
      readonly again: boolean;
      /** Milliseconds after which the server wants to be asked again; 0: it does not say. */
      readonly later: number;
      readonly hint?: string;
    },
  ) {
    super(meaning, words);
  }

  get status(): number {
    return this.about.status;
  }

  get again(): boolean {
    return this.about.again;
  }

  get hint(): string | undefined {
    return this.about.hint;
  }
}

/** Milliseconds of a `Retry-After` in seconds; 0: there is none. */
export function laterOf(headers: Readonly<Record<string, string>>): number {
  const seconds = Number(headers['retry-after']);
  return seconds > 0 ? seconds * 1000 : 0;
}

function plain(headers: http.IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
}

/** The text of a file with certificates, or of those in a folder (`*.pem`, `*.0`). @throws ConfigError */
export function certificates(name: string, path: string | undefined): Pick<Trust, 'ca'> {
  if (path === undefined) return {};
  return ofOption(name, 'ca', path, () => {
    if (!statSync(path).isDirectory()) return { ca: readFileSync(path, 'utf8') };
    const files = readdirSync(path).filter((file) => /\.(pem|0)$/.test(file));
    return { ca: files.map((file) => readFileSync(join(path, file), 'utf8')) };
  });
}

/** Certificate and key of one file, a grid proxy: that of `path`, else of `X509_USER_PROXY`, else none. @throws ConfigError */
export function identity(name: string, path: string | undefined): Pick<Trust, 'cert' | 'key'> {
  const file = path ?? process.env.X509_USER_PROXY;
  if (file === undefined) return {};
  return ofOption(name, 'proxy', file, () => {
    const text = readFileSync(file, 'utf8');
    return { cert: text, key: text };
  });
}

function ofOption<T>(name: string, option: string, path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new ConfigError(`storage.${name}: option ${option}: '${path}' cannot be read: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

// HTTP(S) to a storage server: one request, one answer. What is not an answer is an element that is down. Knows no protocol
// above HTTP. Node's own client: undici (7.30) throws where a server ends the connection of a body that is read slowly.
import { readFileSync } from 'node:fs';
import * as http from 'node:http';
import * as https from 'node:https';
import { ConfigError } from '../../util/errors.ts';
import { reasonOf } from '../../util/reason.ts';
import { codeOf } from '../../util/systemerrors.ts';
import { RemoteFailure } from './meaning.ts';

/** Connections at once to one element; other requests wait their turn. */
const CONNECTIONS = 64;

export interface WebAsk {
  readonly method: string;
  /** With its query, percent-encoded as it is to be sent. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
  /** Milliseconds for the whole. */
  readonly timeout: number;
  /** The server may work on it in silence all that time. */
  readonly slow?: boolean;
  readonly signal?: AbortSignal;
}

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

export class Web {
  readonly #agents: { readonly 'http:': http.Agent; readonly 'https:': https.Agent };
  readonly #silence: number;

  /** `ca`: the text of certificates that are trusted, and no others. `timeout`: milliseconds of silence. */
  constructor({ ca, timeout }: { readonly ca?: string; readonly timeout: number }) {
    const options = { keepAlive: true, maxSockets: CONNECTIONS };
    this.#silence = timeout;
    this.#agents = {
      'http:': new http.Agent(options),
      'https:': new https.Agent({ ...options, ...(ca !== undefined && { ca }) }),
    };
  }

  /** The beginning of an answer; who asked takes its body. @throws RemoteFailure (down); the signal's reason */
  async ask(ask: WebAsk): Promise<WebReply> {
    const { url, timeout, signal } = ask;
    const limit = AbortSignal.timeout(Math.ceil(timeout));
    try {
      const reply = await this.#answer(ask, signal ? AbortSignal.any([signal, limit]) : limit);
      return { status: reply.statusCode ?? 0, headers: plain(reply.headers), body: reply };
    } catch (error) {
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
      request.end(body);
    });
  }

  /** The whole of a short answer. @throws RemoteFailure (down); the signal's reason */
  async text(ask: WebAsk): Promise<WebText> {
    const { status, headers, body } = await this.ask(ask);
    return { status, headers, text: await wholeText(body, ask) };
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

function plain(headers: http.IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
}

/** The text of a file with certificates. @throws ConfigError */
export function certificates(name: string, path: string | undefined): { ca?: string } {
  if (path === undefined) return {};
  try {
    return { ca: readFileSync(path, 'utf8') };
  } catch (error) {
    throw new ConfigError(`storage.${name}: option ca: '${path}' cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}

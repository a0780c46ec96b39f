// One CouchDB database over HTTP: owns nano, its agent, timeouts, retries of reads, and what errors mean.
// nano's traps are dealt with here and nowhere else. Knows nothing of documents and views.
import nano from 'nano';
import { Agent, request as ask } from 'undici';
import type { Json } from '../../domain/doc.ts';
import { ItemError, LoginError, messageOf, StoreError } from '../../util/errors.ts';
import type { Login, Place } from './credentials.ts';

export interface Request {
  readonly method?: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Below the database, `''` for itself; `/` for the server. */
  readonly path: string;
  /** nano makes JSON of `key`, `startkey` and `endkey`; everything else goes as it is. */
  readonly query?: Readonly<Record<string, Json>>;
  readonly body?: unknown;
  /** Statuses that are answers and no errors, besides 2xx. */
  readonly accept?: readonly number[];
}

export interface Reply {
  readonly status: number;
  readonly body: unknown;
}

/** No answer, or none to rely on: what was asked for may have happened. */
export class UnclearError extends StoreError {}

export interface Timing {
  /** Milliseconds until the first byte of an answer, and between its parts. */
  readonly timeout?: number;
  /** Tries of an idempotent read. */
  readonly tries?: number;
}

/** The server's clock, to the second, and when it was asked and answered by the local monotonic clock, ms. */
export interface DateSeen {
  readonly date: string;
  readonly sent: number;
  readonly received: number;
}

const DEFAULTS = { timeout: 60_000, tries: 5 };

export class Connection {
  readonly where: string;
  readonly #place: Place;
  readonly #agent: Agent;
  readonly #headers: Record<string, string>;
  readonly #tries: number;

  constructor(place: Place, login: Login | undefined, timing: Timing = {}) {
    const { timeout, tries } = { ...DEFAULTS, ...timing };
    this.#place = place;
    this.where = place.where;
    this.#agent = new Agent({ headersTimeout: timeout, bodyTimeout: timeout, connect: { timeout: 10_000 } });
    this.#headers = login ? { Authorization: `Basic ${basic(login)}` } : {};
    this.#tries = tries;
  }

  /** One try. @throws UnclearError, StoreError */
  async send(request: Request): Promise<Reply> {
    let status = 0;
    const log = (entry: unknown): void => {
      status = (entry as { headers?: { statusCode?: number } }).headers?.statusCode ?? status;
    };
    // One scope per request, since its log is the only place where nano tells the status of a good answer.
    // nano's types know other agents than undici's.
    const scope = { url: this.#place.server, parseUrl: false, log, headers: this.#headers, agentOptions: this.#agent };
    const server = nano(scope as unknown as nano.Configuration);
    try {
      const body: unknown = await server.request(this.#options(request));
      // A truncated answer resolves to nothing at all.
      if (typeof body !== 'object' || body === null) throw this.#unclear('its answer was cut off');
      return { status, body };
    } catch (error) {
      if (error instanceof StoreError) throw error;
      return this.#failed(request, status, error);
    }
  }

  /** An idempotent request: tried again while the answer is unclear, each time after a longer pause. */
  read(request: Request): Promise<Reply> {
    return this.#patiently(() => this.send(request));
  }

  /** Asks for the `Date` header, which nano does not hand on. */
  readDate(): Promise<DateSeen> {
    return this.#patiently(async () => {
      const sent = performance.now();
      try {
        const url = this.#place.server + this.#place.database;
        const answer = await ask(url, { headers: this.#headers, dispatcher: this.#agent });
        const received = performance.now();
        await answer.body.dump();
        const { date } = answer.headers;
        if (typeof date === 'string' && !Number.isNaN(Date.parse(date))) return { date, sent, received };
      } catch (error) {
        throw this.#unclear(messageOf(error));
      }
      throw new StoreError('the store answers without a Date header, so there is no common clock', {
        where: this.where,
        hint: 'let the proxy in front of it pass the header Date',
      });
    });
  }

  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof UnclearError) || attempt >= this.#tries) throw error;
      }
      await backOff(attempt);
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  #options(request: Request): nano.RequestOptions {
    const path = request.path === '/' ? '' : [this.#place.database, request.path].filter(Boolean).join('/');
    const options = {
      method: request.method ?? 'GET',
      path,
      ...(request.query && { qs: request.query }),
      ...(request.body !== undefined && { body: JSON.stringify(request.body), dontStringify: true }),
    };
    return options as nano.RequestOptions;
  }

  /** What a failure means. The error of nano is not kept as the cause: it carries the request with its headers. */
  #failed(request: Request, status: number, error: unknown): Reply {
    const { error: name, reason, message } = error as { error?: string; reason?: string; message?: string };
    const text = reason ?? name ?? message ?? 'no reason given';
    if (status !== 0 && request.accept?.includes(status)) return { status, body: { error: name, reason } };
    if (status === 401 || status === 403) {
      throw new LoginError(`the store refuses the login: ${text}`, {
        where: this.where,
        hint: 'correct DFLOW_COUCH_USER and DFLOW_COUCH_PASSWORD, or the credentials file (~/.config/dflow/credentials.yaml)',
      });
    }
    if (status === 404 && /no_db_file|Database does not exist/i.test(text)) {
      throw new StoreError('there is no such database', { where: this.where, hint: 'dflow store setup' });
    }
    if (status === 413) {
      const hint = 'raise max_document_size of CouchDB';
      throw new ItemError(`the store does not take a document this large: ${text}`, { where: this.where, hint });
    }
    if (status === 0 || status === 408 || status === 429 || status >= 500) throw this.#unclear(text);
    throw new StoreError(`the store answered ${status}: ${text}`, { where: this.where });
  }

  #unclear(text: string): UnclearError {
    const reason = text.replace(/^error happened in your connection\. Reason: /, '');
    return new UnclearError(`the store cannot be reached: ${reason}`, {
      where: this.where,
      hint: `curl -sS ${this.#place.server}_up`,
    });
  }
}

function basic(login: Login): string {
  return Buffer.from(`${login.user}:${login.password}`).toString('base64');
}

/** Waits before try `attempt` + 1: 50 ms, then twice as long each time up to 2 s, half of it by chance. */
export async function backOff(attempt: number, first = 50): Promise<void> {
  const longest = Math.min(first * 2 ** (attempt - 1), 2000);
  await new Promise((resolve) => setTimeout(resolve, longest * (0.5 + Math.random() / 2)));
}

// HTTP to one server: a request and its answer, and whether a server that is silent still lives. Knows no CouchDB.

import { Agent, request as ask } from 'undici';
import { codeOf } from '../../../util/systemerrors.ts';
import { given } from '../../../util/values/given.ts';

export interface Exchange {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The answer may take hours: a view is built for it. */
  readonly slow?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** Absent where the answer has no `Date` header. */
  readonly date?: DateSeen;
  /** Milliseconds of `Retry-After`. */
  readonly retryAfter?: number;
}

/** The server's clock, to the second, and when it was asked and answered by the local monotonic clock, ms. */
export interface DateSeen {
  readonly date: string;
  readonly sent: number;
  readonly received: number;
}

export interface HttpTiming {
  /** Milliseconds of silence after which the server is asked whether it lives. */
  readonly silence: number;
  /** Milliseconds that it then has for any answer. */
  readonly sign: number;
  /** Milliseconds until the first byte of an answer from a server that lives. */
  readonly longest: number;
}

/** CouchDB itself gives up after 60 s. */
export const HTTP_TIMING: HttpTiming = { silence: 3_000, sign: 10_000, longest: 90_000 };

const HOURS = 6 * 3_600_000;
/** Milliseconds between two parts of an answer. */
const STALLED = 30_000;
/** Connections at once: more would not be faster, since CouchDB has one writer for a database. */
const CONNECTIONS = 8;

export class Http {
  readonly #timing: HttpTiming;
  readonly #agent: Agent;
  /** Its own connections: those of requests may all wait. */
  readonly #probes: Agent;
  readonly #server: string;

  constructor(server: string, timing: HttpTiming) {
    const { sign } = timing;
    this.#timing = timing;
    this.#server = server;
    const connect = { timeout: sign };
    this.#agent = new Agent({ connections: CONNECTIONS, keepAliveTimeout: 30_000, bodyTimeout: STALLED, connect });
    this.#probes = new Agent({ headersTimeout: sign, bodyTimeout: sign, connect });
  }

  /** One try. Throws where there is no whole answer; `reasonOf` says why. `silent`: nothing has come for a while. */
  async exchange({ method, url, headers, body, slow }: Exchange, silent: () => void): Promise<Answer> {
    const dead = new AbortController();
    const stop = this.#watch(silent, (reason) => dead.abort(reason));
    const sent = performance.now();
    try {
      const reply = await ask(url, {
        method,
        headers,
        ...given({ body }),
        dispatcher: this.#agent,
        signal: dead.signal,
        headersTimeout: slow ? HOURS : this.#timing.longest,
      });
      stop();
      const received = performance.now();
      const { date, 'retry-after': later } = reply.headers;
      const text = await reply.body.text();
      const seen = typeof date === 'string' && !Number.isNaN(Date.parse(date)) ? { date, sent, received } : undefined;
      const retryAfter = typeof later === 'string' ? waitOf(later, Date.parse(String(date))) : undefined;
      return {
        status: reply.statusCode,
        text,
        ...(seen && { date: seen }),
        ...given({ retryAfter }),
      };
    } finally {
      stop();
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#agent.destroy(), this.#probes.destroy()]);
  }

  /** Looks whether the server lives as long as a request is unanswered; the answer ends that. */
  #watch(silent: () => void, dead: (reason: Error) => void): () => void {
    const { silence } = this.#timing;
    let over = false;
    let timer: NodeJS.Timeout;
    const look = async (): Promise<void> => {
      silent();
      const lives = await this.#lives();
      if (over) return;
      if (lives) timer = setTimeout(look, silence);
      else dead(new Error('it takes connections and does not answer'));
    };
    timer = setTimeout(look, silence);
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }

  /** Any answer is a sign of life; a login is not sent, so that none can be refused. */
  async #lives(): Promise<boolean> {
    try {
      const reply = await ask(this.#server, { dispatcher: this.#probes });
      await reply.body.dump();
      return true;
    } catch {
      return false;
    }
  }
}

/** `Retry-After`: seconds, or a date by the server's own clock. */
function waitOf(header: string, now: number): number | undefined {
  const seconds = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined;
}

/** Why there was no answer, in few words: of several addresses that were tried, the last one's. */
export function reasonOf(error: unknown): string {
  const { message, cause, errors } = (error ?? {}) as { message?: string; cause?: unknown; errors?: unknown[] };
  if (message) return message;
  if (errors?.length) return reasonOf(errors.at(-1));
  return cause === undefined ? (codeOf(error) ?? 'no answer') : reasonOf(cause);
}

// HTTP to one server, by nano: a request and its answer, and whether a server that is silent still lives. nano's traps are
// dealt with here and nowhere else: it hands on neither the status of a good answer nor any header, reads a body outside
// its own promise, and knows no limit of time.
import nano from 'nano';
import { Agent, request as ask, DecoratorHandler, type Dispatcher } from 'undici';
import type { Json } from '../../../domain/doc.ts';
import { given } from '../../../util/values/given.ts';
import type { DateSeen } from '../../shared/server/clock.ts';

export interface Exchange {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Below the server, without a slash before it. */
  readonly path: string;
  /** nano makes JSON of `key`, `startkey` and `endkey`; everything else goes as it is. */
  readonly query: Readonly<Record<string, Json>>;
  readonly body?: string;
  /** The answer may take hours: a view is built for it. */
  readonly slow?: boolean;
}

export interface Answer {
  readonly status: number;
  /** The JSON of the answer; absent where it was cut off, or is no object. */
  readonly body?: object;
  /** Absent where the answer has no `Date` header. */
  readonly date?: DateSeen;
  /** Milliseconds of `Retry-After`. */
  readonly retryAfter?: number;
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

/** What nano does not tell of an answer. */
interface Seen {
  status?: number;
  headers?: Readonly<Record<string, string | string[] | undefined>>;
  received?: number;
  error?: unknown;
}

export class Http {
  readonly #timing: HttpTiming;
  readonly #agent: Agent;
  /** Its own connections: those of requests may all wait. */
  readonly #probes: Agent;
  readonly #server: string;
  readonly #headers: Record<string, string>;

  /** `headers`: sent with each request, the login among them. */
  constructor(server: string, headers: Readonly<Record<string, string>>, timing: HttpTiming) {
    const { sign } = timing;
    this.#timing = timing;
    this.#server = server;
    this.#headers = { ...headers };
    const connect = { timeout: sign };
    this.#agent = new Agent({ connections: CONNECTIONS, keepAliveTimeout: 30_000, bodyTimeout: STALLED, connect });
    this.#probes = new Agent({ headersTimeout: sign, bodyTimeout: sign, connect });
  }

  /** One try. Throws where there is no answer; `reasonOf` says why. `silent`: nothing has come for a while. */
  async exchange(exchange: Exchange, silent: () => void): Promise<Answer> {
    const dead = new AbortController();
    const stop = this.#watch(silent, (reason) => dead.abort(reason));
    const seen: Seen = {};
    const sent = performance.now();
    try {
      const body = await this.#ask(exchange, dead.signal, seen, stop);
      const { status, headers = {}, received = 0 } = seen;
      if (status === undefined) throw dead.signal.reason ?? seen.error ?? body;
      const { date, 'retry-after': later } = headers;
      const dated = typeof date === 'string' && !Number.isNaN(Date.parse(date)) ? { date, sent, received } : undefined;
      const retryAfter = typeof later === 'string' ? waitOf(later, Date.parse(String(date))) : undefined;
      return { status, ...given({ body: objectOf(body), date: dated, retryAfter }) };
    } finally {
      stop();
    }
  }

  /** What nano resolves or rejects with: of a refusal it keeps the fields of the answer in its error. */
  async #ask(exchange: Exchange, signal: AbortSignal, seen: Seen, begun: () => void): Promise<unknown> {
    const { method, path, query, body, slow } = exchange;
    const headersTimeout = slow ? HOURS : this.#timing.longest;
    const watched = this.#agent.compose(
      (dispatch) => (options, handler) => dispatch({ ...options, headersTimeout }, watching(handler, seen, begun)),
    );
    // nano's types know other agents than undici's, and no signal.
    const scope = { url: this.#server, parseUrl: false, headers: this.#headers, agentOptions: watched };
    const options = { method, path, qs: query, signal, ...(body !== undefined && { body, dontStringify: true }) };
    const server = nano(scope as unknown as nano.Configuration);
    return server.request(options as nano.RequestOptions).catch((error: unknown) => error);
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

/** Sees the answer go by. It is called JSON, whatever a proxy calls it: nano reads other bodies outside its promise. */
function watching(handler: Dispatcher.DispatchHandler, seen: Seen, begun: () => void): Dispatcher.DispatchHandler {
  const inner: Dispatcher.DispatchHandler = new DecoratorHandler(handler);
  const { onResponseStart, onResponseError } = inner;
  inner.onResponseStart = (controller, status, headers, words) => {
    Object.assign(seen, { status, headers, received: performance.now() });
    begun();
    onResponseStart?.call(inner, controller, status, { ...headers, 'content-type': 'application/json' }, words);
  };
  inner.onResponseError = (controller, error) => {
    seen.error = error;
    onResponseError?.call(inner, controller, error);
  };
  return inner;
}

/** Of a good answer its JSON, of a refusal the two fields that CouchDB gives it. */
function objectOf(answer: unknown): object | undefined {
  if (!(answer instanceof Error)) return typeof answer === 'object' && answer !== null ? answer : undefined;
  const { error, reason } = answer as { error?: unknown; reason?: unknown };
  return { error, reason };
}

/** `Retry-After`: seconds, or a date by the server's own clock. */
function waitOf(header: string, now: number): number | undefined {
  const seconds = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined;
}

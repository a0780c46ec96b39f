// One CouchDB database over HTTP: requests and answers as JSON, retries, and what errors mean. Knows nothing of views.
import type { Json } from '../../../domain/doc.ts';
import { LoginError, StoreError } from '../../../util/errors.ts';
import { reasonOf } from '../../../util/reason.ts';
import { field } from '../../../util/values/field.ts';
import { given } from '../../../util/values/given.ts';
import type { DateSeen } from '../../shared/server/clock.ts';
import type { Login } from '../../shared/server/credentials.ts';
import { backOff, PATIENCE, Patience, type Say } from '../../shared/server/patience.ts';
import { UnclearError } from '../../shared/server/unclear.ts';
import type { Place } from './credentials.ts';
import { type Answer, HTTP_TIMING, Http, type HttpTiming } from './http.ts';
import { type Asked, type Failure, LockedError, meaningOf, unreachable } from './meaning.ts';

export interface Request {
  readonly method?: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Below the database, `''` for itself; what begins with `/` is below the server. */
  readonly path: string;
  /** nano makes JSON of `key`, `startkey` and `endkey`; everything else goes as it is. */
  readonly query?: Readonly<Record<string, Json>>;
  readonly body?: unknown;
  /** Statuses that are answers and no errors, besides 2xx. */
  readonly accept?: readonly number[];
  /** The answer may take hours: a view is built for it. */
  readonly slow?: boolean;
}

export interface Reply {
  readonly status: number;
  readonly body: unknown;
}

export interface Timing extends Partial<HttpTiming> {
  /** Milliseconds for which an outage is waited out. */
  readonly patience?: number;
}

export interface ConnectionOptions {
  readonly timing?: Timing;
  readonly say?: Say;
  /** Told of each answer's `Date`. */
  readonly onDate?: (seen: DateSeen) => void;
  /** Told when the server counts a wrong password, or has locked the account. */
  readonly onRefused?: (error: LoginError) => void;
}

/** Milliseconds before the first repetition of a request that the server gave up. */
const SLOW = 1_000;

export class Connection {
  readonly asked: Asked;
  readonly #place: Place;
  readonly #http: Http;
  readonly #patience: Patience;
  readonly #limit: number;
  readonly #onDate: (seen: DateSeen) => void;
  readonly #onRefused: (error: LoginError) => void;
  /** A login that was refused is not tried again: each try could lock the account. */
  #refused: LoginError | undefined;
  /** An answer had a `Date` header. */
  #dated = false;

  constructor(place: Place, login: Login | undefined, { timing = {}, say, ...told }: ConnectionOptions = {}) {
    const { patience = PATIENCE, ...http } = timing;
    this.#place = place;
    this.asked = { where: place.where, server: place.server, ...(login && { user: login.user }) };
    const headers = login ? { Authorization: `Basic ${basic(login)}` } : {};
    this.#http = new Http(place.server, headers, { ...HTTP_TIMING, ...http });
    this.#limit = patience;
    this.#patience = new Patience(patience, say ?? (() => undefined));
    this.#onDate = told.onDate ?? (() => undefined);
    this.#onRefused = told.onRefused ?? (() => undefined);
  }

  get where(): string {
    return this.asked.where;
  }

  /** Milliseconds for which an outage is waited out. */
  get patience(): number {
    return this.#limit;
  }

  /** One try. @throws UnclearError, StoreError, ReadOnlyStoreError */
  async send(request: Request): Promise<Reply> {
    const { status, body, retryAfter } = await this.#exchange(request);
    if (status >= 200 && status < 300) {
      if (body === undefined) throw unreachable(this.asked, `its answer was cut off (HTTP ${status})`);
      this.#patience.answered();
      return { status, body };
    }
    const [error, reason] = [field(body, 'error'), field(body, 'reason')];
    const failure: Failure = {
      status,
      ...(typeof error === 'string' && { error }),
      ...(typeof reason === 'string' && { reason }),
      ...given({ retryAfter }),
    };
    const meaning = meaningOf(failure, this.asked);
    if (!(meaning instanceof UnclearError)) this.#patience.answered();
    if (request.accept?.includes(status)) return { status, body: failure };
    if (meaning instanceof LoginError) {
      this.#refused = meaning;
      if (status === 401 || meaning instanceof LockedError) this.#onRefused(meaning);
    }
    throw meaning;
  }

  /** An idempotent request: tried again while the answer is unclear, as long as patience lasts. */
  async read(request: Request): Promise<Reply> {
    for (let attempt = 1; ; attempt++) {
      const began = performance.now();
      try {
        return await this.send(request);
      } catch (error) {
        if (!(error instanceof UnclearError)) throw error;
        // What is built goes on being built: only a server that is away ends the wait.
        if (request.slow && error.timedOut && !this.#patience.isOver) await backOff(attempt, SLOW);
        else await this.#patience.wait(error, attempt, began);
      }
    }
  }

  /** What is at a path; `undefined` where nothing is. */
  async find<T>(path: string): Promise<T | undefined> {
    const { status, body } = await this.read({ path, accept: [404] });
    return status === 404 ? undefined : (body as T);
  }

  /** Removes what is at a path, whatever its revision; false where nothing is. */
  async remove(path: string): Promise<boolean> {
    for (;;) {
      const there = await this.find(path);
      if (there === undefined) return false;
      const query = { rev: String(field(there, '_rev')) };
      const gone = await this.read({ method: 'DELETE', path, query, accept: [404, 409] });
      if (gone.status !== 409) return true;
    }
  }

  /** Asks for an answer's `Date` header. @throws StoreError where none comes */
  async readDate(): Promise<void> {
    this.#dated = false;
    await this.read({ path: '' });
    if (this.#dated) return;
    throw new StoreError('the store answers without a Date header, so there is no common clock', {
      where: this.where,
      hint: 'let the proxy in front of the store pass the header Date',
    });
  }

  async close(): Promise<void> {
    this.#patience.close();
    await this.#http.close();
  }

  async #exchange({ method = 'GET', path, query = {}, body, slow }: Request): Promise<Answer> {
    if (this.#refused) throw this.#refused;
    const began = performance.now();
    const exchange = {
      ...{ method, path: this.#below(path), query },
      ...(slow && { slow }),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    };
    try {
      const answer = await this.#http.exchange(exchange, () => slow || this.#patience.silent(began));
      if (answer.date) {
        this.#dated = true;
        this.#onDate(answer.date);
      }
      return answer;
    } catch (error) {
      throw unreachable(this.asked, reasonOf(error));
    }
  }

  /** A path below the server. */
  #below(path: string): string {
    return path.startsWith('/') ? path.slice(1) : [this.#place.database, path].filter(Boolean).join('/');
  }
}

function basic(login: Login): string {
  return Buffer.from(`${login.user}:${login.password}`).toString('base64');
}

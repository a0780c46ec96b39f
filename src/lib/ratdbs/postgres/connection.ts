// One connection to a PostgreSQL database that is not ours: short transactions, each with limits of time, so that neither
// a lock nor a dead server keeps anybody. Knows no tables.
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import pg from 'pg';
import { TablesAwayError } from '../../runtables.ts';
import { clientOptions, type PostgresLogin } from '../../stores/postgres/server/login.ts';
import type { Host, Place } from '../../stores/postgres/server/place.ts';
import { DflowError } from '../../util/errors.ts';
import { field } from '../../util/values/field.ts';
import { type Asked, isPassing, meaningOf } from './meaning.ts';

export type SqlValue = string | number | null | readonly (string | number)[];
export type SqlRow = Readonly<Record<string, unknown>>;

export interface Answer {
  readonly rows: readonly SqlRow[];
  /** Also of an answer without rows. */
  readonly columns: readonly string[];
}

/** Within one transaction. */
export type Ask = (sql: string, values?: readonly SqlValue[]) => Promise<Answer>;

export interface Timing {
  /** Milliseconds for a connection. */
  readonly connect?: number;
  /** Milliseconds for which a table may be locked. */
  readonly lock?: number;
  /** Milliseconds for one statement. */
  readonly statement?: number;
  /** Milliseconds for which a server without a free connection, or one that restarts, is waited for. */
  readonly patience?: number;
}

/** A server that did not answer is not asked again so soon: a loop has many questions, and each would wait. */
const SILENCE = 10_000;

export class Connection {
  readonly asked: Asked;
  readonly #place: Place;
  readonly #login: PostgresLogin;
  readonly #timing: Required<Timing>;
  /** Some roles may have one connection only. */
  readonly #turn = pLimit(1);
  #client: pg.Client | undefined;
  #plain = false;
  #away: { readonly error: DflowError; readonly until: number } | undefined;

  constructor(place: Place, login: PostgresLogin, timing: Timing = {}) {
    this.#place = place;
    this.#login = login;
    this.#timing = { connect: 5_000, lock: 5_000, statement: 60_000, patience: 4_000, ...timing };
    this.asked = { where: place.where, user: login.user, database: place.database };
  }

  /** A transaction that only reads. */
  read<T>(work: (ask: Ask) => Promise<T>): Promise<T> {
    return this.#turn(() => this.#patiently(() => this.#transaction('BEGIN READ ONLY', work)));
  }

  /** A transaction that may write; `work` must come to the same end when it is done again. */
  write<T>(work: (ask: Ask) => Promise<T>): Promise<T> {
    return this.#turn(() => this.#patiently(() => this.#transaction('BEGIN READ WRITE', work)));
  }

  /** What may write is asked, and nothing stays. */
  trial<T>(work: (ask: Ask) => Promise<T>): Promise<T> {
    return this.#turn(() => this.#patiently(() => this.#transaction('BEGIN', work, 'ROLLBACK')));
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    // What still waits for an answer is not waited for.
    if (client) await Promise.race([client.end(), sleep(1_000, undefined, { ref: false })]).catch(() => undefined);
  }

  /** An outage of seconds is waited out; a longer one is said at once to whoever asks next. */
  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    if (this.#away && performance.now() < this.#away.until) throw this.#away.error;
    const began = performance.now();
    for (let attempt = 1; ; attempt++) {
      try {
        const found = await work();
        this.#away = undefined;
        return found;
      } catch (error) {
        if (!isPassing(error) || performance.now() - began > this.#timing.patience) {
          if (error instanceof TablesAwayError) this.#away = { error, until: performance.now() + SILENCE };
          throw error;
        }
        await sleep(Math.min(100 * 2 ** attempt, 1_000));
      }
    }
  }

  async #transaction<T>(begin: string, work: (ask: Ask) => Promise<T>, end = 'COMMIT'): Promise<T> {
    const client = await this.#connected();
    const ask: Ask = async (sql, values = []) => {
      const query = { text: sql, values: [...values], query_timeout: this.#timing.statement + 5_000 };
      return answerOf(await client.query(query));
    };
    try {
      // Not as options of the connection: a pooler refuses those.
      await ask(begin);
      await ask(`SET LOCAL statement_timeout = ${this.#timing.statement}`);
      await ask(`SET LOCAL lock_timeout = ${this.#timing.lock}`);
      if (this.#place.schema !== '') await ask(`SET LOCAL search_path = "${this.#place.schema}", public`);
      const found = await work(ask);
      await ask(end);
      return found;
    } catch (error) {
      await this.#rolledBack(client);
      throw error instanceof DflowError ? error : meaningOf(error, this.asked);
    }
  }

  /** A connection that cannot even do that is given up. */
  async #rolledBack(client: pg.Client): Promise<void> {
    try {
      await client.query({ text: 'ROLLBACK', query_timeout: 2_000 } as pg.QueryConfig);
    } catch {
      if (this.#client === client) this.#client = undefined;
      destroyed(client);
    }
  }

  async #connected(): Promise<pg.Client> {
    if (this.#client) return this.#client;
    let last: unknown;
    for (const host of this.#place.hosts) {
      try {
        return await this.#connect(host);
      } catch (error) {
        last = error;
      }
    }
    throw meaningOf(last, this.asked);
  }

  async #connect(host: Host): Promise<pg.Client> {
    const client = this.#clientFor(host);
    try {
      await client.connect();
    } catch (error) {
      destroyed(client);
      const none = /does not support SSL/i.test(String(field(error, 'message')));
      if (!none || this.#place.sslmode !== 'prefer' || this.#plain) throw error;
      this.#plain = true;
      return this.#connect(host);
    }
    client.once('end', () => {
      if (this.#client === client) this.#client = undefined;
    });
    this.#client = client;
    return client;
  }

  #clientFor(host: Host): pg.Client {
    const client = new pg.Client({
      ...clientOptions(this.#place, this.#login, host, this.#plain),
      connectionTimeoutMillis: this.#timing.connect,
      stream: () => new Socket(),
    });
    // A connection that ends between two transactions is made anew.
    client.on('error', () => undefined);
    return client;
  }
}

/** The driver leaves a connection open whose login failed, or whose statement it gave up. */
function destroyed(client: pg.Client): void {
  const connection = field(client, 'connection');
  const stream = field(connection, 'stream');
  if (stream instanceof Socket) stream.destroy();
  else client.end().catch(() => undefined);
}

function answerOf(answer: unknown): Answer {
  const last: unknown = Array.isArray(answer) ? answer.at(-1) : answer;
  const [rows, fields] = [field(last, 'rows'), field(last, 'fields')];
  const columns = Array.isArray(fields) ? fields.map((one) => String(field(one, 'name'))) : [];
  return { rows: Array.isArray(rows) ? rows : [], columns };
}

// One PostgreSQL database: statements and their rows, over whichever of its servers fits, tried again while an outage
// lasts. Every statement stands alone, so a connection pooler may give each another connection. Knows no documents.
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import pg from 'pg';
import { ReadOnlyStoreError } from '../../../util/errors.ts';
import { field } from '../../../util/values/field.ts';
import { PATIENCE, Patience, SAID_AFTER, type Say } from '../../shared/server/patience.ts';
import { UnclearError } from '../../shared/server/unclear.ts';
import { clientOptions, type PostgresLogin } from './login.ts';
import { type Asked, meaningOf, StandbyError } from './meaning.ts';
import type { Host, Place } from './place.ts';

export interface Timing {
  /** Milliseconds for which an outage is waited out. */
  readonly patience?: number;
  /** Milliseconds in which a server must take a connection. */
  readonly connect?: number;
  /** Milliseconds after which a statement without an answer is given up. */
  readonly longest?: number;
}

export interface ConnectionOptions {
  /** Changes are to be made: only a server that takes writes will do. */
  readonly write: boolean;
  readonly timing?: Timing;
  readonly say?: Say;
  /** The file that says how far the store had come, for messages. */
  readonly mark?: string;
}

/** What a server says of itself. */
export interface Server {
  readonly version: string;
  readonly encoding: string;
  /** It replays what another server writes. */
  readonly standby: boolean;
  /** It takes no writes: a standby, or set to reading. */
  readonly readonly: boolean;
}

interface Found {
  readonly pool: pg.Pool;
  readonly server: Server;
}

export type SqlValue = string | number | boolean | null | readonly SqlValue[];
export type SqlRow = Readonly<Record<string, unknown>>;

/** Connections of one process at once: every one costs the server memory. */
const CONNECTIONS = 4;
const HOURS = 6 * 3_600_000;
const WHO =
  "SELECT version() AS version, current_setting('server_encoding') AS encoding, pg_is_in_recovery() AS standby, current_setting('transaction_read_only') = 'on' AS readonly";

export class Connection {
  readonly asked: Asked;
  readonly #place: Place;
  readonly #login: PostgresLogin;
  readonly #options: ConnectionOptions;
  readonly #patience: Patience;
  /** Statements wait here and not in the pool, whose limit of time counts waiting too. */
  readonly #turn = pLimit(CONNECTIONS);
  #chosen: Promise<Found> | undefined;
  #host: Host;
  /** Servers without TLS, where the URL only prefers it. */
  readonly #plain = new Set<string>();
  #closed = false;

  constructor(place: Place, login: PostgresLogin, options: ConnectionOptions) {
    this.#place = place;
    this.#login = login;
    this.#options = options;
    this.#host = place.hosts[0] ?? { host: 'localhost', port: 5432 };
    const { where, database, schema } = place;
    const host = (): string => `-h ${this.#host.host} -p ${this.#host.port}`;
    this.asked = { where, user: login.user, database, schema, host, mark: options.mark };
    this.#patience = new Patience(this.patience, options.say ?? (() => undefined));
  }

  get where(): string {
    return this.asked.where;
  }

  get patience(): number {
    return this.#options.timing?.patience ?? PATIENCE;
  }

  /** A statement that may be made twice: tried again while the answer is unclear, as long as patience lasts. */
  async read(sql: string, values: readonly SqlValue[] = [], slow = false): Promise<SqlRow[]> {
    return this.#waiting(() => this.send(sql, values, slow));
  }

  /** One try. @throws UnclearError where nobody knows whether it was done */
  async send(sql: string, values: readonly SqlValue[] = [], slow = false): Promise<SqlRow[]> {
    const { pool } = await this.#choose();
    const timeout = slow ? HOURS : (this.#options.timing?.longest ?? 60_000);
    try {
      const query = { text: sql, values: [...values], query_timeout: timeout };
      const answer: unknown = await this.#turn(() => pool.query(query));
      this.#patience.answered();
      return rowsIn(answer);
    } catch (error) {
      const meaning = meaningOf(error, this.asked);
      if (meaning instanceof UnclearError) this.#drop(pool);
      throw meaning;
    }
  }

  /** The server that is asked; waits for one. @throws ReadOnlyStoreError where a writer finds only a standby */
  async server(): Promise<Server> {
    let first = true;
    const { server } = await this.#waiting(async () => {
      try {
        return await this.#choose();
      } catch (error) {
        // Of several servers one may be about to take over; a single one is what it is.
        if (error instanceof StandbyError && first && this.#place.hosts.length === 1) throw readOnly(error);
        throw error;
      } finally {
        first = false;
      }
    });
    return server;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#patience.close();
    const chosen = await this.#chosen?.catch(() => undefined);
    // What still waits for an answer is not waited for.
    if (chosen) await Promise.race([chosen.pool.end(), sleep(1_000, undefined, { ref: false })]).catch(() => undefined);
  }

  async #waiting<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const began = performance.now();
      const timer = setTimeout(() => this.#patience.silent(began), SAID_AFTER);
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof UnclearError)) throw error;
        await this.#patience.wait(error, attempt, began);
      } finally {
        clearTimeout(timer);
      }
    }
  }

  #choose(): Promise<Found> {
    if (this.#chosen) return this.#chosen;
    const chosen = this.#find();
    this.#chosen = chosen;
    chosen.catch(() => {
      if (this.#chosen === chosen) this.#chosen = undefined;
    });
    return chosen;
  }

  /** The first server that fits, else the first that will do. */
  async #find(): Promise<Found> {
    let error: unknown;
    let second: Found | undefined;
    for (const host of this.#place.hosts) {
      try {
        const found = await this.#connect(host);
        const fits = this.#fits(found.server);
        if (fits === 'yes') {
          await second?.pool.end();
          return found;
        }
        if (fits === 'else' && !second) second = found;
        else await found.pool.end();
        if (fits === 'no') error ??= standby(host, found.server, this.where);
      } catch (failed) {
        if (!(failed instanceof UnclearError)) throw failed;
        error = failed;
      }
    }
    if (second) return second;
    throw error;
  }

  #fits({ standby: isStandby, readonly: cannot }: Server): 'yes' | 'no' | 'else' {
    const { target } = this.#place;
    if (this.#options.write) return cannot ? 'no' : 'yes';
    if (target === 'read-write' || target === 'primary') return cannot ? 'no' : 'yes';
    if (target === 'prefer-standby' || target === 'any') return target === 'any' || isStandby ? 'yes' : 'else';
    return cannot ? 'yes' : 'no';
  }

  async #connect(host: Host): Promise<Found> {
    const name = `${host.host}:${host.port}`;
    this.#host = host;
    const sockets = new Set<Socket>();
    const pool = this.#pool(host, this.#plain.has(name), sockets);
    try {
      const [row] = rowsIn(await pool.query({ text: WHO, query_timeout: this.#connectTime } as pg.QueryConfig));
      return { pool, server: serverOf(row) };
    } catch (error) {
      await pool.end().catch(() => undefined);
      // The driver leaves a connection open whose login failed on this side: the process would not end.
      for (const socket of sockets) socket.destroy();
      const none = /does not support SSL/i.test(String(field(error, 'message')));
      if (none && this.#place.sslmode === 'prefer' && !this.#plain.has(name)) {
        this.#plain.add(name);
        return this.#connect(host);
      }
      throw meaningOf(error, this.asked);
    }
  }

  get #connectTime(): number {
    return this.#options.timing?.connect ?? 10_000;
  }

  #pool(host: Host, plain: boolean, sockets: Set<Socket>): pg.Pool {
    const pool = new pg.Pool({
      ...clientOptions(this.#place, this.#login, host, plain),
      stream: () => {
        const socket = new Socket();
        sockets.add(socket);
        return socket.once('close', () => sockets.delete(socket));
      },
      max: CONNECTIONS,
      connectionTimeoutMillis: this.#connectTime,
      idleTimeoutMillis: 30_000,
    });
    // An idle connection that ends is none of our statements.
    pool.on('error', () => undefined);
    return pool;
  }

  /** The next statement looks for a server anew. */
  #drop(pool: pg.Pool): void {
    const chosen = this.#chosen;
    if (!chosen || this.#closed) return;
    void chosen.then(
      (one) => {
        if (one.pool !== pool || this.#chosen !== chosen) return;
        this.#chosen = undefined;
        pool.end().catch(() => undefined);
      },
      () => undefined,
    );
  }
}

/** Of several statements the last one's rows. */
function rowsIn(answer: unknown): SqlRow[] {
  const last: unknown = Array.isArray(answer) ? answer.at(-1) : answer;
  const rows = field(last, 'rows');
  return Array.isArray(rows) ? rows : [];
}

function serverOf(row: SqlRow | undefined): Server {
  return {
    version: /^PostgreSQL (\S+)/.exec(String(row?.version))?.[1] ?? 'of unknown version',
    encoding: String(row?.encoding),
    standby: row?.standby === 't',
    readonly: row?.readonly === 't',
  };
}

function standby({ host, port }: Host, server: Server, where: string): StandbyError {
  const what = server.standby ? 'is a standby' : 'is set to reading (default_transaction_read_only)';
  return new StandbyError(`${host}:${port} ${what}, and takes no writes`, { where, hint: HINT });
}

const HINT =
  'name the primary in `store:`, or all servers: postgres://host1,host2/database; reading commands work here as they are';

function readOnly({ message, where }: StandbyError): ReadOnlyStoreError {
  return new ReadOnlyStoreError(message, { ...(where && { where }), hint: HINT });
}

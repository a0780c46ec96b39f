// SQLite, whichever driver this Node has: one small synchronous face over `node:sqlite` (Node 22.13 and later) and the
// optional package `libsql`. Owns the drivers' differences and their error codes; knows nothing of documents.

import { createRequire } from 'node:module';
import { DflowError } from './errors.ts';
import { field } from './values/field.ts';

export type SqlValue = null | number | string;
type SqlRow = Readonly<Record<string, SqlValue>>;

export interface SqlStatement {
  /** Runs it; answers the number of changed rows. */
  run(...values: SqlValue[]): number;
  get<R = SqlRow>(...values: SqlValue[]): R | undefined;
  all<R = SqlRow>(...values: SqlValue[]): R[];
}

export interface SqlDatabase {
  readonly path: string;
  /** Version of the SQLite library, `3.45.1`. */
  readonly version: string;
  readonly driver: 'node:sqlite' | 'libsql';
  exec(sql: string): void;
  prepare(sql: string): SqlStatement;
  /** One-off statements; what runs often is prepared once. */
  run(sql: string, ...values: SqlValue[]): number;
  get<R = SqlRow>(sql: string, ...values: SqlValue[]): R | undefined;
  all<R = SqlRow>(sql: string, ...values: SqlValue[]): R[];
  /** `work` between BEGIN and COMMIT; ROLLBACK when it throws. `work` is synchronous. */
  transaction<T>(mode: 'DEFERRED' | 'IMMEDIATE' | 'EXCLUSIVE', work: () => T): T;
  /** Also more than once. */
  close(): void;
}

/** Primary result codes that callers tell apart; all others are `ERROR`. */
export type SqlCode =
  | 'ERROR'
  | 'PERM'
  | 'BUSY'
  | 'LOCKED'
  | 'READONLY'
  | 'IOERR'
  | 'CORRUPT'
  | 'FULL'
  | 'CANTOPEN'
  | 'NOTADB';

const CODES: Record<number, SqlCode> = {
  3: 'PERM',
  5: 'BUSY',
  6: 'LOCKED',
  8: 'READONLY',
  10: 'IOERR',
  11: 'CORRUPT',
  13: 'FULL',
  14: 'CANTOPEN',
  26: 'NOTADB',
};

/** What SQLite answered. */
export class SqlError extends Error {
  readonly code: SqlCode;
  constructor(message: string, code: SqlCode, cause: unknown) {
    super(message, { cause });
    this.name = 'SqlError';
    this.code = code;
  }
}

/** What both drivers have in common, as far as it is used here. */
interface Driver {
  exec(sql: string): void;
  prepare(sql: string): DriverStatement;
  close(): void;
}
interface DriverStatement {
  run(...values: unknown[]): { changes: number | bigint };
  get(...values: unknown[]): unknown;
  all(...values: unknown[]): unknown[];
}
type DriverClass = new (path: string) => Driver;

/** A driver's error as SqlError; any other error as it is. Exported for its test. */
function sqlError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const said = field(error, 'errcode') ?? field(error, 'rawCode');
  // libsql's constructor throws a plain error whose text ends in the code: `ConnectionFailed("...: 14")`.
  const opening = /^ConnectionFailed\("(.*): (\d+)"\)$/s.exec(error.message);
  const number = said ?? (opening ? Number(opening[2]) : undefined);
  if (typeof number !== 'number') return error;
  return new SqlError(opening?.[1] ?? error.message, CODES[number & 0xff] ?? 'ERROR', error);
}

function mapped<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw sqlError(error);
  }
}

class NodeStatement implements SqlStatement {
  readonly #inner: DriverStatement;
  constructor(inner: DriverStatement) {
    this.#inner = inner;
  }
  run(...values: SqlValue[]): number {
    return mapped(() => Number(this.#inner.run(...values).changes));
  }
  get<R>(...values: SqlValue[]): R | undefined {
    return mapped(() => this.#inner.get(...values)) as R | undefined;
  }
  all<R>(...values: SqlValue[]): R[] {
    return mapped(() => this.#inner.all(...values)) as R[];
  }
}

class LibsqlStatement implements SqlStatement {
  readonly #inner: DriverStatement;
  constructor(inner: DriverStatement) {
    this.#inner = inner;
  }
  // Values go in one array: libsql takes a single object argument for named parameters, and aborts the process on some.
  run(...values: SqlValue[]): number {
    return mapped(() => Number(this.#inner.run(values).changes));
  }
  // `all`, since libsql's own `get` adds a column `_metadata` of its own to the row.
  get<R>(...values: SqlValue[]): R | undefined {
    return mapped(() => this.#inner.all(values)[0]) as R | undefined;
  }
  all<R>(...values: SqlValue[]): R[] {
    return mapped(() => this.#inner.all(values)) as R[];
  }
}

class Database implements SqlDatabase {
  readonly path: string;
  readonly driver: SqlDatabase['driver'];
  readonly version: string;
  readonly #inner: Driver;
  #closed = false;
  constructor(path: string, driver: SqlDatabase['driver'], inner: Driver) {
    this.path = path;
    this.driver = driver;
    this.#inner = inner;
    this.version = this.get<{ version: string }>('SELECT sqlite_version() AS version')?.version ?? '';
  }
  exec(sql: string): void {
    mapped(() => this.#inner.exec(sql));
  }
  prepare(sql: string): SqlStatement {
    const inner = mapped(() => this.#inner.prepare(sql));
    return this.driver === 'libsql' ? new LibsqlStatement(inner) : new NodeStatement(inner);
  }
  run(sql: string, ...values: SqlValue[]): number {
    return this.prepare(sql).run(...values);
  }
  get<R>(sql: string, ...values: SqlValue[]): R | undefined {
    return this.prepare(sql).get<R>(...values);
  }
  all<R>(sql: string, ...values: SqlValue[]): R[] {
    return this.prepare(sql).all<R>(...values);
  }
  transaction<T>(mode: 'DEFERRED' | 'IMMEDIATE' | 'EXCLUSIVE', work: () => T): T {
    this.exec(`BEGIN ${mode}`);
    let result: T;
    try {
      result = work();
      this.exec('COMMIT');
    } catch (error) {
      this.#rollback();
      throw error;
    }
    return result;
  }
  #rollback(): void {
    try {
      this.exec('ROLLBACK');
    } catch {
      // SQLite has rolled back by itself (disk full, I/O error); the first error is the one to tell.
    }
  }
  /** Again: nothing. `node:sqlite` refuses to close what is closed, libsql does not. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#inner.close();
  }
}

/** `node:sqlite` announces itself as experimental on standard error; a command's output is not a place for it. */
function quietly<T>(work: () => T): T {
  const emit = process.emitWarning;
  process.emitWarning = () => {};
  try {
    return work();
  } finally {
    process.emitWarning = emit;
  }
}

let found: { name: SqlDatabase['driver']; make: DriverClass } | undefined;

function driver(): { name: SqlDatabase['driver']; make: DriverClass } {
  if (found) return found;
  const require = createRequire(import.meta.url);
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 13)) {
    const { DatabaseSync } = quietly(() => require('node:sqlite')) as { DatabaseSync: DriverClass };
    found = { name: 'node:sqlite', make: DatabaseSync };
    return found;
  }
  // libsql asks Node for a report of itself, 7 ms of which are names of network addresses that nobody reads.
  Object.assign(process.report, { excludeNetwork: true });
  try {
    found = { name: 'libsql', make: require('libsql') as DriverClass };
    return found;
  } catch (cause) {
    throw new DflowError(`this Node (${process.versions.node}) has no SQLite and the package libsql is not there`, {
      hint: 'use Node 22.13 or later, or: npm install libsql',
      cause,
    });
  }
}

/**
 * Opens, and creates if need be, the SQLite file `path` (or `:memory:`). Busy files are waited for, up to `timeout` ms;
 * nothing is read from the file yet. A transaction held open by `exec('BEGIN EXCLUSIVE')` is a lock that the kernel
 * releases when the process ends, however it ends.
 * @throws SqlError `CANTOPEN` and the like
 * @throws DflowError when no driver is installed
 */
export function openDatabase(path: string, options: { readonly timeout?: number } = {}): SqlDatabase {
  const { name, make } = driver();
  const db = new Database(
    path,
    name,
    mapped(() => new make(path)),
  );
  db.exec(`PRAGMA busy_timeout = ${Math.round(options.timeout ?? 10_000)}`);
  return db;
}

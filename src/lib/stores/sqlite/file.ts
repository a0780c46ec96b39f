// The SQLite file: where it may be, how it is opened, its layout, and what SQLite's errors mean to a user.
// Knows nothing of changes and queries.
import { accessSync, constants, existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { ConfigError, ReadOnlyStoreError, StoreError } from '../../util/errors.ts';
import { networkFileSystem } from '../../util/files/mounts/mounts.ts';
import { openDatabase, type SqlDatabase, SqlError } from '../../util/sqlite.ts';
import { codeOf, ownError } from '../../util/systemerrors.ts';
import { VIEW_TABLES } from './rows.ts';
import { noteDamage } from './whole/damage.ts';

/** `dflw`: how `file` and we recognise a store. */
const APPLICATION = 0x64666c77;
/** Version of the tables below. */
const LAYOUT = 1;

/** Removed documents are few: documents are counted as all rows of the small index less these, without their texts. */
const REMOVED = 'CREATE INDEX IF NOT EXISTS docs_removed ON docs (seq) WHERE body IS NULL;\n';

/** Gives a store that was made without it the index of removed documents. */
export async function indexRemoved(db: SqlDatabase, transact: (work: () => void) => Promise<void>): Promise<void> {
  const found = db.get(`SELECT 1 AS n FROM sqlite_master WHERE name = 'docs_removed'`);
  if (!found) await transact(() => db.exec(REMOVED));
}

const TABLES = `
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
-- One row per document ever written; removed ones stay as tombstones, for the feed of changes and the revisions.
CREATE TABLE docs (id TEXT NOT NULL UNIQUE, rev INTEGER NOT NULL, seq INTEGER NOT NULL, body TEXT);
CREATE UNIQUE INDEX docs_seq ON docs (seq);
${REMOVED}CREATE TABLE views (view INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, hash TEXT NOT NULL);
${VIEW_TABLES}PRAGMA application_id = ${APPLICATION};
PRAGMA user_version = ${LAYOUT};
`;

/** How long SQLite itself waits for a lock, in ms: nothing else of this process goes on meanwhile. */
const TIMEOUT = 1000;

/** To this size the write-ahead log and the journal are cut when they are used anew. */
export const LOG_LIMIT = 16 * 1024 * 1024;

const WAL_SAFE = [3, 51, 3];

/** True for a SQLite without the WAL-reset corruption that several processes can run into. */
export function walIsSafe(version: string): boolean {
  const parts = version.split('.').map(Number);
  for (const [i, least] of WAL_SAFE.entries()) {
    if ((parts[i] ?? 0) !== least) return (parts[i] ?? 0) > least;
  }
  return true;
}

/** A driver's error as what it means to a user, and text of a row that is not JSON; any other error as it is. */
export function storeError(error: unknown, path: string): unknown {
  const detail = { where: path, cause: error };
  if (error instanceof SyntaxError) return damaged(path, error);
  if (!(error instanceof SqlError)) return ownError(error, path, StoreError);
  switch (error.code) {
    case 'FULL':
      return new StoreError('the disk of the store is full; nothing was written', { ...detail, hint: `df -h ${path}` });
    case 'READONLY':
    case 'PERM':
    case 'CANTOPEN':
      if (leftOpen(path)) return halfWritten(path, error);
      if (error.code === 'CANTOPEN') return unusable(path, error);
      return new ReadOnlyStoreError('the store is read-only', { ...detail, hint: `ls -l ${path}` });
    case 'IOERR':
      return new StoreError(`the disk of the store fails: ${error.message}; nothing was written`, {
        ...detail,
        hint: `look at the disk and the limits: df -h ${dirname(path)}; dmesg | tail; ulimit -f`,
      });
    case 'NOTADB':
      // Where dflow has written a store before, it is one no more.
      if (wasStore(path)) return damaged(path, error);
      return new StoreError('this file is not a dflow store', {
        ...detail,
        hint: 'correct `store` in the configuration',
      });
    case 'CORRUPT':
      return damaged(path, error);
    case 'BUSY':
    case 'LOCKED':
      return new StoreError('another process keeps the store locked', { ...detail, hint: `fuser -v ${path}` });
    default:
      return unusable(path, error);
  }
}

function unusable(where: string, cause: SqlError): StoreError {
  return new StoreError(`the store cannot be used: ${cause.message}`, { where, hint: `ls -l ${where}`, cause });
}

/** A log of changes or a journal with something in it: whoever may write the store takes it up or back when it is opened. */
const leftOpen = (path: string): boolean =>
  ['-journal', '-wal'].some((tail) => (statSync(`${path}${tail}`, { throwIfNoEntry: false })?.size ?? 0) > 0);

function halfWritten(where: string, cause: SqlError): ReadOnlyStoreError {
  return new ReadOnlyStoreError(
    'a change of the store was interrupted, and only a user who may write the store can complete or undo the change',
    { where, hint: `as the owner of the store (ls -l ${where}): dflow store info`, cause },
  );
}

export const DAMAGED = 'the store is damaged';
export const damageHint = (): string =>
  'put a backup back: dflow store restore FILE; without one, save what can be read: dflow store rescue rescued.jsonl';

/** The mark that a store leaves beside its file. */
const wasStore = (path: string): boolean => existsSync(`${path}-seen`);

function damaged(path: string, cause?: Error): StoreError {
  noteDamage(path, cause?.message ?? 'its first page is not that of a store');
  return new StoreError(DAMAGED, { where: path, hint: damageHint(), ...(cause && { cause }) });
}

/** The path in `sqlite:PATH`, `sqlite:///PATH` or a bare path. @throws ConfigError when there is none */
export function pathOf(url: string): string {
  const path = url.replace(/^sqlite:(\/\/(?=\/))?/, '');
  if (path !== '') return path;
  throw new ConfigError('the store has no path', { where: url, hint: 'store: sqlite:./dflow.db' });
}

/** The file's path, links of its folder resolved. @throws StoreError when the folder is not there */
export function placeOf(path: string): string {
  const full = resolve(path);
  try {
    return existsSync(full) ? realpathSync(full) : join(realpathSync(dirname(full)), basename(full));
  } catch (cause) {
    throw new StoreError('the folder of the store does not exist', {
      where: full,
      hint: `mkdir -p ${dirname(full)}`,
      cause,
    });
  }
}

function refuseNetwork(path: string): void {
  let mounts = '';
  try {
    mounts = readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    return; // no such file outside Linux: there, nothing protects the store
  }
  const type = networkFileSystem(mounts, path);
  if (!type) return;
  throw new StoreError(`a SQLite store does not work on a network file system (${type})`, {
    where: path,
    hint: 'keep it on a local disk of one host, or use a server: store: postgres://host/database, or https://host/database of CouchDB',
  });
}

function requireAccess(path: string, mode: number, verb: string): void {
  try {
    accessSync(path, mode);
  } catch (cause) {
    const detail = { where: path, hint: `ls -ld ${path}`, cause };
    if (codeOf(cause) === 'EROFS')
      throw new ReadOnlyStoreError('the file system of the store is mounted read-only', {
        ...detail,
        hint: `findmnt -T ${path}; the kernel mounts it so after errors of the disk: dmesg | tail`,
      });
    if (mode === constants.W_OK) throw new ReadOnlyStoreError(`no right to ${verb} the store`, detail);
    throw new StoreError(`no right to ${verb} the store`, detail);
  }
}

/**
 * Opens the file; `create` makes it where it is missing.
 * @throws StoreError when it is missing, unreadable, no dflow store, or of a newer version
 * @throws ReadOnlyStoreError when `write` is asked and the file or its folder cannot be written
 */
export function openFile(given: string, options: { readonly write: boolean; readonly create: boolean }): SqlDatabase {
  const path = placeOf(given);
  refuseNetwork(path);
  const exists = existsSync(path);
  if (!exists && !options.create) {
    if (wasStore(path)) {
      throw new StoreError('the file of the store is gone', {
        where: path,
        hint: 'put a backup back: dflow store restore FILE; only for a new and empty one: dflow store setup',
      });
    }
    throw new StoreError('the store does not exist yet', { where: path, hint: 'dflow store setup' });
  }
  if (exists && !statSync(path).isFile()) {
    const hint = `ls -ld '${path}'; then name a file in dflow.yaml: store: sqlite:dflow.sqlite`;
    throw new StoreError('the store is not a file', { where: path, hint });
  }
  if (exists) requireAccess(path, constants.R_OK, 'read');
  if (options.write) {
    if (exists) requireAccess(path, constants.W_OK, 'write');
    requireAccess(dirname(path), constants.W_OK, 'write beside');
  }
  let db: SqlDatabase | undefined;
  try {
    db = openDatabase(path, { timeout: TIMEOUT });
    prepareFile(db, options);
    return db;
  } catch (error) {
    db?.close();
    throw storeError(error, path);
  }
}

function prepareFile(db: SqlDatabase, options: { readonly write: boolean; readonly create: boolean }): void {
  // FULL: a claim that was told as written must survive a power cut, or a job could be submitted twice.
  db.exec('PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32000');
  // The journal comes first: who is interrupted after it finds an empty file again, and chooses again.
  if (options.create && isEmpty(db)) chooseJournal(db, true);
  if (options.create) db.transaction('EXCLUSIVE', () => isEmpty(db) && db.exec(TABLES));
  checkLayout(db);
  if (!options.write) return;
  chooseJournal(db, false);
  db.exec(`PRAGMA journal_size_limit = ${LOG_LIMIT}`);
}

function isEmpty(db: SqlDatabase): boolean {
  const objects = db.get<{ n: number }>('SELECT count(*) AS n FROM sqlite_master')?.n ?? 0;
  return objects === 0 && pragma(db, 'application_id') === 0;
}

function pragma(db: SqlDatabase, name: string): string | number {
  const row = db.get(`PRAGMA ${name}`);
  return row ? (Object.values(row)[0] ?? '') : '';
}

function checkLayout(db: SqlDatabase): void {
  if (pragma(db, 'application_id') !== APPLICATION) {
    if (wasStore(db.path)) throw damaged(db.path);
    throw new StoreError('this file is not a dflow store', {
      where: db.path,
      hint: 'correct `store` in the configuration, or name a new file and type: dflow store setup',
    });
  }
  const layout = Number(pragma(db, 'user_version'));
  if (layout > LAYOUT) {
    throw new StoreError(`the store was made by a newer dflow (layout ${layout}, this one knows ${LAYOUT})`, {
      where: db.path,
      hint: 'npm install -g dflow',
    });
  }
}

/**
 * A new store gets WAL where that is safe. A library where it is not takes a store out of it; a rollback journal is
 * kept as it is, since a process with an older library may have the store open.
 */
function chooseJournal(db: SqlDatabase, fresh: boolean): void {
  const safe = walIsSafe(db.version);
  const mode = pragma(db, 'journal_mode');
  if (mode === 'wal' && safe) return;
  // All but WAL is a setting of the connection: it is said at every opening.
  const now = pragma(db, `journal_mode = ${safe && fresh ? 'wal' : 'truncate'}`);
  if (now !== 'wal' || safe) return;
  throw new StoreError('the store is in use by a newer Node, whose journal this one must not touch', {
    where: db.path,
    hint: 'use one version of Node for all dflow processes of this host',
  });
}

// Exclusive locks between processes of one host. Node has no flock, so the lock is a transaction held open on a small
// SQLite file: the kernel releases it when the process ends, however it ends. Knows nothing of what is protected.
import { closeSync, constants, lstatSync, openSync } from 'node:fs';
import { removeFileSync } from '../files/remove.ts';
import { openDatabase, type SqlDatabase, SqlError } from '../sqlite.ts';

export interface Lock {
  /** Idempotent. */
  release(): void;
}

function isBusy(error: unknown): boolean {
  return error instanceof SqlError && (error.code === 'BUSY' || error.code === 'LOCKED');
}

/**
 * Begins the transaction that is the lock; false when another process holds it. IMMEDIATE, since of two that try at the
 * same moment one gets it: with EXCLUSIVE each may meet the other's read lock, and then both are told that it is held
 * (https://www.sqlite.org/lockingv3.html: many may hold SHARED, one RESERVED).
 */
function begin(db: SqlDatabase): boolean {
  try {
    db.exec('BEGIN IMMEDIATE');
    return true;
  } catch (error) {
    if (isBusy(error)) return false;
    throw error;
  }
}

/**
 * The lock on file `path` (created if need be), or `undefined` when somebody holds it, this process included.
 * Does not wait. The file must be on a local disk.
 * @throws SqlError `CANTOPEN`, `READONLY`, ...: the file cannot be opened
 */
export function tryLock(path: string): Lock | undefined {
  const db = openDatabase(path, { timeout: 0 });
  let held = false;
  try {
    // No journal file: on a full disk, commands that make room could not take the lock.
    db.exec('PRAGMA journal_mode = MEMORY');
    held = begin(db);
  } finally {
    if (!held) db.close();
  }
  if (!held) return undefined;
  let open = true;
  return {
    release() {
      if (!open) return;
      open = false;
      db.exec('ROLLBACK');
      db.close();
    },
  };
}

/** A link that others put there would make a file of ours elsewhere. */
const OWN = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * As `tryLock`, in a folder of others: the file goes with the lock. Who opened it before it went has locked nothing, and
 * tries again: the number of the file is asked before it is opened and when it is locked.
 * @throws SqlError, or an error of the file system
 */
export function tryPassingLock(path: string): Lock | undefined {
  for (;;) {
    closeSync(openSync(path, OWN, 0o600));
    const before = numberOf(path);
    const lock = tryLock(path);
    if (!lock) return undefined;
    if (before !== undefined && before === numberOf(path)) {
      return {
        release() {
          removeFileSync(path);
          lock.release();
        },
      };
    }
    lock.release();
  }
}

function numberOf(path: string): bigint | undefined {
  const facts = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return facts?.isFile() ? facts.ino : undefined;
}

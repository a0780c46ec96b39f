// Whether the file is sound, and keeping its write-ahead log small.
import { statSync } from 'node:fs';
import type { StoreFault } from '../../store.ts';
import { type SqlDatabase, SqlError } from '../../util/sqlite.ts';
import { humanBytes } from '../../util/text/bytes.ts';
import { DAMAGED, damageHint, LOG_LIMIT } from './file.ts';
import { forgetDamage, knownDamage, noteDamage } from './whole/damage.ts';

/** Findings of SQLite's own check that are told. */
const TOLD = 3;

/** What is wrong with the file; `older`: that it lacks changes, in words. */
export function faultsOf(db: SqlDatabase, older: string | undefined): StoreFault[] {
  const faults: StoreFault[] = [];
  const found = integrityOf(db);
  if (found.length > 0) {
    const more = found.length > TOLD ? `; and ${found.length - TOLD} more` : '';
    faults.push({ damage: true, text: `${DAMAGED}: ${found.slice(0, TOLD).join('; ')}${more}`, next: damageHint() });
    noteDamage(db.path, found[0] ?? '');
  } else forgetDamage(db.path);
  if (older !== undefined) faults.push({ text: older, next: `dflow store restore ${db.path}` });
  const size = logSize(db.path);
  if (size > 4 * LOG_TRY) {
    const text = `the write-ahead log of the store has ${humanBytes(size)}: a program keeps reading the store without a pause`;
    faults.push({ text, next: `fuser -v ${db.path}` });
  }
  return faults;
}

/** Damage that a command of this host has met in the file. */
export function rememberedFaults(db: SqlDatabase): StoreFault[] {
  return knownDamage(db.path, damageHint());
}

function integrityOf(db: SqlDatabase): string[] {
  try {
    const rows = db.all<Record<string, string>>('PRAGMA integrity_check(100)');
    const texts = rows.flatMap((row) => Object.values(row)).flatMap((text) => text.split('\n'));
    return texts.filter((text) => text !== 'ok' && !text.startsWith('*** in database'));
  } catch (error) {
    // Damage of the schema ends the check itself.
    if (error instanceof SqlError && (error.code === 'CORRUPT' || error.code === 'NOTADB')) return [error.message];
    throw error;
  }
}

function logSize(path: string): number {
  return statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
}

/** From this size on the log is emptied by force. SQLite's own way waits for a moment in which nobody reads. */
const LOG_TRY = 4 * LOG_LIMIT;
/** Ms between two tries: each may wait for readers. */
const PAUSE = 5_000;

/** SQLite's log of changes, which grows for as long as readers overlap. */
export class WriteAheadLog {
  readonly #db: SqlDatabase;
  #next = 0;

  constructor(db: SqlDatabase) {
    this.#db = db;
  }

  /** After a write. */
  keepSmall(): void {
    const now = performance.now();
    if (now < this.#next || logSize(this.#db.path) < LOG_TRY) return;
    this.#next = now + PAUSE;
    try {
      this.#db.get('PRAGMA wal_checkpoint(TRUNCATE)');
    } catch (error) {
      // What was written is safe in the log; a later write tries again.
      if (!(error instanceof SqlError)) throw error;
    }
  }
}

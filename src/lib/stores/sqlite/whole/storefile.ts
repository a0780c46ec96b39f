// The file of a SQLite store as a whole: copied while others write, and another content put in its place.
import { closeSync, existsSync, fsyncSync, openSync, readSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import type { StoreFile } from '../../../storefile.ts';
import { ItemError, StoreError } from '../../../util/errors.ts';
import { removeFileSync } from '../../../util/files/remove.ts';
import { type SqlDatabase, SqlError } from '../../../util/sqlite.ts';
import { SQLITE_FILES } from '../../../util/text/names.ts';
import { missing, type Progress, readMark } from '../../shared/mark.ts';
import { openFile, pathOf, placeOf, storeError } from '../file.ts';
import { Meta } from '../meta.ts';
import { Patience } from '../patience.ts';
import { Place, seenPath } from '../place.ts';
import { forgetDamage } from './damage.ts';
import { salvage } from './salvage.ts';

/** What every SQLite file begins with. */
const MAGIC = Buffer.from('SQLite format 3\0');

export const file: StoreFile = {
  extension: '.db',
  pathOf: (url) => placeOf(pathOf(url)),
  urlOf: (path) => `sqlite:${path}`,
  recognises: (path) => headOf(path).equals(MAGIC),
  copy: (url, target) => copyStore(placeOf(pathOf(url)), target),
  replace: (url, source) => replaceStore(placeOf(pathOf(url)), source),
  lacks: (url, source) => lacking(placeOf(pathOf(url)), source),
  salvage: (url, scratch) => salvage(placeOf(pathOf(url)), scratch),
};

function headOf(path: string): Buffer {
  const head = Buffer.alloc(MAGIC.length);
  const opened = openSync(path, 'r');
  try {
    readSync(opened, head, 0, head.length, 0);
  } finally {
    closeSync(opened);
  }
  return head;
}

async function copyStore(path: string, target: string): Promise<void> {
  const patience = new Patience(path);
  const db = await patience.wait(() => openFile(path, { write: false, create: false }));
  try {
    await patience.wait(() => vacuumInto(db, target));
  } finally {
    db.close();
  }
}

/** A copy of one moment, synced. What stands there from a try that failed is made anew. */
function vacuumInto(db: SqlDatabase, target: string): void {
  removeFileSync(target);
  try {
    db.run('VACUUM INTO ?', target);
    sync(target);
  } catch (error) {
    removeFileSync(target);
    if (!(error instanceof SqlError) || !['FULL', 'IOERR', 'CANTOPEN'].includes(error.code)) throw error;
    const what = error.code === 'FULL' ? 'no space left' : error.message;
    throw new ItemError(`a copy of the store cannot be written: ${what}`, {
      where: target,
      hint: `df -h '${dirname(target)}'`,
      cause: error,
    });
  }
}

function sync(path: string): void {
  const opened = openSync(path, 'r');
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}

function progressOf(db: SqlDatabase): Progress {
  const seq = db.get<{ seq: number | null }>('SELECT max(seq) AS seq FROM docs')?.seq ?? 0;
  return { ...new Meta(db).identity, seq };
}

function progressAt(path: string): Progress {
  const db = openFile(path, { write: false, create: false });
  try {
    return progressOf(db);
  } catch (error) {
    throw storeError(error, path);
  } finally {
    db.close();
  }
}

function lacking(path: string, source: string): number {
  const known = readMark(seenPath(path));
  const has = progressAt(source);
  const lacks = missing(known, has);
  return Number.isFinite(lacks) ? lacks : 0;
}

async function replaceStore(path: string, source: string): Promise<string | undefined> {
  const known = readMark(seenPath(path));
  const aside = existsSync(path) ? freeName(path) : undefined;
  const last = (await overwrite(path, source, aside, known)) ?? exchange(path, source, aside, known);
  const place = new Place(path);
  place.note(last);
  place.close();
  return aside;
}

function freeName(path: string): string {
  for (let number = 1; ; number++) {
    const name = `${path}-before-${number}`;
    if (!existsSync(name)) return name;
  }
}

/**
 * Puts the content of `source` into the file itself, in one transaction: whoever has the store open sees the one or the
 * other, and stops. `undefined`: the store is not there, or too damaged to be written.
 */
async function overwrite(
  path: string,
  source: string,
  aside: string | undefined,
  known: Progress | undefined,
): Promise<Progress | undefined> {
  if (aside === undefined) return undefined;
  const patience = new Patience(path);
  let db: SqlDatabase | undefined;
  let reader: SqlDatabase | undefined;
  try {
    const [one, other] = [await open(patience, path, true), await open(patience, path, false)];
    db = one;
    reader = other;
    db.run('ATTACH ? AS source', source);
    return await patience.wait(() =>
      one.transaction('IMMEDIATE', () => {
        // Nobody writes while the lock is held; the other connection may read.
        vacuumInto(other, aside);
        return takeOver(one, known);
      }),
    );
  } catch (error) {
    if (!(error instanceof StoreError) || isHeld(error)) throw error;
    removeFileSync(aside);
    return undefined;
  } finally {
    reader?.close();
    db?.close();
    for (const tail of SQLITE_FILES) if (tail !== '') removeFileSync(`${source}${tail}`);
  }
}

function open(patience: Patience, path: string, write: boolean): Promise<SqlDatabase> {
  return patience.wait(() => openFile(path, { write, create: false }));
}

function isHeld({ cause }: StoreError): boolean {
  return cause instanceof SqlError && (cause.code === 'BUSY' || cause.code === 'LOCKED' || cause.code === 'FULL');
}

/** Inside the transaction. The last change gets a number beyond all that were known: who follows changes misses none. */
function takeOver(db: SqlDatabase, known: Progress | undefined): Progress {
  const before = progressOf(db);
  for (const table of ['meta', 'docs', 'views', 'rows', 'reduced']) {
    db.exec(`DELETE FROM main.${table}; INSERT INTO main.${table} SELECT * FROM source.${table}`);
  }
  return raise(db, [before, known]);
}

function raise(db: SqlDatabase, known: readonly (Progress | undefined)[]): Progress {
  const now = progressOf(db);
  const all = [now, ...known.flatMap((one) => one ?? [])];
  const generation = 1 + Math.max(...all.map((one) => one.generation));
  const seq = 1 + Math.max(...all.map((one) => one.seq));
  new Meta(db).put({ generation });
  db.run('UPDATE docs SET seq = ? WHERE seq = ?', seq, now.seq);
  return { uuid: now.uuid, generation, seq };
}

/** Puts `source` where no store is, or one that cannot be opened; what lies there is kept with all that belongs to it. */
function exchange(path: string, source: string, aside: string | undefined, known: Progress | undefined): Progress {
  const db = openFile(source, { write: true, create: false });
  let last: Progress;
  try {
    last = db.transaction('EXCLUSIVE', () => raise(db, [known]));
  } finally {
    db.close();
  }
  sync(source);
  // A log of the old file would be laid over the new one.
  for (const tail of SQLITE_FILES) {
    if (aside !== undefined && existsSync(`${path}${tail}`)) renameSync(`${path}${tail}`, `${aside}${tail}`);
  }
  renameSync(source, path);
  forgetDamage(path);
  sync(dirname(path));
  return last;
}

// Compaction of a SQLite file: the log is emptied into it, and VACUUM writes it anew without what was changed and removed.
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Compacted } from '../../store.ts';
import { StoreError } from '../../util/errors.ts';
import { spaceOf } from '../../util/files/disk.ts';
import type { SqlDatabase } from '../../util/sqlite.ts';
import { humanBytes } from '../../util/text/bytes.ts';

/** A copy of the file, and the log of writing it back. */
const COPIES = 2;

/** @throws StoreError where the disk has too little room: SQLite would stop half-way, and lose nothing */
export async function compactFile(db: SqlDatabase, dryRun: boolean, space = spaceOf): Promise<Compacted> {
  const { path } = db;
  const before = statSync(path).size;
  const folder = dirname(path);
  const { free } = await space(folder);
  if (free < COPIES * before) {
    throw new StoreError(
      `compacting needs ${humanBytes(COPIES * before)} beside the store, and ${humanBytes(free)} are free`,
      {
        where: folder,
        hint: `df -h '${folder}'`,
      },
    );
  }
  if (dryRun) return { part: 'documents', before };
  db.get('PRAGMA wal_checkpoint(TRUNCATE)');
  db.exec('VACUUM');
  db.get('PRAGMA wal_checkpoint(TRUNCATE)');
  return { part: 'documents', before, after: statSync(path).size };
}

// What can be read of a damaged store: the documents of all pages that are whole, and the ids of those that are not.
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Doc } from '../../../domain/doc.ts';
import type { Salvage } from '../../../storefile.ts';
import { StoreError } from '../../../util/errors.ts';
import { openDatabase, SqlError } from '../../../util/sqlite.ts';
import { type Cell, Pages } from './pages.ts';

const isText = (cell: Cell | undefined): cell is string => typeof cell === 'string';

interface Found {
  readonly seq: number;
  /** `undefined`: removed. */
  readonly doc?: Doc;
}

/** Reads a copy in the folder `scratch`, so that the damaged file stays as it is. */
export async function salvage(path: string, scratch: string): Promise<Salvage> {
  if (!existsSync(path)) throw new StoreError('the store does not exist', { where: path });
  const copy = join(scratch, 'damaged.db');
  for (const tail of ['', '-wal', '-journal']) {
    if (existsSync(`${path}${tail}`)) copyFileSync(`${path}${tail}`, `${copy}${tail}`);
  }
  settle(copy);
  const found = new Map<string, Found>();
  const ids = new Set<string>();
  const meta = new Map<string, string>();
  for (const { from, cells } of new Pages(readFileSync(copy)).records()) {
    if (from === 'table') keepDocument(cells, found);
    else keepEntry(cells, ids, meta);
  }
  const [experiment, uuid] = [meta.get('experiment'), meta.get('uuid')];
  return {
    docs: documentsOf(found),
    lost: [...ids].filter((id) => !found.has(id)).sort(),
    ...(experiment !== undefined && uuid !== undefined && { marker: { experiment, uuid } }),
  };
}

/** Lets SQLite take in a log, or undo a commit that was cut off, as far as it can. */
function settle(copy: string): void {
  try {
    const db = openDatabase(copy);
    try {
      db.get('PRAGMA wal_checkpoint(TRUNCATE)');
      db.get('SELECT count(*) AS n FROM sqlite_master');
    } finally {
      db.close();
    }
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
  }
}

/** A row of `docs`: id, revision, sequence, text. Of two rows of one id the later one counts. */
function keepDocument(cells: readonly Cell[], found: Map<string, Found>): void {
  const [id, rev, seq, body] = cells;
  if (cells.length !== 4 || !isText(id) || typeof rev !== 'number' || typeof seq !== 'number') return;
  if ((found.get(id)?.seq ?? -1) >= seq) return;
  if (body === null) found.set(id, { seq });
  const doc = isText(body) ? parsed(id, body) : undefined;
  if (doc) found.set(id, { seq, doc });
}

function parsed(id: string, body: string): Doc | undefined {
  try {
    const doc: Doc = JSON.parse(body);
    return doc._id === id ? doc : undefined;
  } catch {
    return undefined;
  }
}

/** An entry of the index of ids, or of the table `meta`, which is kept as an index. */
function keepEntry([name, value, ...more]: readonly Cell[], ids: Set<string>, meta: Map<string, string>): void {
  if (more.length > 0 || !isText(name)) return;
  if (typeof value === 'number' && name.includes(':')) ids.add(name);
  if (isText(value)) meta.set(name, value);
}

async function* documentsOf(found: ReadonlyMap<string, Found>): AsyncGenerator<Doc, void, void> {
  for (const id of [...found.keys()].sort()) {
    const doc = found.get(id)?.doc;
    if (doc) yield doc;
  }
}

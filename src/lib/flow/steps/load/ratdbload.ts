// Loading tables into the experiment's database: what a text says, as rows; all of them in one transaction, or none.
import { planeOf } from '../../../domain/formats/ratdb.ts';
import { exactJson } from '../../../domain/formats/ratdbvalues.ts';
import { keyOf, revisionOf, type TableToWrite, versionIn } from '../../../domain/tables/ratdbrows.ts';
import type { Ratdb } from '../../../runtables.ts';
import { noteStale } from '../../jobs/stale/note.ts';
import { describe, type Placed } from '../../jobs/tables/documents.ts';
import type { Item, Ports } from '../../ports.ts';

export interface RatdbLoad {
  readonly tag?: string;
  readonly origin?: string;
}

/** Returns whether the tables were written. */
export async function* loadIntoRatdb(
  ports: Ports,
  ratdb: Ratdb,
  placed: readonly Placed[],
  { tag, origin = ports.nonce() }: RatdbLoad,
): AsyncGenerator<Item, boolean, void> {
  const mine = placed.filter(({ range }) => planeOf(range) === 'run');
  for (const other of placed) if (!mine.includes(other)) yield notOfRuns(other);
  if (mine.length === 0) return false;
  if (ports.settings.tables.writeBack === false) {
    yield onlyRead(ratdb);
    return false;
  }
  const decisions = await ratdb.write(
    mine.map((one) => rowOf(one, origin)),
    tag,
  );
  const replaced = new Set<string>();
  for (const [at, { did, row }] of decisions.entries()) {
    const one = mine[at];
    if (!one) continue;
    if (did === 'replaced') replaced.add(one.id);
    const { name, index, first, last, pass } = row;
    const about = { name, index, first, last, pass, revision: revisionOf(row) };
    yield { kind: 'table', ref: one.id, did, ...about, text: describe(one) };
  }
  yield* noteStale(ports, supersededRuns(mine, replaced));
  return true;
}

function rowOf({ table, range, hash }: Placed, origin: string): TableToWrite {
  const { name, index, pass, fields } = table;
  const row = { name, index, range, version: versionIn(table), pass, hash, data: exactJson(fields) };
  return { ...row, key: keyOf(origin, row) };
}

/** RATDB keeps tables of run ranges only: defaults are in files, and each person has a user plane of their own. */
function notOfRuns(placed: Placed): Item {
  const text = `${describe(placed)}: the table has no run range, and RATDB keeps tables of runs only`;
  const next = 'add run_range to the table';
  return { kind: 'table', ref: placed.id, did: 'failed', failed: true, text, next };
}

function onlyRead({ where }: Ratdb): Item {
  const text = 'the database of run tables is only read: tables.writeBack is false';
  return { kind: 'source', ref: where, did: 'refused', failed: true, text, next: 'tables.writeBack: true' };
}

/** Runs followed at once; a wide range is left to the sweep of `tables`. */
const AT_ONCE = 1_000;

/** Runs whose tables were replaced. */
export function supersededRuns(placed: readonly Placed[], replaced: ReadonlySet<string>): number[] {
  const runs = new Set<number>();
  for (const { id, range } of placed) {
    if (!replaced.has(id) || range[0] < 1) continue;
    for (let run = range[0]; run <= range[1] && runs.size < AT_ONCE; run++) runs.add(run);
  }
  return [...runs];
}

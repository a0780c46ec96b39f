// Looking a table up in dflow's own store for a run, now or as a tag froze it. Reads, never writes.
import { pickTable, planeOf, tablePrefix } from '../../../domain/formats/ratdb.ts';
import type { FoundTable, Revisions } from '../../../runtables.ts';
import { idsOfRuns, idsWith, type ReadStore } from '../../../store.ts';
import { groupBy } from '../../../util/values/group.ts';
import { nth } from '../../../util/values/have.ts';
import { views } from '../../../views/index.ts';
import { bodyId, exactFields, type TableBodyDoc, type TableDoc } from './documents.ts';
import { type Frozen, frozenTables, readTag } from './tags.ts';

/**
 * NAME[INDEX] as it holds for a run: user plane, run ranges (highest pass, newest), default plane.
 * @throws UsageError when there is no such tag
 */
export async function lookupTable(
  store: ReadStore,
  name: string,
  index: string,
  run: number,
  tag?: string,
): Promise<FoundTable | undefined> {
  return (await lookupTables(store, name, index, [run], tag)).get(run);
}

/** The same for many runs, by run. */
export async function lookupTables(
  store: ReadStore,
  name: string,
  index: string,
  runs: readonly number[],
  tag?: string,
): Promise<Map<number, FoundTable>> {
  const { single, wide } = bySpan(await standing(store, name, index, runs, tag));
  const picked = runs.flatMap((run) => {
    const table = pickTable([...(single.get(run) ?? []), ...wide], run);
    return table ? [{ run, table }] : [];
  });
  const bodies = await store.get<TableBodyDoc>([...new Set(picked.map(({ table }) => bodyId(table.hash)))]);
  return new Map(
    picked.flatMap(({ run, table }) => {
      const body = bodies.get(bodyId(table.hash));
      return body ? [[run, foundTable(name, index, table, body)] as const] : [];
    }),
  );
}

function foundTable(name: string, index: string, table: Frozen, body: TableBodyDoc): FoundTable {
  const { id, first, last, pass, revision, at } = table;
  return {
    ...{ id, name, index, first, last, pass, plane: planeOf([first, last]), revision, at },
    ...(body.encoding ? { encoding: body.encoding } : {}),
    fields: exactFields(body),
  };
}

/**
 * By run, the revision of each named table (index '') that covers the run, `undefined` where none does. The default
 * plane does not count: it says what an unknown run would be like, not that this run's table was made.
 */
export async function tableRevisions(
  store: ReadStore,
  names: readonly string[],
  runs: readonly number[],
  tag?: string,
): Promise<Revisions> {
  const found: Revisions = new Map(runs.map((run) => [run, {}]));
  if (runs.length === 0) return found;
  const all = await Promise.all(names.map((name) => standing(store, name, '', runs, tag)));
  for (const [at, name] of names.entries()) {
    const tables = nth(all, at);
    const covering = tables.filter((table) => planeOf([table.first, table.last]) !== 'default');
    const { single, wide } = bySpan(covering);
    for (const [run, revisions] of found) {
      revisions[name] = pickTable([...(single.get(run) ?? []), ...wide], run)?.revision;
    }
  }
  return found;
}

/** Tables of one run by that run, and the others: what keeps a lookup for many runs linear. */
function bySpan(tables: readonly Frozen[]): { single: Map<number, Frozen[]>; wide: Frozen[] } {
  const isWide = ({ first, last }: Frozen): boolean => first !== last || first < 1;
  const single = tables.filter((table) => !isWide(table));
  return { single: groupBy(single, ({ first }) => first), wide: tables.filter(isWide) };
}

/** Every table NAME[INDEX] that may hold for one of the runs. */
async function standing(
  store: ReadStore,
  name: string,
  index: string,
  runs: readonly number[],
  tag: string | undefined,
): Promise<Frozen[]> {
  const prefix = tablePrefix(name, index);
  if (tag !== undefined) return frozenTables(store, await readTag(store, tag), prefix, stretches(runs));
  const spans = [
    ...stretches(runs).map((span) => idsOfRuns(prefix, span)),
    ...['user', 'default'].map((plane) => idsWith(`${prefix}${plane}`)),
  ];
  const [docs, wide] = await Promise.all([store.ranges<TableDoc>(spans), ranges(store, name, index, runs)]);
  return [...docs, ...wide].map((doc) => ({ ...doc, id: doc._id }));
}

async function ranges(store: ReadStore, name: string, index: string, runs: readonly number[]): Promise<TableDoc[]> {
  if (runs.length === 0) return [];
  const lowest = runs.reduce((a, b) => Math.min(a, b));
  const highest = runs.reduce((a, b) => Math.max(a, b));
  const rows = await store.view(views.tableRanges, { start: [name, index], end: [name, index, highest, {}] });
  const reaching = rows.filter((row) => row.key[3] >= lowest);
  return [...(await store.get<TableDoc>(reaching.map((row) => row.id))).values()];
}

/** Runs as few ranges: what lies close together is read in one go. */
function stretches(runs: readonly number[]): [number, number][] {
  const found: [number, number][] = [];
  for (const run of [...runs].sort((a, b) => a - b)) {
    const last = found.at(-1);
    if (last && run - last[1] <= 1000) last[1] = run;
    else found.push([run, run]);
  }
  return found;
}

// Reads run tables from the database of the configuration, else from dflow's own store. When the database does not answer,
// the result says so (`TablesAway`), and no table counts as missing.
import type { ShortRun, TablesAway } from '../../../domain/tables/tablegates.ts';
import { maskOf } from '../../../domain/tables/tablemask.ts';
import type { ReadRatdb, ReadRunTables, Revisions, RunState } from '../../../runtables.ts';
import type { ReadStore } from '../../../store.ts';
import { ConfigError, CredentialsError, UnreachableError } from '../../../util/errors.ts';
import { counted } from '../../../util/text/counted.ts';
import { given } from '../../../util/values/given.ts';
import type { Item, ReadPorts } from '../../ports.ts';
import { lookupTables, tableRevisions } from './lookup.ts';

type Asking = Pick<ReadPorts, 'store' | 'ratdb'>;

function ownTables(store: ReadStore): ReadRunTables {
  return {
    revisions: (names, runs, tag) => tableRevisions(store, names, runs, tag),
    lookup: (name, index, runs, tag) => lookupTables(store, name, index, runs, tag),
    states: () => Promise.resolve(new Map()),
  };
}

export function tablesOf({ store, ratdb }: Asking): ReadRunTables {
  return ratdb ?? ownTables(store);
}

/** The answer of `ask`, or why the database gives none. @throws any error that is not of the database */
async function known<T>(ports: Asking, ask: (tables: ReadRunTables) => Promise<T>): Promise<T | TablesAway> {
  try {
    return await ask(tablesOf(ports));
  } catch (error) {
    const away = awayOf(ports, error);
    if (away) return away;
    throw error;
  }
}

/** The error of a database, in words; `undefined` for any other. */
function awayOf({ ratdb }: Asking, error: unknown): TablesAway | undefined {
  const isOfDatabase =
    error instanceof UnreachableError || error instanceof CredentialsError || error instanceof ConfigError;
  if (!ratdb || !isOfDatabase) return undefined;
  return { text: `${error.message} (${ratdb.where})`, next: error.hint ?? 'dflow doctor --only ratdb' };
}

/** The item that says how many runs wait for the database. */
export function tablesAwayItem({ where }: ReadRatdb, { text, next }: TablesAway, runs: number): Item {
  return {
    kind: 'source',
    ref: where,
    did: 'unreachable',
    failed: true,
    unreachable: true,
    text: `${text}; ${counted(runs, 'run waits', 'runs wait')}`,
    next,
  };
}

export const isAway = (answer: object): answer is TablesAway => 'text' in answer && 'next' in answer;

/** Revisions of the named tables by run, `undefined` for a missing table; `TablesAway` when the database does not answer. */
export function revisionsNow(
  ports: Asking,
  names: readonly string[],
  runs: readonly number[],
  tag?: string,
): Promise<Revisions | TablesAway> {
  return known(ports, (tables) => (names.length === 0 ? none(runs) : tables.revisions(names, runs, tag)));
}

function none(runs: readonly number[]): Promise<Revisions> {
  return Promise.resolve(new Map(runs.map((run) => [run, {}])));
}

/** Runs that are too short to be processed automatically. */
export async function shortRuns(
  ports: Pick<ReadPorts, 'store' | 'ratdb' | 'settings'>,
  runs: readonly number[],
): Promise<Map<number, ShortRun> | TablesAway> {
  const { minimum } = ports.settings.tables;
  if (minimum === undefined) return new Map();
  const states = await known(ports, (tables) => tables.states(runs));
  if (isAway(states)) return states;
  const short = [...states].filter(([, { length }]) => length !== undefined && length < minimum);
  return new Map(short.map(([run, { length = 0 }]) => [run, { length, minimum }]));
}

/** What is known of the runs: as the database says, else as their RUN tables say. */
export async function statesNow(ports: Asking, runs: readonly number[]): Promise<Map<number, RunState> | TablesAway> {
  return known(ports, async (tables) => {
    const found = await tables.states(runs);
    const rest = runs.filter((run) => found.get(run)?.mask === undefined);
    for (const [run, { id, plane, fields }] of await tables.lookup('RUN', '', rest)) {
      const mask = plane === 'default' ? undefined : maskOf(fields);
      if (mask !== undefined) found.set(run, { ...given({ length: found.get(run)?.length }), mask, from: id });
    }
    return found;
  });
}

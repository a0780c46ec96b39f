// Run tables in PostgreSQL: a header table and a data table, as the queries of the configuration know them. The database
// belongs to the experiment; dflow adds rows, and never changes or deletes one.

import { contentHash, readExactJson } from '../../domain/formats/ratdb.ts';
import { RatdbError } from '../../domain/formats/ratdbreader.ts';
import type { RatdbFields } from '../../domain/formats/ratdbvalues.ts';
import type { RunTablesSettings } from '../../domain/settings.ts';
import {
  decideWrite,
  highest,
  revisionOf,
  rowFor,
  type TableRowOf,
  type TableToWrite,
  type WriteDecision,
} from '../../domain/tables/ratdbrows.ts';
import type { FoundTable, Ratdb, Revisions, RunState } from '../../runtables.ts';
import { loginOf } from '../../stores/postgres/server/login.ts';
import { parsePlace } from '../../stores/postgres/server/place.ts';
import { messageOf } from '../../util/errors.ts';
import { given } from '../../util/values/given.ts';
import { batches, groupBy } from '../../util/values/group.ts';
import { type Ask, Connection, type SqlRow, type Timing } from './connection.ts';
import { notWritable } from './meaning.ts';
import { Queries, unreadable } from './queries.ts';
import { lengthOf } from './times.ts';

const PURPOSE = { what: 'database of run tables', example: 'source: postgres://db.example.org/ratdb', schema: '' };

/** Runs of one question. */
const BATCH = 2_000;
/** Contents may be large. */
const CONTENTS = 100;
/** Writers of one database follow each other: each must see what the one before has written. */
const LOCK = "SELECT pg_advisory_xact_lock(hashtext('dflow run tables'))";

/** Nothing is connected yet. @throws ConfigError for what is not the address of a database */
export function open(
  settings: RunTablesSettings,
  env: Readonly<Record<string, string | undefined>>,
  timing?: Timing,
): Ratdb {
  const connect = (url: string): Connection => {
    const place = parsePlace(url, PURPOSE);
    return new Connection(place, loginOf(place, env), timing);
  };
  const tables = connect(settings.source);
  const detector = settings.detector === undefined ? tables : connect(settings.detector);
  return new PostgresRatdb(tables, detector, new Queries(settings.queries, tables.asked.where));
}

class PostgresRatdb implements Ratdb {
  readonly #tables: Connection;
  readonly #detector: Connection;
  readonly #queries: Queries;

  constructor(tables: Connection, detector: Connection, queries: Queries) {
    this.#tables = tables;
    this.#detector = detector;
    this.#queries = queries;
  }

  get where(): string {
    return this.#tables.asked.where;
  }

  async revisions(names: readonly string[], runs: readonly number[], tag?: string): Promise<Revisions> {
    const found: Revisions = new Map(runs.map((run) => [run, {}]));
    if (runs.length === 0 || names.length === 0) return found;
    for (const some of batches(runs, BATCH)) {
      const rows = await this.#tables.read((ask) => this.#find(ask, names, [''], some, tag));
      const byName = groupBy(rows, ({ name }) => name);
      for (const name of names) {
        const rowOf = rowsByRun(byName.get(name) ?? []);
        for (const run of some) {
          const row = rowOf(run);
          const revisions = found.get(run);
          if (revisions) revisions[name] = row && revisionOf(row);
        }
      }
    }
    return found;
  }

  async lookup(name: string, index: string, runs: readonly number[], tag?: string): Promise<Map<number, FoundTable>> {
    const found = new Map<number, FoundTable>();
    for (const some of batches(runs, BATCH)) {
      const picked = await this.#tables.read(async (ask) => {
        const rowOf = rowsByRun(await this.#find(ask, [name], [index], some, tag));
        const rows = some.flatMap((run) => {
          const row = rowOf(run);
          return row ? [{ run, row }] : [];
        });
        const contents = await this.#contents(
          ask,
          rows.map(({ row }) => row.key),
        );
        return { rows, contents };
      });
      for (const { run, row } of picked.rows) {
        const text = picked.contents.get(row.key);
        if (text !== undefined) found.set(run, foundTable(row, fieldsOf(text, row.key, this.where)));
      }
    }
    return found;
  }

  async states(runs: readonly number[]): Promise<Map<number, RunState>> {
    const found = new Map<number, RunState>();
    if (!this.#queries.has('runs')) return found;
    for (const some of batches(runs, BATCH)) {
      const values = { runs: some, ...spanOf(some) };
      const rows = await this.#detector.read((ask) => this.#queries.ask(ask, 'runs', values));
      for (const row of rows) found.set(this.#queries.whole('runs', row, 'run'), this.#stateOf(row));
    }
    return found;
  }

  #stateOf(row: SqlRow): RunState {
    const known = row.mask !== null && row.mask !== undefined;
    const mask = known ? this.#queries.whole('runs', row, 'mask') : undefined;
    const length = lengthOf(row.started, row.ended);
    return { from: `run_state, ${this.#detector.asked.where}`, ...given({ mask, length }) };
  }

  foretell(tables: readonly TableToWrite[]): Promise<readonly WriteDecision[]> {
    return this.#tables.read((ask) => this.#decide(ask, tables));
  }

  /** The same call again, also after an answer that never came, writes nothing a second time. */
  write(tables: readonly TableToWrite[], tag = ''): Promise<readonly WriteDecision[]> {
    return this.#tables.write(async (ask) => {
      await ask(LOCK);
      const decisions = await this.#decide(ask, tables);
      for (const [at, { did, row }] of decisions.entries()) {
        const table = tables[at];
        if (did !== 'unchanged' && table) await this.#queries.ask(ask, 'insert', { ...row, tag, data: table.data });
      }
      return decisions;
    });
  }

  async #decide(ask: Ask, tables: readonly TableToWrite[]): Promise<WriteDecision[]> {
    const rows: TableRowOf[] = [];
    const runs = [...new Set(tables.map(({ range }) => range[0]))];
    const names = [...new Set(tables.map(({ name }) => name))];
    const indexes = [...new Set(tables.map(({ index }) => index))];
    for (const some of batches(runs, BATCH)) rows.push(...(await this.#find(ask, names, indexes, some)));
    const slots = groupBy(rows, slotOf);
    const tops = [...slots.values()].flatMap((slot) => highest(slot)?.key ?? []);
    const contents = await this.#contents(ask, tops);
    const hashes = new Map<string, string | undefined>();
    for (const [key, text] of contents) hashes.set(key, hashOf(text));
    const decided: WriteDecision[] = [];
    for (const table of tables) {
      const slot = slotOf({ ...table, first: table.range[0], last: table.range[1] });
      const there = slots.get(slot) ?? [];
      const decision = decideWrite(table, there, ({ key }) => hashes.get(key));
      if (decision.did !== 'unchanged') {
        slots.set(slot, [...there, decision.row]);
        hashes.set(table.key, table.hash);
      }
      decided.push(decision);
    }
    return decided;
  }

  async #find(
    ask: Ask,
    names: readonly string[],
    indexes: readonly string[],
    runs: readonly number[],
    tag?: string,
  ): Promise<TableRowOf[]> {
    const values = { names, indexes, runs, ...spanOf(runs), tag: tag ?? null };
    const rows = await this.#queries.ask(ask, 'find', values);
    const whole = (row: SqlRow, column: string): number => this.#queries.whole('find', row, column);
    return rows.map((row) => ({
      name: this.#queries.text(row, 'name'),
      index: this.#queries.text(row, 'index'),
      first: whole(row, 'first'),
      last: whole(row, 'last'),
      version: whole(row, 'version'),
      pass: whole(row, 'pass'),
      key: this.#queries.text(row, 'key'),
    }));
  }

  async #contents(ask: Ask, keys: readonly string[]): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (const some of batches([...new Set(keys)], CONTENTS)) {
      const rows = await this.#queries.ask(ask, 'contents', { keys: some });
      for (const row of rows) found.set(this.#queries.text(row, 'key'), this.#queries.text(row, 'data'));
    }
    return found;
  }

  async check(writes: boolean): Promise<string> {
    const nothing = { names: [], indexes: [], runs: [], first: 0, last: 0, tag: null, keys: [] };
    await this.#tables.read(async (ask) => {
      await this.#queries.ask(ask, 'find', nothing);
      await this.#queries.ask(ask, 'contents', nothing);
    });
    if (this.#queries.has('runs')) await this.#detector.read((ask) => this.#queries.ask(ask, 'runs', nothing));
    if (!writes) return 'answers; it is only read';
    const row = { name: 'DFLOW', index: '', first: 0, last: 0, version: 0, pass: 0, tag: '', key: 'dflow', data: '{}' };
    await this.#tables.trial(async (ask) => {
      const { rows } = await ask("SELECT current_setting('transaction_read_only') AS readonly");
      if (rows[0]?.readonly === 'on') throw notWritable('the server or the user is set to reading', this.#tables.asked);
      await this.#queries.explain(ask, 'insert', row);
    });
    return 'answers, and takes tables';
  }

  async close(): Promise<void> {
    await this.#tables.close();
    if (this.#detector !== this.#tables) await this.#detector.close();
  }
}

const slotOf = ({ name, index, first, last }: Pick<TableRowOf, 'name' | 'index' | 'first' | 'last'>): string =>
  JSON.stringify([name, index, first, last]);

function spanOf(runs: readonly number[]): { first: number; last: number } {
  return { first: runs.reduce((a, b) => Math.min(a, b), runs[0] ?? 0), last: runs.reduce((a, b) => Math.max(a, b), 0) };
}

/** The row of a run among those of one name: tables of one run by that run, so that many runs stay linear. */
function rowsByRun(rows: readonly TableRowOf[]): (run: number) => TableRowOf | undefined {
  const isSingle = ({ first, last }: TableRowOf): boolean => first === last;
  const single = groupBy(rows.filter(isSingle), ({ first }) => first);
  const wide = rows.filter((row) => !isSingle(row));
  return (run) => rowFor([...(single.get(run) ?? []), ...wide], run);
}

function foundTable(row: TableRowOf, fields: RatdbFields): FoundTable {
  const { key, name, index, first, last, pass } = row;
  return { id: key, name, index, first, last, pass, plane: 'run', revision: revisionOf(row), fields };
}

/** @throws ItemError its contents do not parse */
function fieldsOf(text: string, key: string, where: string): RatdbFields {
  try {
    return readExactJson(text);
  } catch (error) {
    if (error instanceof RatdbError || error instanceof RangeError) throw unreadable(key, messageOf(error), where);
    throw error;
  }
}

/** `undefined` where others wrote something that RATDB does not read: it equals nothing of ours. */
function hashOf(text: string): string | undefined {
  try {
    return contentHash(readExactJson(text));
  } catch (error) {
    if (error instanceof RatdbError || error instanceof RangeError) return undefined;
    throw error;
  }
}

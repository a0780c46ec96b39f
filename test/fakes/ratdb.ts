// A database of run tables in memory: the same rules as the real one, and a switch that takes it away.
import { contentHash, readExactJson } from '../../src/lib/domain/formats/ratdb.ts';
import {
  decideWrite,
  isSlot,
  revisionOf,
  rowFor,
  type TableRowOf,
  type TableToWrite,
  type WriteDecision,
} from '../../src/lib/domain/tables/ratdbrows.ts';
import { type FoundTable, type Ratdb, type RunState, TablesAwayError } from '../../src/lib/runtables.ts';

interface Held extends TableRowOf {
  readonly data: string;
  readonly tag: string;
}

export class MemoryRatdb implements Ratdb {
  readonly where = 'postgres://db.example.org/ratdb';
  readonly rows: Held[] = [];
  readonly runs = new Map<number, RunState>();
  away = false;
  /** Questions asked. */
  asked = 0;

  #ask(): void {
    this.asked++;
    if (this.away)
      throw new TablesAwayError('RATDB cannot be reached: connection refused', { hint: 'pg_isready -d ratdb' });
  }

  #row(name: string, index: string, run: number, tag?: string): Held | undefined {
    const some = this.rows.filter((row) => row.name === name && row.index === index);
    return rowFor(
      some.filter((row) => tag === undefined || row.tag === tag),
      run,
    );
  }

  async revisions(names: readonly string[], runs: readonly number[], tag?: string) {
    this.#ask();
    const ofRun = (run: number) =>
      names.map((name) => {
        const row = this.#row(name, '', run, tag);
        return [name, row && revisionOf(row)] as const;
      });
    return new Map(runs.map((run) => [run, Object.fromEntries(ofRun(run))]));
  }

  async lookup(name: string, index: string, runs: readonly number[], tag?: string) {
    this.#ask();
    return new Map<number, FoundTable>(
      runs.flatMap((run) => {
        const row = this.#row(name, index, run, tag);
        if (!row) return [];
        const { key, first, last, pass, data } = row;
        const place = { id: key, name, index, first, last, pass, plane: 'run', revision: revisionOf(row) } as const;
        return [[run, { ...place, fields: readExactJson(data) }]];
      }),
    );
  }

  async states(runs: readonly number[]) {
    this.#ask();
    return new Map(runs.flatMap((run) => (this.runs.has(run) ? [[run, this.runs.get(run)!]] : [])));
  }

  async foretell(tables: readonly TableToWrite[]): Promise<WriteDecision[]> {
    return this.#decide(tables, [...this.rows], '');
  }

  async write(tables: readonly TableToWrite[], tag = ''): Promise<WriteDecision[]> {
    return this.#decide(tables, this.rows, tag);
  }

  #decide(tables: readonly TableToWrite[], rows: Held[], tag: string): WriteDecision[] {
    this.#ask();
    const hashOf = ({ key }: TableRowOf): string | undefined => {
      const row = rows.find((one) => one.key === key);
      return row && contentHash(readExactJson(row.data));
    };
    return tables.map((table) => {
      const there = rows.filter((row) => isSlot(row, table));
      const decision = decideWrite(table, there, hashOf);
      if (decision.did !== 'unchanged') rows.push({ ...decision.row, data: table.data, tag });
      return decision;
    });
  }

  async check(): Promise<string> {
    this.#ask();
    return 'answers';
  }

  async close(): Promise<void> {}
}

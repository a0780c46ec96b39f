// Run tables: what flow asks of wherever they are kept. Two implementations: dflow's own documents
// (flow/jobs/tables/own.ts), and a database that the experiment has already (ratdbs/).
import type { Plane } from './domain/formats/ratdb.ts';
import type { RatdbFields } from './domain/formats/ratdbvalues.ts';
import type { RunTablesSettings } from './domain/settings.ts';
import type { TableToWrite, WriteDecision } from './domain/tables/ratdbrows.ts';
import { UnreachableError } from './util/errors.ts';
import type { Iso } from './util/time.ts';

export interface FoundTable {
  /** Document id, or the key of the row. */
  readonly id: string;
  readonly name: string;
  readonly index: string;
  readonly first: number;
  readonly last: number;
  readonly pass: number;
  readonly plane: Plane;
  readonly revision: string;
  /** When it was loaded; a database does not say. */
  readonly at?: Iso;
  readonly fields: RatdbFields;
  /** The file was not UTF-8: each character of the texts stands for the byte of its number. */
  readonly encoding?: 'latin1';
}

/** By run, the revision of each named table, `undefined` where none holds. */
export type Revisions = Map<number, Record<string, string | undefined>>;

/** What is known of a run itself. */
export interface RunState {
  readonly mask?: number;
  /** Where the mask comes from. */
  readonly from: string;
  /** Milliseconds from start to end; absent while it is not over. */
  readonly length?: number;
}

/** Looking tables up, for many runs at once. @throws TablesAwayError nobody knows; ConfigError a query is wrong */
export interface ReadRunTables {
  /** Table NAME[''] of each name for each run. The default plane does not count. */
  revisions(names: readonly string[], runs: readonly number[], tag?: string): Promise<Revisions>;
  /** NAME[INDEX] with its contents, by run. */
  lookup(name: string, index: string, runs: readonly number[], tag?: string): Promise<Map<number, FoundTable>>;
  /** Run type and length of the runs that are known. */
  states(runs: readonly number[]): Promise<Map<number, RunState>>;
}

/** Tables in a database of the experiment. */
export interface ReadRatdb extends ReadRunTables {
  /** Its address without a login. */
  readonly where: string;
  /** What `write` would do. */
  foretell(tables: readonly TableToWrite[]): Promise<readonly WriteDecision[]>;
  /** Asks every query once. `writes`: also that the user may write. @throws ConfigError, TablesAwayError */
  check(writes: boolean): Promise<string>;
}

export interface Ratdb extends ReadRatdb {
  /** All of them or none, in one transaction; what was written before is left alone. */
  write(tables: readonly TableToWrite[], tag?: string): Promise<readonly WriteDecision[]>;
  close(): Promise<void>;
}

export interface RatdbModule {
  /** Nothing is connected yet. @throws ConfigError for what is not its address */
  open(settings: RunTablesSettings, env: Readonly<Record<string, string | undefined>>): Ratdb;
}

/** The tables cannot be asked: nothing is known, and nothing is missing. */
export class TablesAwayError extends UnreachableError {}

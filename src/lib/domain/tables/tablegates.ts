// The gates of run tables (complete, missing, or not known) and of runs that are too short.
import { exactDuration } from '../../util/time.ts';
import { runId } from '../ids.ts';
import type { Settings } from '../settings.ts';

/** Why it is not known which run tables exist. */
export interface TablesAway {
  readonly text: string;
  readonly next: string;
}

interface TablesOf {
  readonly run: number;
  readonly tables: Readonly<Record<string, string | undefined>>;
  readonly tablesAway?: TablesAway;
}

export function tableGates({ tables, tablesAway, run }: TablesOf) {
  if (tablesAway) return [{ gate: 'tables', ok: false, ...tablesAway }];
  const names = Object.keys(tables);
  const missing = names.filter((name) => tables[name] === undefined);
  if (names.length === 0) return [];
  if (missing.length === 0) return [{ gate: 'tables', ok: true, text: names.join(', ') }];
  const text = `no ${missing.join(', ')} table for run ${run}`;
  return [{ gate: 'tables', ok: false, text, next: 'dflow tables load FILE', on: runId(run) }];
}

/** Names of the tables that a run of these types needs. */
export function requiredTables({ required, requiredBy = {} }: Settings['tables'], types: readonly string[]): string[] {
  return [...new Set([...required, ...types.flatMap((type) => requiredBy[type] ?? [])])];
}

/** Names of the tables that any run may need. */
export function allRequired(tables: Settings['tables']): string[] {
  return requiredTables(tables, Object.keys(tables.requiredBy ?? {}));
}

/** The length of a run that is shorter than the minimum. */
export interface ShortRun {
  readonly length: number;
  readonly minimum: number;
}

export function shortText({ length, minimum }: ShortRun): string {
  return `the run lasted ${exactDuration(length)}, less than tables.minimum (${exactDuration(minimum)})`;
}

/** Gates that a module without run tables does not wait for. */
const OF_TABLES: ReadonlySet<string> = new Set(['first-pass', 'tables']);

/** Whether a run waits for nothing but its run tables. */
export function waitsForTables(gates: readonly { readonly gate: string; readonly ok: boolean }[]): boolean {
  const unmet = gates.filter(({ ok }) => !ok);
  return unmet.length > 0 && unmet.every(({ gate }) => OF_TABLES.has(gate));
}

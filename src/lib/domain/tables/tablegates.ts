// The gate of run tables: all there, some missing, or nobody knows.
import { runId } from '../ids.ts';

/** Why nobody can say which run tables exist. */
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

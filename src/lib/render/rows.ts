// Looked-up rows: which columns each kind shows, as a table for people or tab-separated for pipes.

import { PASS_STATES } from '../domain/jobs/states.ts';
import type { AnyRow, Lists } from '../flow/reports/look/look.ts';
import { cleaned, oneLine } from '../util/text/terminal.ts';
import { type As, type Column, type Fields, plain, type TableParts, tableParts, tableText } from './show/table.ts';

type FieldOf<R> = R extends unknown ? Extract<keyof R, string> : never;

/** Columns of each list, in order: fields of its rows, and of nothing else. */
const COLUMNS: { readonly [L in keyof Lists]: readonly FieldOf<Lists[L]>[] } = {
  runs: ['ref', 'types', 'state', 'levels', 'files', 'blocked', 'firstSeen', 'labels'],
  data: ['ref', 'level', 'files', 'size', 'kept', 'done', 'original', 'host'],
  replicas: [
    ...(['ref', 'level', 'name', 'storage', 'state', 'size', 'since', 'path', 'why'] as const),
    ...(['registered', 'registeredAs', 'difference'] as const),
  ],
  jobs: ['ref', 'version', 'state', 'done', 'subjobs', 'site', 'tries', 'cause', 'since', 'request', 'labels', 'stale'],
  'first-pass': ['ref', 'state', 'required', 'tries', 'since', 'until', 'host', 'why'],
  farms: ['ref', 'backend', 'slots', 'active', 'state', 'host', 'heartbeat', 'why', 'until', 'next'],
  storage: ['ref', 'protocol', 'primary', 'verified', 'copying', 'failed', 'bad', 'state', 'url'],
  requests: ['ref', 'version', 'priority', 'done', 'failed', 'active', 'passes', 'state', 'left', 'by', 'created'],
  labels: ['ref', 'runs', 'passes'],
  holds: ['ref', 'what', 'covers', 'why', 'by', 'since', 'until'],
  loops: ['ref', 'outcome', 'at', 'hash', 'state', 'every', 'due', 'exclusive', 'holder', 'next'],
  modules: ['ref', 'version', 'needs', 'level', 'outputs', 'runTypes', 'run'],
  quarantine: ['ref', 'run', 'level', 'reason', 'detail', 'size', 'at', 'next'],
  trash: ['ref', 'run', 'level', 'host', 'reason', 'why', 'size', 'at', 'until', 'path'],
  tables: ['ref', 'name', 'index', 'first', 'last', 'pass'],
  archived: ['ref', 'types', 'state', 'files', 'size', 'passes', 'at', 'by', 'host', 'file'],
  reasons: ['count', 'gate', 'text', 'ref', 'next'],
  history: ['at', 'ref', 'subjobs', 'from', 'to', 'by', 'why'],
  verdict: ['ref', 'cause', 'action', 'verdict', 'rule', 'text'],
  screens: ['ref', 'window', 'every', 'at', 'outcome', 'pid', 'command', 'next'],
  summary: ['module', 'version', 'label', 'request', 'site', 'state', 'passes', ...PASS_STATES],
  progress: ['ref', 'version', 'passes', ...PASS_STATES],
};

/** How a person reads a field; a pipe gets the value itself. */
const FORMATS: Readonly<Partial<Record<FieldOf<AnyRow>, As>>> = {
  size: 'size',
  state: 'state',
  to: 'state',
  firstSeen: 'time',
  since: 'time',
  until: 'time',
  at: 'time',
  created: 'time',
  heartbeat: 'time',
  due: 'time',
  every: 'duration',
  left: 'duration',
};

function columnsOf(list: keyof Lists): readonly Column[] {
  return COLUMNS[list].map((field: FieldOf<AnyRow>) => ({ field, as: FORMATS[field] }));
}

/** A table; columns without any value are left out. */
export function rowTable<L extends keyof Lists>(list: L, found: readonly Lists[L][], width: number): string {
  return tableText(
    columnsOf(list),
    found.map((row: AnyRow) => ({ ...row })),
    width,
  );
}

/** The same table in parts, with the lines of each row apart. */
export function rowParts<L extends keyof Lists>(list: L, found: readonly Lists[L][], width: number): TableParts {
  return tableParts(
    columnsOf(list),
    found.map((row: AnyRow) => ({ ...cleaned(row) })),
    width,
  );
}

/** The columns of a list, tab-separated, times as RFC 3339 UTC, sizes in bytes. */
export function rowTsv<L extends keyof Lists>(list: L, row: Lists[L]): string {
  const fields: Fields = { ...row };
  return columnsOf(list)
    .map(({ field }) => oneLine(plain(fields[field])))
    .join('\t');
}

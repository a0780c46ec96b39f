// Looked-up rows: which columns each kind shows, as a table for people or tab-separated for pipes.
import chalk from 'chalk';
import Table from 'cli-table3';
import type { Row } from '../flow/reports/look/row.ts';
import { oneLine } from '../util/terminal.ts';
import { humanSize, localTime } from './human.ts';
import { stateColour } from './states.ts';

interface Column {
  readonly field: string;
  /** How a person reads it; a pipe gets the value itself. */
  readonly as?: 'time' | 'size' | 'state';
}

const column = (field: string, as?: Column['as']): Column => (as ? { field, as } : { field });

/** Columns by kind of row, in order. */
const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  runs: [
    ...['ref', 'types', 'state', 'levels', 'files'].map((field) => column(field)),
    column('size', 'size'),
    column('blocked'),
    column('firstSeen', 'time'),
  ],
  data: [
    ...['ref', 'level', 'files'].map((field) => column(field)),
    column('size', 'size'),
    ...['kept', 'done', 'original', 'host'].map((field) => column(field)),
  ],
  replicas: [
    ...['ref', 'level', 'name', 'storage', 'state'].map((field) => column(field)),
    column('size', 'size'),
    column('since', 'time'),
    column('path'),
    column('why'),
  ],
  jobs: [
    column('ref'),
    column('version'),
    column('state', 'state'),
    ...['done', 'subjobs', 'site', 'tries', 'cause'].map((field) => column(field)),
    column('since', 'time'),
    column('request'),
  ],
  farms: [
    ...['ref', 'backend', 'slots', 'waiting', 'active', 'state', 'host'].map((field) => column(field)),
    column('heartbeat', 'time'),
    column('why'),
    column('until', 'time'),
    column('next'),
  ],
  storage: ['ref', 'protocol', 'primary', 'verified', 'copying', 'failed', 'bad', 'state', 'url'].map((field) =>
    column(field),
  ),
  requests: [
    ...['ref', 'version', 'priority', 'done', 'failed', 'passes', 'state', 'by'].map((field) => column(field)),
    column('created', 'time'),
  ],
  verdict: ['ref', 'cause', 'action', 'verdict', 'rule', 'text'].map((field) => column(field)),
  holds: [
    ...['ref', 'what', 'covers', 'why', 'by'].map((field) => column(field)),
    column('since', 'time'),
    column('until', 'time'),
  ],
  loops: [column('ref'), column('outcome'), column('at', 'time'), column('hash')],
  modules: ['ref', 'version', 'needs', 'level', 'outputs', 'runTypes', 'run'].map((field) => column(field)),
  quarantine: [
    ...['ref', 'run', 'level', 'reason', 'detail'].map((field) => column(field)),
    column('size', 'size'),
    column('at', 'time'),
    column('next'),
  ],
  trash: [
    ...['ref', 'run', 'level', 'host', 'reason', 'why'].map((field) => column(field)),
    column('size', 'size'),
    column('at', 'time'),
    column('until', 'time'),
    column('path'),
  ],
  tables: [column('ref'), column('name'), column('index'), column('first'), column('last'), column('pass')],
  reasons: ['count', 'gate', 'text', 'ref', 'next'].map((field) => column(field)),
  history: [column('at', 'time'), column('ref'), column('from'), column('to', 'state'), column('by'), column('why')],
};

function columnsOf(kind: string, rows: readonly Row[]): readonly Column[] {
  return COLUMNS[kind] ?? Object.keys(rows[0] ?? {}).map((field) => column(field));
}

/** The kinds that `list` knows. */
export const ROW_KINDS = Object.keys(COLUMNS);

/** A table; columns without any value are left out. */
export function rowTable(kind: string, rows: readonly Row[], width: number): string {
  const columns = columnsOf(kind, rows).filter(({ field }) => rows.some((row) => plain(row[field]) !== ''));
  const table = new Table({
    head: columns.map(({ field }) => chalk.bold(heading(field))),
    chars: BARE,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
  });
  for (const row of rows) table.push(columns.map((one) => human(one, row)));
  const lines = table.toString().split('\n');
  return lines
    .map((line) => line.trimEnd())
    .filter((line) => width > 0 && line !== '')
    .join('\n');
}

/** The kind's columns, tab-separated, times as RFC 3339 UTC, sizes in bytes. */
export function rowTsv(kind: string, row: Row): string {
  return columnsOf(kind, [row])
    .map(({ field }) => oneLine(plain(row[field])))
    .join('\t');
}

const BARE = Object.fromEntries(
  [
    ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
    ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'],
  ].map((name) => [name, '']),
);

function heading(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => ` ${letter}`).toUpperCase();
}

function plain(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) return value.map(plain).join(' ');
  if (typeof value === 'object') return JSON.stringify(value);
  return String(value);
}

function human({ field, as }: Column, row: Row): string {
  const value = row[field];
  if (as === 'time' && typeof value === 'string') return localTime(value);
  if (as === 'size' && typeof value === 'number') return humanSize(value);
  if (as === 'state' && typeof value === 'string') return stateColour(value)(value);
  return clip(oneLine(plain(value)));
}

/** No cell may push the others off the screen. */
function clip(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

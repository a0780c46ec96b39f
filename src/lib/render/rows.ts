// Looked-up rows: which columns each kind shows, as a table for people or tab-separated for pipes.
import chalk from 'chalk';
import Table from 'cli-table3';
import type { Row } from '../flow/reports/look/row.ts';
import { oneLine } from '../util/text/terminal.ts';
import { humanSize, localTime, localTimes } from './human.ts';
import { stateColour } from './states.ts';
import { shortened, widthOf, wrapped } from './wrap.ts';

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

/** A table; columns without any value are left out. What does not fit beside the rest goes under its row. */
export function rowTable(kind: string, rows: readonly Row[], width: number): string {
  const used = columnsOf(kind, rows).filter((one) => rows.some((row) => human(one, row) !== ''));
  const { beside, below } = laidOut(used, rows, width);
  const widths = fitted(beside, rows, width);
  const lines = (cells: string[]): string[] => {
    const style = { head: [], border: [], 'padding-left': 0, 'padding-right': GAP };
    const table = new Table({ chars: BARE, style, colWidths: widths.map((one) => one + GAP), wordWrap: true });
    table.push(cells);
    return table
      .toString()
      .split('\n')
      .map((line) => line.trimEnd());
  };
  const heads = lines(beside.map(({ field }) => chalk.bold(heading(field))));
  const body = rows.flatMap((row) => [...lines(beside.map((one) => human(one, row))), ...under(row, below, width)]);
  return [...heads, ...body].filter((line) => line !== '').join('\n');
}

/** What goes under a row where the columns are too many, the first that gives way first. */
const BELOW = ['next', 'path', 'url', 'text', 'detail', 'why', 'cause', 'blocked', 'reason', 'name', 'covers', 'run'];

function laidOut(columns: readonly Column[], rows: readonly Row[], width: number) {
  let beside = [...columns];
  const below: Column[] = [];
  const sumOf = (size: (one: Column) => number): number => beside.reduce((sum, one) => sum + size(one) + GAP, -GAP);
  for (const field of BELOW) {
    // A command must stay in one piece, to be copied.
    const size = field === 'next' ? naturalWidth : leastWidth;
    if (sumOf((one) => size(one, rows)) <= width) continue;
    below.push(...beside.filter((one) => one.field === field));
    beside = beside.filter((one) => one.field !== field);
  }
  return { beside, below };
}

function under(row: Row, below: readonly Column[], width: number): string[] {
  const text = (one: Column): string => human(one, row);
  const facts = below
    .filter((one) => one.field !== 'next' && text(one) !== '')
    .map((one) => `${one.field}: ${text(one)}`);
  const next = below.filter((one) => one.field === 'next' && text(one) !== '').map((one) => `Next: ${text(one)}`);
  return [...facts.reverse(), ...next].flatMap((line) => wrapped(`    ${line}`, width, '      '));
}

/** Columns between two columns. */
const GAP = 2;
/** Below this many columns a text is a ladder of single words. */
const NARROWEST = 14;

function naturalWidth(one: Column, rows: readonly Row[]): number {
  return Math.max(one.field.length, ...rows.map((row) => widthOf(human(one, row))));
}

/** Words are not broken, nor are times. */
function leastWidth(one: Column, rows: readonly Row[]): number {
  const natural = naturalWidth(one, rows);
  if (one.as === 'time') return natural;
  const words = rows.flatMap((row) => human(one, row).split(' ').map(widthOf));
  return Math.min(natural, Math.max(NARROWEST, heading(one.field).length, ...words));
}

/** The widths of columns that together fit: the widest gives way. */
function fitted(columns: readonly Column[], rows: readonly Row[], width: number): number[] {
  const widths = columns.map((one) => Math.max(heading(one.field).length, naturalWidth(one, rows)));
  const least = columns.map((one) => leastWidth(one, rows));
  let over = widths.reduce((sum, one) => sum + one + GAP, -GAP) - width;
  for (; over > 0; over--) {
    const spare = widths.map((one, at) => one - (least[at] ?? 0));
    const widest = spare.indexOf(Math.max(...spare));
    if ((spare[widest] ?? 0) <= 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

const BARE = Object.fromEntries(
  [
    ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
    ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'],
  ].map((name) => [name, '']),
);

/** The kind's columns, tab-separated, times as RFC 3339 UTC, sizes in bytes. */
export function rowTsv(kind: string, row: Row): string {
  return columnsOf(kind, [row])
    .map(({ field }) => oneLine(plain(row[field])))
    .join('\t');
}

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
  if (field === 'subjobs' && row.done !== undefined) return '';
  if (field === 'done' && row.subjobs !== undefined) return `${plain(value)}/${plain(row.subjobs)}`;
  if (typeof value === 'boolean') return value ? 'yes' : '';
  if (as === 'time' && typeof value === 'string') return localTime(value);
  if (as === 'size' && typeof value === 'number') return humanSize(value);
  if (as === 'state' && typeof value === 'string') return stateColour(value)(value);
  const text = oneLine(plain(value));
  return field === 'next' ? text : shortened(localTimes(text), LONGEST);
}

/** No cell may push the others off the screen. */
const LONGEST = 160;

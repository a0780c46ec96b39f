// Looked-up rows: which columns each kind shows, as a table for people or tab-separated for pipes.

import chalk from 'chalk';
import Table from 'cli-table3';
import { PASS_STATES } from '../domain/jobs/states.ts';
import type { AnyRow, Lists } from '../flow/reports/look/look.ts';
import { oneLine } from '../util/text/terminal.ts';
import { humanDuration } from '../util/time.ts';
import { humanSize, localTime, localTimes } from './human.ts';
import { stateColour } from './states.ts';
import { shortened, widthOf, wrapped } from './wrap.ts';

type FieldOf<R> = R extends unknown ? Extract<keyof R, string> : never;

/** Columns of each list, in order: fields of its rows, and of nothing else. */
const COLUMNS: { readonly [L in keyof Lists]: readonly FieldOf<Lists[L]>[] } = {
  runs: ['ref', 'types', 'state', 'levels', 'files', 'blocked', 'firstSeen'],
  data: ['ref', 'level', 'files', 'size', 'kept', 'done', 'original', 'host'],
  replicas: ['ref', 'level', 'name', 'storage', 'state', 'size', 'since', 'path', 'why'],
  jobs: ['ref', 'version', 'state', 'done', 'subjobs', 'site', 'tries', 'cause', 'since', 'request'],
  farms: ['ref', 'backend', 'slots', 'active', 'state', 'host', 'heartbeat', 'why', 'until', 'next'],
  storage: ['ref', 'protocol', 'primary', 'verified', 'copying', 'failed', 'bad', 'state', 'url'],
  requests: ['ref', 'version', 'priority', 'done', 'failed', 'passes', 'state', 'by', 'created'],
  holds: ['ref', 'what', 'covers', 'why', 'by', 'since', 'until'],
  loops: ['ref', 'outcome', 'at', 'hash', 'state', 'every', 'due', 'exclusive', 'holder', 'next'],
  modules: ['ref', 'version', 'needs', 'level', 'outputs', 'runTypes', 'run'],
  quarantine: ['ref', 'run', 'level', 'reason', 'detail', 'size', 'at', 'next'],
  trash: ['ref', 'run', 'level', 'host', 'reason', 'why', 'size', 'at', 'until', 'path'],
  tables: ['ref', 'name', 'index', 'first', 'last', 'pass'],
  reasons: ['count', 'gate', 'text', 'ref', 'next'],
  history: ['at', 'ref', 'from', 'to', 'by', 'why'],
  verdict: ['ref', 'cause', 'action', 'verdict', 'rule', 'text'],
  screens: ['ref', 'window', 'every', 'at', 'outcome', 'pid', 'command', 'next'],
  progress: ['ref', 'version', 'passes', ...PASS_STATES],
};

type As = 'time' | 'size' | 'state' | 'duration';

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
};

interface Column {
  readonly field: string;
  readonly as: As | undefined;
}

/** A row as its columns see it. */
type Fields = Readonly<Record<string, unknown>>;

function columnsOf(list: keyof Lists): readonly Column[] {
  return COLUMNS[list].map((field: FieldOf<AnyRow>) => ({ field, as: FORMATS[field] }));
}

/** A table; columns without any value are left out. What does not fit beside the rest goes under its row. */
export function rowTable<L extends keyof Lists>(list: L, found: readonly Lists[L][], width: number): string {
  const rows: readonly Fields[] = found.map((row: AnyRow) => ({ ...row }));
  const used = columnsOf(list).filter((one) => rows.some((row) => human(one, row) !== ''));
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
const BELOW = [
  'next',
  'hash',
  'holder',
  'path',
  'url',
  'text',
  'detail',
  'why',
  'cause',
  'blocked',
  'reason',
  'name',
  'covers',
  'run',
];

function laidOut(columns: readonly Column[], rows: readonly Fields[], width: number) {
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

function under(row: Fields, below: readonly Column[], width: number): string[] {
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

function naturalWidth(one: Column, rows: readonly Fields[]): number {
  return Math.max(one.field.length, ...rows.map((row) => widthOf(human(one, row))));
}

/** Words are not broken, nor are times. */
function leastWidth(one: Column, rows: readonly Fields[]): number {
  const natural = naturalWidth(one, rows);
  if (one.as === 'time') return natural;
  const words = rows.flatMap((row) => human(one, row).split(' ').map(widthOf));
  return Math.min(natural, Math.max(NARROWEST, heading(one.field).length, ...words));
}

/** The widths of columns that together fit: the widest gives way. */
function fitted(columns: readonly Column[], rows: readonly Fields[], width: number): number[] {
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

/** The columns of a list, tab-separated, times as RFC 3339 UTC, sizes in bytes. */
export function rowTsv<L extends keyof Lists>(list: L, row: Lists[L]): string {
  const fields: Fields = { ...row };
  return columnsOf(list)
    .map(({ field }) => oneLine(plain(fields[field])))
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

function human({ field, as }: Column, row: Fields): string {
  const value = row[field];
  if (field === 'subjobs' && row.done !== undefined) return '';
  if (field === 'done' && row.subjobs !== undefined) return `${plain(value)}/${plain(row.subjobs)}`;
  if (typeof value === 'boolean') return value ? 'yes' : '';
  if (as === 'time' && typeof value === 'string') return localTime(value);
  if (as === 'size' && typeof value === 'number') return humanSize(value);
  if (as === 'duration' && typeof value === 'number') return humanDuration(value);
  if (as === 'state' && typeof value === 'string') return stateColour(value)(value);
  const text = oneLine(plain(value));
  return field === 'next' ? text : shortened(localTimes(text), LONGEST);
}

/** No cell may push the others off the screen. */
const LONGEST = 160;

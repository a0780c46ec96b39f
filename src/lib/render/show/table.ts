// A table that fits its terminal: what explains goes under its row, then the least important columns go, and long cells
// are cut at a word. No line is broken by the terminal.
import chalk from 'chalk';
import Table from 'cli-table3';
import { oneLine } from '../../util/text/terminal.ts';
import { humanDuration } from '../../util/time.ts';
import { humanSize, localTime, localTimes } from '../human.ts';
import { stateColour } from '../states.ts';
import { shortened, widthOf, wrapped } from '../wrap.ts';

export type As = 'time' | 'size' | 'state' | 'duration';

export interface Column {
  readonly field: string;
  /** How a person reads it. */
  readonly as?: As | undefined;
}

/** A row as its columns see it. */
export type Fields = Readonly<Record<string, unknown>>;

/** A table in parts: the line of headings, the lines of each row, and what follows the table. */
export interface TableParts {
  readonly head: string;
  readonly rows: readonly (readonly string[])[];
  readonly rest: readonly string[];
}

/** A table; columns without any value are left out. */
export function tableText(columns: readonly Column[], rows: readonly Fields[], width: number): string {
  const { head, rows: body, rest } = tableParts(columns, rows, width);
  return [head, ...body.flat(), ...rest].filter((text) => text !== '').join('\n');
}

export function tableParts(columns: readonly Column[], rows: readonly Fields[], width: number): TableParts {
  const used = columns.filter((one) => rows.some((row) => human(one, row) !== ''));
  const { beside, below, dropped } = laidOut(used, rows, width);
  const widths = fitted(beside, rows, width);
  const line = (cells: readonly string[]): string => {
    const style = { head: [], border: [], 'padding-left': 0, 'padding-right': GAP };
    const table = new Table({ chars: BARE, style, colWidths: widths.map((one) => one + GAP) });
    table.push(cells.map((cell, at) => (widthOf(cell) > (widths[at] ?? 0) ? shortened(cell, widths[at] ?? 0) : cell)));
    return table.toString().trimEnd();
  };
  const head = line(beside.map(({ field }) => chalk.bold(heading(field))));
  const body = rows.map((row) => [line(beside.map((one) => human(one, row))), ...under(row, below, width)]);
  const left = dropped.map(({ field }) => heading(field)).join(', ');
  const rest = left === '' ? [] : wrapped(chalk.dim(`not shown, for want of columns: ${left}`), width);
  return { head, rows: body, rest };
}

/** What goes under a row where the columns are too many, the first that gives way first. */
const BELOW = ['next', 'hash', 'holder', 'path', 'url', 'text', 'detail', 'why', 'blocked', 'reason', 'covers', 'name'];

/** What is left out where the columns are still too many, the least important first. A REF and a state always stay. */
const DROPPED = `request created firstSeen by from hash exclusive every tries priority protocol backend
levels guid path index first last original host version slots heartbeat outputs
bad copying types kept run site size files subjobs since at until due name cause`.split(/\s/);

function laidOut(columns: readonly Column[], rows: readonly Fields[], width: number) {
  let beside = [...columns];
  const sumOf = (size: (one: Column) => number): number => beside.reduce((sum, one) => sum + size(one) + GAP, -GAP);
  const take = (field: string): Column[] => {
    // A command must stay in one piece, to be copied.
    const size = field === 'next' ? naturalWidth : leastWidth;
    if (sumOf((one) => size(one, rows)) <= width) return [];
    const taken = beside.filter((one) => one.field === field);
    beside = beside.filter((one) => one.field !== field);
    return taken;
  };
  const below = BELOW.flatMap(take);
  const dropped = DROPPED.flatMap(take);
  return { beside, below, dropped };
}

function under(row: Fields, below: readonly Column[], width: number): string[] {
  const text = (one: Column): string => human(one, row);
  const facts = below
    .filter((one) => one.field !== 'next' && text(one) !== '')
    .map((one) => (one.field === 'text' ? text(one) : `${one.field}: ${text(one)}`));
  const next = below.filter((one) => one.field === 'next' && text(one) !== '').map((one) => `Next: ${text(one)}`);
  const said = facts
    .reverse()
    .flatMap((line) => wrapped(`    ${line}`, width, '      ').flatMap((one) => folded(one, width)));
  return [...said, ...next.flatMap((line) => wrapped(`    ${line}`, width, '      '))];
}

/** A line with a word that is too long for it, a path most often: the word goes on in the next line. */
function folded(line: string, width: number): string[] {
  if (line.length <= width) return [line];
  const cut = Math.max(line.lastIndexOf('/', width - 1) + 1, line.lastIndexOf('_', width - 1) + 1, 20);
  return [line.slice(0, cut), ...folded(`      ${line.slice(cut)}`, width)];
}

/** Columns between two columns. */
const GAP = 2;
/** A text that is cut shorter says nothing. */
const NARROWEST = 20;
/** Lists of names are cut; an explanation goes under its row instead, and a REF must be copied. */
const CUT: ReadonlySet<string> = new Set([
  ...['path', 'url', 'cause', 'name', 'covers', 'by', 'outcome', 'request', 'outputs', 'needs', 'command', 'holder'],
  ...['done', 'copies', 'rule', 'types'],
]);

function naturalWidth(one: Column, rows: readonly Fields[]): number {
  return Math.max(heading(one.field).length, ...rows.map((row) => widthOf(human(one, row))));
}

function leastWidth(one: Column, rows: readonly Fields[]): number {
  const natural = naturalWidth(one, rows);
  const isText = CUT.has(one.field) && rows.some((row) => human(one, row).includes(' '));
  return isText ? Math.min(natural, Math.max(NARROWEST, heading(one.field).length)) : natural;
}

/** The widths of columns that together fit: the widest gives way. */
function fitted(columns: readonly Column[], rows: readonly Fields[], width: number): number[] {
  const widths = columns.map((one) => naturalWidth(one, rows));
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

function heading(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => ` ${letter}`).toUpperCase();
}

export function plain(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) return value.map(plain).join(' ');
  if (typeof value === 'object') return JSON.stringify(value);
  return String(value);
}

function human({ field, as }: Column, row: Fields): string {
  const value = row[field];
  if (field === 'subjobs' && row.done !== undefined) return '';
  if (field === 'subjobs' && Array.isArray(value)) return String(value.length);
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

// The parts of pages on a terminal: a head line, facts by name, tables under a title, and the next commands.
import chalk from 'chalk';
import { cleaned } from '../../util/text/terminal.ts';
import { localTimes } from '../human.ts';
import { wrapped } from '../wrap.ts';
import { type Column, type Fields, tableText } from './table.ts';

/** Rows of one part that are shown; `--json` has all. */
export const MOST = 40;

export interface Part {
  readonly title: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Fields[];
}

export function partText({ title, columns, rows: all }: Part, width: number): string[] {
  if (all.length === 0) return [];
  const rows = all.slice(0, MOST).map((row) => cleaned(row));
  const more = all.length > MOST ? [chalk.dim(`and ${all.length - MOST} more: --json shows them`)] : [];
  return ['', chalk.bold(title), tableText(columns, rows, width), ...more];
}

export const text = (field: string): Column => ({ field });
export const time = (field: string): Column => ({ field, as: 'time' });
export const size: Column = { field: 'size', as: 'size' };
export const state: Column = { field: 'state', as: 'state' };

/** Lines of `name  value`; a long value continues below itself. Empty values are left out. */
export function facts(all: readonly (readonly [name: string, value: string])[], width: number): string[] {
  const said = all.filter(([, value]) => value !== '');
  const room = Math.max(0, ...said.map(([name]) => name.length));
  return said.flatMap(([name, value]) => {
    return wrapped(`${chalk.dim(name.padEnd(room))}  ${localTimes(cleaned(value))}`, width, ' '.repeat(room + 2));
  });
}

export function headLine(parts: readonly string[], width: number): string[] {
  return wrapped(parts.filter((part) => part !== '').join('  '), width, '  ');
}

/** Lines of the commands to type next. */
export function nextLines(commands: readonly string[]): string[] {
  return ['', ...commands.map((command, index) => `${index === 0 ? 'Next:' : '     '} ${command}`)];
}

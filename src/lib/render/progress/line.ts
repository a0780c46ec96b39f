// How far a command is, as one line that fits its terminal.
import { oneLine } from '../../util/text/terminal.ts';
import { widthOf } from '../wrap.ts';
import type { Facts } from './meter.ts';

/** Facts of one line, in the order in which they are read. */
const READ = ['count', 'bytes', 'rate', 'left'] as const;
/** Facts that a line leaves out where it is too long, in this order. */
const DROPPED = ['rate', 'bytes', 'left'] as const;
/** Fewest characters to which a name is cut; a shorter one is left out. */
const SHORTEST_NAME = 12;

/** `transfer: 12 of 340 copies, 1.2 GB of 34.0 GB, 310 MB/s, 2m left, run001.dat`, no wider than `width`. */
export function progressLine(title: string, facts: Facts, width: number): string {
  const shown = new Set<string>(READ.filter((field) => facts[field] !== ''));
  const text = (): string => {
    const said = READ.filter((field) => shown.has(field)).map((field) => facts[field]);
    return [title, said.join(', ')].filter((part) => part !== '').join(': ');
  };
  for (const field of DROPPED) {
    if (widthOf(text()) <= width) break;
    shown.delete(field);
  }
  const line = text();
  const separator = line === '' ? '' : shown.size === 0 ? ': ' : ', ';
  const name = facts.name === '' ? '' : cut(oneLine(facts.name), width - widthOf(line) - separator.length);
  return name === '' ? cut(line, width, 0) : `${line}${separator}${name}`;
}

/** A text cut to `width` columns with `...` at the end; empty where fewer than `least` columns are left. */
function cut(text: string, width: number, least = SHORTEST_NAME): string {
  if (columnsOf(text) <= width) return text;
  if (width < Math.max(least, 4)) return '';
  let kept = '';
  for (const char of text) {
    if (columnsOf(kept) + columnsOf(char) > width - 3) break;
    kept += char;
  }
  return `${kept}...`;
}

/** Characters of East Asia and pictures take two columns. */
function columnsOf(text: string): number {
  return [...text].reduce((sum, char) => sum + ((char.codePointAt(0) ?? 0) >= 0x1100 ? 2 : 1), 0);
}

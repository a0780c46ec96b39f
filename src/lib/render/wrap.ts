// Text laid into the columns of a terminal: broken between words only. A word that is too long stays whole, so that a
// command or a path can still be copied. Colours do not count.
import { stripVTControlCharacters } from 'node:util';

/** Columns that a text takes. */
export function widthOf(text: string): number {
  return stripVTControlCharacters(text).length;
}

/** The lines of a text, none wider than `width` unless a single word is; `indent` stands before all but the first. */
export function wrapped(text: string, width: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/(?<=\S)(?=\s+\S)/)) {
    if (line !== '' && widthOf(line) + widthOf(word) > width) {
      lines.push(line);
      line = indent + word.trimStart();
    } else line += word;
  }
  return [...lines, line];
}

/** A text of at most `most` characters, cut between words. */
export function shortened(text: string, most: number): string {
  if (text.length <= most) return text;
  const cut = text.slice(0, most - 3);
  return `${cut.slice(0, cut.lastIndexOf(' ') > most / 2 ? cut.lastIndexOf(' ') : undefined).trimEnd()}...`;
}

// A page of help: parts that a terminal, a document in Markdown and a man page show from one source.
import { wrapped } from '../../render/wrap.ts';

export type Part =
  | { readonly heading: string }
  | { readonly text: string }
  /** Words, each with what it means, on one line or more. */
  | { readonly words: readonly (readonly [string, string])[] }
  /** Lines to be copied as they are. */
  | { readonly code: string };

export interface Page {
  /** One sentence, for lists of pages. */
  readonly title: string;
  readonly parts: readonly Part[];
}

/** Columns for words at most; the meaning of a longer one begins on the next line. */
const WORDS = 28;

/** A page for a terminal of so many columns. */
export function pageText({ title, parts }: Page, columns: number): string {
  const width = Math.min(Math.max(columns, 40), 100);
  return [...wrapped(title, width), ...parts.flatMap((part) => ['', ...partLines(part, width)])].join('\n');
}

function partLines(part: Part, width: number): string[] {
  if ('heading' in part) return [part.heading.toUpperCase()];
  if ('text' in part) return wrapped(part.text, width);
  if ('code' in part) return part.code.split('\n').map((line) => `  ${line}`.trimEnd());
  const column = Math.min(WORDS, Math.max(...part.words.map(([word]) => word.length)) + 4);
  return part.words.flatMap(([word, meaning]) => wordLines(`  ${word}`, meaning, column, width));
}

function wordLines(word: string, meaning: string, column: number, width: number): string[] {
  const lines = meaning
    .split('\n')
    .flatMap((line) => wrapped(line, width - column))
    .map((line) => `${' '.repeat(column)}${line}`);
  if (word.length > column - 2) return [word, ...lines];
  return [`${word.padEnd(column)}${(lines[0] ?? '').trimStart()}`, ...lines.slice(1)];
}

/** The parts in Markdown, with headings of this level. */
export function pageMarkdown(parts: readonly Part[], level: number): string {
  return parts.map((part) => partMarkdown(part, level)).join('\n\n');
}

function partMarkdown(part: Part, level: number): string {
  if ('heading' in part) return `${'#'.repeat(level)} ${part.heading}`;
  if ('text' in part) return wrapped(part.text, 120).join('\n');
  if ('code' in part) return `\`\`\`${fence(part.code)}\n${part.code}\n\`\`\``;
  return part.words.map(([word, meaning]) => itemMarkdown(`- \`${word}\`: ${meaning}`)).join('\n');
}

/** A backslash at the end of a line keeps the break. */
function itemMarkdown(item: string): string {
  const lines = item.split('\n').map((line, at) => wrapped(`${at > 0 ? '  ' : ''}${line}`, 118, '  ').join('\n'));
  return lines.join('\\\n');
}

const fence = (code: string): string => (/^[\w-]+:/.test(code) ? 'yaml' : 'sh');

// Parts of the project's documents: sentences, rows of tables, code, the files and the commands that they name.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
const inDocs = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
export const DOCUMENTS = [
  ...['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'],
  ...inDocs.map((name) => `docs/${name}`),
];

export const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');

const FENCED = /^```.*\n([\s\S]*?)^```$/gm;
const ROW = /^\s*\|/;

export const tableRows = (doc: string): string[] =>
  doc
    .replace(FENCED, '')
    .split('\n')
    .filter((line) => ROW.test(line));

/** Paragraphs and items of lists, each on one line: no headings, tables, blocks of code, comments. */
function paragraphs(doc: string): string[] {
  const blocks: string[][] = [[]];
  for (const line of doc
    .replace(FENCED, '\n')
    .replace(/<!--.*?-->/g, '')
    .split('\n')) {
    const starts = /^\s*([-*]|\d+\.) /.test(line);
    if (starts || /^\s*$|^#/.test(line) || ROW.test(line)) blocks.push([]);
    if (!/^#/.test(line) && !ROW.test(line)) blocks.at(-1)!.push(line.trim());
  }
  return blocks.map((lines) => lines.join(' ').trim()).filter((text) => text !== '');
}

/** What stands in backquotes counts as one word, and so does a link. */
const plain = (text: string): string => text.replace(/`[^`]*`/g, 'x').replace(/\[([^\]]*)\]\([^)]*\)/g, '$1');

export const sentencesOf = (doc: string): string[] =>
  paragraphs(doc).flatMap((text) => plain(text).split(/(?<=[.!?]['")*]*)\s+/));

export const wordsIn = (sentence: string): number => sentence.split(/\s+/).filter((word) => /\w/.test(word)).length;

/** Texts in backquotes, outside of blocks. */
export const quoted = (doc: string): string[] =>
  [...doc.replace(FENCED, '').matchAll(/`([^`\n]+)`/g)].map(([, text]) => text!);

/** Lines of blocks of code, without the prompt and what is said about them. */
export const typed = (doc: string): string[] =>
  [...doc.matchAll(FENCED)].flatMap(([, block = '']) =>
    block.split('\n').map((line) =>
      line
        .replace(/^\$ /, '')
        .replace(/\s+#.*$/, '')
        .trim(),
    ),
  );

export const linked = (doc: string): string[] =>
  [...doc.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, to]) => to!).filter((to) => !/^\w+:/.test(to));

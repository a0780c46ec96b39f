// Documents made of the pages of help, so that both say the same.
import { EXIT_CODES, pageMarkdown, TOPICS } from '../dist/reference.js';

/** The exit codes as a table: the README has it. */
export function exitTable() {
  const { words } = EXIT_CODES.parts.find((part) => part.words !== undefined);
  return ['| exit code | meaning |', '| --- | --- |', ...words.map((row) => `| ${row.join(' | ')} |`)].join('\n');
}

/** Pages that are sections of docs/reference.md; JSON has a document of its own. */
const SECTIONS = ['exit-codes', 'states', 'selections'];

/** docs/reference.md */
export function referenceDocument() {
  const sections = SECTIONS.flatMap((name) => {
    const { title, parts } = TOPICS[name];
    return ['', `## ${title}`, '', pageMarkdown(parts, 3)];
  });
  return `${[
    '# Reference',
    '',
    'The same text as `dflow help TOPIC`. Each command has its own page: `dflow COMMAND -h`, or `man dflow-COMMAND`.',
    'JSON is described in [json.md](json.md), how documents change in [architecture.md](architecture.md).',
    ...sections,
  ].join('\n')}\n`;
}

// Documents made of the pages of help, so that both say the same.
import { EXIT_CODES, pageMarkdown, topicPage } from '../dist/reference.js';
import { roff } from './roff.js';

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
    const { title, parts } = topicPage(name);
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

/** docs/configuration.md: all kinds of files. */
export function configurationDocument() {
  const [main, modules, request] = [topicPage('configuration'), topicPage('modules'), topicPage('request')];
  return `${[
    '# Configuration',
    '',
    'The same text as `dflow help configuration`, `dflow help modules` and `dflow help request`; the manual has it as',
    '`man dflow.yaml`, `man dflow-modules` and `man dflow-request`. Editors check dflow.yaml by',
    '[dflow.schema.json](dflow.schema.json), and a request by [request.schema.json](request.schema.json).',
    '',
    `## ${main.title}`,
    '',
    pageMarkdown(main.parts, 3),
    '',
    `## ${modules.title}`,
    '',
    pageMarkdown(modules.parts, 3),
    '',
    `## ${request.title}`,
    '',
    pageMarkdown(request.parts, 3),
  ].join('\n')}\n`;
}

/** A page of section 5 of the manual: `man dflow.yaml`, `man dflow-modules`. */
export function filePage(name, topic) {
  const { title, parts } = topicPage(topic);
  return `${[
    `.TH ${name.toUpperCase()} 5 "" dflow "dflow manual"`,
    '.SH NAME',
    `${roff(name)} \\- ${roff(title)}`,
    '.SH DESCRIPTION',
    ...parts.flatMap(partRoff),
    '.SH SEE ALSO',
    '.BR dflow (1)',
  ].join('\n')}\n`;
}

function partRoff(part) {
  if (part.heading !== undefined) return [`.SH ${roff(part.heading).toUpperCase()}`];
  if (part.text !== undefined) return ['.PP', roff(part.text)];
  if (part.code !== undefined) return ['.PP', '.nf', '.RS', roff(part.code), '.RE', '.fi'];
  return part.words.flatMap(([word, meaning]) => [
    '.TP',
    `.B ${roff(word)}`,
    roff(meaning).replaceAll('\n', '\n.br\n'),
  ]);
}

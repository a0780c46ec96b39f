// Documents that are made from the program: the command reference of the README (between its markers), a man page for
// each command, the checks of doctor, the JSON Schema of dflow.yaml, what commands print as
// JSON, and the pictures of status, flow and report. `npm run generate` writes them; a test
// checks that they are current.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import {
  CHECK_GROUPS,
  CHECKS,
  EXITS,
  exitsOf,
  flowSvg,
  GROUPS,
  jsonSchema,
  reportPicture,
  requestJsonSchema,
  statusScreen,
  TRANSITIONS,
} from '../dist/reference.js';
import { adapterList, LIST } from './adapters.js';
import { CHECK_LIST, checkList } from './checks.js';
import { jsonDocuments } from './jsondoc.js';
import { configurationDocument, exitTable, filePage, referenceDocument } from './pages.js';
import { terminalPicture } from './picture.js';
import { roff } from './roff.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
/** Charts of the README's picture of report. */
const PICTURED = ['copied', 'efficiency', 'space', 'passes'];
const read = (path) => readFileSync(join(root, path), 'utf8');

/** Commands of the manifest in the order of the groups, those of plugins left out. */
function commands() {
  const manifest = JSON.parse(readFileSync(join(root, 'oclif.manifest.json'), 'utf8'));
  const all = Object.values(manifest.commands).filter((command) => !command.hidden);
  return GROUPS.map(([name, about, words]) => ({
    name,
    about,
    commands: words.flatMap((word) => {
      return all.filter(({ id }) => id === word || id.startsWith(`${word}:`)).sort((a, b) => (a.id < b.id ? -1 : 1));
    }),
  })).filter((group) => group.commands.length > 0);
}

const spaced = (id) => `dflow ${id.replaceAll(':', ' ')}`;

/** `-r, --run RUNS` */
function flagLabel(flag) {
  const names = [flag.char && `-${flag.char}`, `--${flag.name}`].filter(Boolean).join(', ');
  if (flag.type === 'boolean') return names;
  return `${names} ${flag.options ? flag.options.join('|') : (flag.helpValue ?? 'TEXT')}`;
}

/** `dflow why [REF...] [options]` */
function synopsis(command) {
  const args = Object.values(command.args).map((arg) => {
    const name = arg.name.toUpperCase();
    return arg.required ? name : `[${name}]`;
  });
  if (!command.strict && args.length > 0) args[args.length - 1] = args.at(-1).replace(/\]?$/, (end) => `...${end}`);
  return [spaced(command.id), ...args, '[options]'].join(' ');
}

const ownFlags = (command) =>
  Object.values(command.flags).filter((flag) => flag.helpGroup !== 'GLOBAL' && !flag.hidden);
const isSelection = (flag) => flag.helpGroup === 'SELECTION';

function examples(command) {
  return (command.examples ?? []).map((text) => {
    return text
      .replaceAll('<%= config.bin %>', 'dflow')
      .replaceAll('<%= command.id %>', command.id.replaceAll(':', ' '));
  });
}

/** The command reference, in Markdown. */
export function reference() {
  const lines = [];
  for (const group of commands()) {
    lines.push(`### ${group.name}`, '', `${group.about}`, '');
    for (const command of group.commands) {
      const flags = ownFlags(command).filter((flag) => !isSelection(flag));
      const words = flags.map((flag) => `\`--${flag.name}\``);
      if (ownFlags(command).some(isSelection)) words.push('selection');
      const options = words.length > 0 ? [`  ${words.join(' ')}`] : [];
      lines.push(`- \`${spaced(command.id)}\`: ${command.summary}.`, ...options);
    }
    lines.push('');
  }
  return lines.join('\n').trimEnd();
}

/** The man page of a command. */
export function manPage(command) {
  const flags = Object.values(command.flags).filter((flag) => !flag.hidden);
  const options = flags.flatMap((flag) => ['.TP', `.B ${roff(flagLabel(flag))}`, roff(flag.description ?? '')]);
  const operands = Object.values(command.args).flatMap((arg) => [
    '.TP',
    `.I ${roff(arg.name)}`,
    roff(arg.description ?? ''),
  ]);
  const codes = [...exitsOf(command), 130].flatMap((code) => ['.TP', `.B ${code}`, roff(EXITS[code] ?? '')]);
  const shown = examples(command).flatMap((text) => ['.PP', '.nf', roff(text), '.fi']);
  const name = spaced(command.id).replaceAll(' ', '-');
  return `${[
    `.TH ${name.toUpperCase()} 1 "" dflow "dflow manual"`,
    '.SH NAME',
    `${roff(name)} \\- ${roff(command.summary ?? '')}`,
    '.SH SYNOPSIS',
    roff(synopsis(command)),
    '.SH DESCRIPTION',
    roff(command.description ?? command.summary ?? ''),
    ...(operands.length > 0 ? ['.SH OPERANDS', ...operands] : []),
    '.SH OPTIONS',
    ...options,
    '.SH EXIT STATUS',
    ...codes,
    '.SH EXAMPLES',
    ...shown,
    '.SH SEE ALSO',
    '.BR dflow (1)',
  ].join('\n')}\n`;
}

/** The page of the program itself: its commands by group. */
function overview() {
  const { description } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const groups = commands().flatMap((group) => [
    `.SS ${roff(group.name)}`,
    roff(group.about),
    ...group.commands.flatMap((command) => [
      '.TP',
      `.BR ${roff(spaced(command.id).replaceAll(' ', '-'))} (1)`,
      roff(command.summary ?? ''),
    ]),
  ]);
  const codes = Object.entries(EXITS).flatMap(([code, text]) => ['.TP', `.B ${code}`, roff(text)]);
  return `${[
    '.TH DFLOW 1 "" dflow "dflow manual"',
    '.SH NAME',
    'dflow \\- data flow of a running physics experiment',
    '.SH SYNOPSIS',
    'dflow COMMAND [options]',
    '.SH DESCRIPTION',
    roff(description),
    '.SH COMMANDS',
    ...groups,
    '.SH EXIT STATUS',
    ...codes,
    '.SH FILES',
    '.TP',
    '.BR dflow.yaml (5)',
    'Configuration, found upward from the working directory, or named by \\-\\-config or $DFLOW_CONFIG.',
    '.TP',
    '.BR dflow\\-modules (5)',
    'modules/VERSION.yaml: modules of one software version, beside dflow.yaml.',
    '.TP',
    '.BR dflow\\-request (5)',
    'request.yaml: a request for new passes, for dflow reprocess \\-\\-file.',
  ].join('\n')}\n`;
}

/** The transition table, in Markdown. */
function transitions() {
  const rows = Object.entries(TRANSITIONS).map(([event, { from, to, why }]) => {
    return `| ${event} | ${from.join(', ')} | ${to} | ${why} |`;
  });
  return ['| event | from | to | when |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

/** Every check of doctor by its group, in Markdown. */
function checks() {
  return CHECK_GROUPS.flatMap((group) => {
    const mine = CHECKS.filter((check) => check.group === group).flatMap((check) => check.about);
    const lines = mine.flatMap(({ ref, looks, means, mends }) => [
      `- \`${ref}\``,
      `  - Looks at: ${looks}`,
      `  - Means: ${means}`,
      `  - Mends: ${mends}`,
    ]);
    return [`### ${group}`, '', ...lines, ''];
  })
    .join('\n')
    .trimEnd();
}

/** A document with `text` between the comment markers `name` and `/name`. */
export function between(document, name, text) {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [at, until] = [document.indexOf(begin), document.indexOf(end)];
  if (at < 0 || until < at) throw new Error(`no lines ${begin} and ${end}`);
  return `${document.slice(0, at + begin.length)}\n\n${text}\n\n${document.slice(until)}`;
}

/** Text of every generated file, by its path below the project's root. */
export function generated() {
  const files = new Map([
    ['README.md', between(between(read('README.md'), 'commands', reference()), 'exit codes', exitTable())],
    ['docs/reference.md', referenceDocument()],
    ['docs/configuration.md', configurationDocument()],
    ['man/dflow.yaml.5', filePage('dflow.yaml', 'configuration')],
    ['man/dflow-modules.5', filePage('dflow-modules', 'modules')],
    ['man/dflow-request.5', filePage('dflow-request', 'request')],
    ['docs/architecture.md', between(read('docs/architecture.md'), 'transitions', transitions())],
    ['docs/doctor.md', between(read('docs/doctor.md'), 'checks', checks())],
    ['docs/dflow.schema.json', `${JSON.stringify(jsonSchema(), null, 2)}\n`],
    ['docs/request.schema.json', `${JSON.stringify(requestJsonSchema(), null, 2)}\n`],
    ['man/dflow.1', overview()],
    ['docs/status.svg', terminalPicture('dflow status', statusScreen(JSON.parse(read('bin/examples/status.json'))))],
    ['docs/flow.svg', flowSvg(JSON.parse(read('bin/examples/flow.json')), { bare: true })],
    ['docs/report.svg', reportPicture(JSON.parse(read('bin/examples/report.json')), PICTURED)],
    [LIST, adapterList(root)],
    [CHECK_LIST, checkList(root)],
    ...jsonDocuments(),
  ]);
  for (const command of commands().flatMap((group) => group.commands)) {
    files.set(`man/${spaced(command.id).replaceAll(' ', '-')}.1`, manPage(command));
  }
  files.set('package.json', withMan(JSON.parse(read('package.json')), [...files.keys()]));
  return files;
}

/** `package.json` with each man page named: npm installs only pages that are. */
function withMan(settings, paths) {
  const man = paths.filter((path) => path.startsWith('man/')).sort();
  return `${JSON.stringify({ ...settings, man }, null, 2)}\n`;
}

/** Man pages that are there although their command is not. */
export function leftovers(files = generated()) {
  return readdirSync(join(root, 'man'))
    .map((name) => `man/${name}`)
    .filter((path) => !files.has(path));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const files = generated();
  mkdirSync(join(root, 'man'), { recursive: true });
  for (const path of leftovers(files)) rmSync(join(root, path));
  for (const [path, text] of files) writeFileSync(join(root, path), text);
}

// docs/json.md and docs/json.schema.json: what commands print with --json, for people and for programs.
import { DID, JSON_RULES } from '../dist/reference.js';
import { contract } from './contract.js';

/** Fields of every item, which are described once. */
const COMMON = ['kind', 'ref', 'did', 'dryRun', 'failed', 'text', 'next', 'step'];

const isItem = (def) => def.properties?.did !== undefined;
const isRow = (def) => def.properties?.kind !== undefined && def.properties.ref !== undefined && !isItem(def);
const link = (name) => `[${name}](#${name.toLowerCase()})`;
const code = (word) => `\`${word}\``;

/** The type of a value in words. */
function words(schema) {
  if (schema.$ref) return link(schema.$ref.slice('#/$defs/'.length));
  if (schema.enum) return schema.enum.map((word) => code(JSON.stringify(word))).join(', ');
  if ('const' in schema) return code(JSON.stringify(schema.const));
  if (schema.format === 'date-time') return 'time';
  if (schema.anyOf) return schema.anyOf.map(words).join(' or ');
  if (schema.type === 'array') return `list of ${words(schema.items)}`;
  if (schema.type !== 'object') return schema.type ?? 'any value';
  if (!schema.properties) return `object with values: ${words(schema.additionalProperties)}`;
  const fields = Object.keys(schema.properties).map((name) => `${code(name)}${optional(schema, name)}`);
  return `object with ${fields.join(', ')}`;
}

const optional = (def, name) => (def.required?.includes(name) ? '' : '?');

function fieldTable(def, left = []) {
  const fields = Object.entries(def.properties ?? {}).filter(([name]) => !left.includes(name));
  if (fields.length === 0) return [];
  const row = (name, field, value) =>
    `| ${code(name)} | ${value} | ${optional(def, name) ? '' : 'always'} | ${field.description ?? ''} |`;
  const isWide = ([name, field]) => row(name, field, words(field)).length > 200;
  const rows = fields.map(([name, field]) => row(name, field, isWide([name, field]) ? 'below' : words(field)));
  const wide = fields.filter(isWide).flatMap(([name, field]) => ['', `Value of ${code(name)}: ${words(field)}.`]);
  return ['', '| field | value | present | meaning |', '| --- | --- | --- | --- |', ...rows, ...wide];
}

function printedBy(commands, name) {
  const mine = Object.keys(commands).filter((command) => commands[command].includes(name));
  return mine.length === 0 ? [] : ['', `Printed by ${mine.map((command) => code(`dflow ${command}`)).join(', ')}.`];
}

function section(name, def, commands) {
  const kind = def.properties?.kind?.const;
  const lead = [kind && `\`kind\`: \`"${kind}"\`.`, def.description].filter(Boolean).join(' ');
  const item = isItem(def);
  const did = item
    ? ['', `\`did\`: ${(def.properties.did.enum ?? [def.properties.did.const]).map(code).join(', ')}.`]
    : [];
  return [
    '',
    `### ${name}`,
    ...(lead ? ['', lead] : []),
    ...printedBy(commands, name),
    ...did,
    ...fieldTable(def, item ? COMMON : ['kind']),
  ];
}

const INTRO = `# JSON of commands

With \`--json\` each command prints one JSON value a line on stdout. This file says which, and is made from the types of
the program by \`npm run generate\`. [json.schema.json](json.schema.json) says the same as a JSON Schema.

${JSON_RULES.map((rule) => `- ${rule}`).join('\n')}`;

/** Texts of the two documents, by their path. */
export function jsonDocuments() {
  const { commands, $defs } = contract();
  const names = Object.keys($defs).sort();
  const some = (test) => names.filter((name) => test($defs[name]) && commandsOf(commands).has(name));
  const items = some(isItem);
  const rows = some((def) => isRow(def));
  const lines = names.filter((name) => commandsOf(commands).has(name) && !items.includes(name) && !rows.includes(name));
  const inner = names.filter((name) => !commandsOf(commands).has(name));
  const sections = (list) => list.flatMap((name) => section(name, $defs[name], commands));
  const common = { ...$defs.JobItem, properties: pick($defs.JobItem.properties, COMMON) };
  common.properties.did = { description: 'What was done; the words are below.', type: 'string' };
  common.properties.kind = { description: 'What the item is about.', type: 'string' };
  const text = [
    INTRO,
    ...['', '## Commands', ''],
    ...Object.entries(commands).map(([name, list]) => `- ${code(`dflow ${name}`)}: ${list.map(link).join(', ')}`),
    ...['', 'Every command may also print a `DocumentItem` with `did` `unreadable`: a document that cannot be read.'],
    ...['', '## Items', '', 'Every item has:', ...fieldTable(common), ...sections(items)],
    ...['', '## Rows', '', 'Every row has `kind` and `ref`, which other commands take.', ...sections(rows)],
    ...['', '## Other lines', ...sections(lines)],
    ...['', '## Parts of lines', ...sections(inner)],
    ...['', '## Words of did', '', '| word | meaning | of |', '| --- | --- | --- |'],
    ...Object.entries(DID).map(([word, meaning]) => `| ${code(word)} | ${meaning} | ${kindsOf($defs, word)} |`),
  ];
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'JSON lines of dflow commands',
    description: 'Under commands: the definitions of which each line of a command is one.',
    commands,
    $defs: Object.fromEntries(names.map((name) => [name, $defs[name]])),
  };
  return new Map([
    ['docs/json.md', `${text.join('\n')}\n`],
    ['docs/json.schema.json', `${JSON.stringify(schema, null, 1)}\n`],
  ]);
}

const commandsOf = (commands) => new Set(Object.values(commands).flat());
const pick = (fields, names) => Object.fromEntries(names.map((name) => [name, fields[name]]));

function kindsOf(defs, word) {
  const having = Object.values(defs).filter((def) => {
    const { did } = def.properties ?? {};
    return did && (did.enum ?? [did.const]).includes(word);
  });
  return having
    .map((def) => def.properties.kind.const)
    .sort()
    .join(', ');
}

// What may follow a command line: commands, flags, and values of the experiment. Pure: the manifest, the words, the values.
import { PASS_STATES } from '../../domain/jobs/states.ts';
import { STATE_SETS } from '../../domain/selection.ts';
import type { Kind } from '../../flow/reports/look/look.ts';
import type { Typed } from './words.ts';

/** Names by what they name. */
export interface Values {
  readonly modules: readonly string[];
  readonly versions: readonly string[];
  readonly farms: readonly string[];
  readonly storages: readonly string[];
  readonly levels: readonly string[];
  readonly loops: readonly string[];
  readonly causes: readonly string[];
  readonly requests: readonly string[];
  readonly holds: readonly string[];
  /** The newest first. */
  readonly runs: readonly string[];
}

const none: readonly string[] = [];
export const NONE: Values = {
  ...{ modules: none, versions: none, farms: none, storages: none, levels: none, loops: none, causes: none },
  ...{ requests: none, holds: none, runs: none },
};

/** What the manifest says of a command, as far as it is asked here. */
interface Described {
  readonly id: string;
  readonly summary?: string;
  readonly hidden?: boolean;
  readonly strict?: boolean;
  readonly args: Readonly<Record<string, { readonly name: string; readonly options?: readonly string[] }>>;
  readonly flags: Readonly<Record<string, DescribedFlag>>;
}

interface DescribedFlag {
  readonly name: string;
  readonly char?: string;
  readonly type: string;
  readonly description?: string;
  readonly options?: readonly string[];
  readonly multiple?: boolean;
  readonly hidden?: boolean;
  readonly allowNo?: boolean;
}

export interface Manifest {
  readonly commands: Readonly<Record<string, Described>>;
  readonly topics: Readonly<Record<string, { readonly description?: string }>>;
}

export interface Candidate {
  /** The whole word. */
  readonly value: string;
  readonly about?: string;
}

/** Kinds of `dflow list`. */
export const LIST_KINDS: readonly Kind[] = [
  ...(['runs', 'data', 'replicas', 'jobs', 'farms', 'storage', 'requests', 'holds', 'loops', 'modules'] as const),
  ...(['quarantine', 'tables', 'labels', 'archived', 'first-pass'] as const),
];
/** Pages of `dflow help`. */
export const PAGES = ['exit-codes', 'states', 'selections', 'json', 'configuration', 'modules', 'request'];
export const SHELLS = ['bash', 'zsh', 'fish'] as const;

type Source = keyof Values | readonly string[];

const STATES = [...PASS_STATES, ...Object.keys(STATE_SETS)];

/** Values of a flag, in every command. */
const OF_FLAG: Readonly<Record<string, Source>> = {
  ...{ run: 'runs', module: 'modules', version: 'versions', site: 'farms', storage: 'storages', level: 'levels' },
  ...{ cause: 'causes', request: 'requests', after: 'requests', state: STATES, pass: ['last', 'all'] },
  ...{ from: 'storages', to: 'storages', complete: 'runs', forget: 'loops' },
};

/** What each word after a command may be; the last stands for all that follow. */
const OF_COMMAND: Readonly<Record<string, readonly (readonly Source[])[]>> = {
  list: [[LIST_KINDS], ['runs']],
  resume: [['holds', 'farms', 'storages', 'runs']],
  why: [['runs', 'farms', 'storages', ['buffer']]],
  wait: [['runs', 'requests']],
  quarantine: [['runs']],
  'farm:drain': [['farms']],
  'farm:unlock': [['farms']],
  'storage:disable': [['storages']],
  'storage:primary': [['storages']],
  'module:check': [['versions']],
  'module:new': [[]],
  'module:test': [['modules']],
  'screens:attach': [['loops']],
  'screens:start': [['loops']],
  'screens:stop': [['loops']],
  'screens:restart': [['loops']],
  completion: [[SHELLS]],
};

/** What may stand at the cursor. */
export function candidates(manifest: Manifest, { words, last }: Typed, values: Values): Candidate[] {
  const found = commandOf(manifest, words);
  const { command, rest, begun } = found;
  const named = Object.values(command?.flags ?? {}).filter(({ hidden }) => !hidden);
  const open = openFlag(rest, named);
  if (open) return fitting(valuesOfFlag(open, values), last, open.multiple === true);
  const [, flag, text] = /^(--[\w-]+)=(.*)$/.exec(last) ?? [];
  if (flag !== undefined) {
    const one = named.find(({ name }) => `--${name}` === flag);
    return fitting(one ? valuesOfFlag(one, values) : [], text ?? '', one?.multiple === true).map(({ value }) => ({
      value: `${flag}=${value}`,
    }));
  }
  if (last.startsWith('-')) return flagsOf(named).filter(({ value }) => value.startsWith(last));
  const below = rest.length === 0 ? commandsBelow(manifest, begun) : [];
  const operands = command ? operandsOf(manifest, command, rest, named, last, values) : [];
  return [...below.filter(({ value }) => value.startsWith(last)), ...operands];
}

interface Found {
  readonly command?: Described;
  /** Words that belong to the command. */
  readonly rest: readonly string[];
  /** Words of the name so far, with a colon after each. */
  readonly begun: string;
}

/** The longest command that the words begin with; words that only begin one leave it open. */
function commandOf(manifest: Manifest, words: readonly string[]): Found {
  for (let count = Math.min(3, words.length); count > 0; count--) {
    const id = words.slice(0, count).join(':');
    const rest = words.slice(count);
    const command = Object.hasOwn(manifest.commands, id) ? manifest.commands[id] : undefined;
    const begins = Object.keys(manifest.commands).some((name) => name.startsWith(`${id}:`));
    if (command || begins) return { ...(command ? { command } : {}), rest, begun: `${id}:` };
  }
  return { rest: words, begun: '' };
}

function commandsBelow({ commands, topics }: Manifest, begun: string): Candidate[] {
  const about = new Map<string, string>();
  for (const { id, summary, hidden } of Object.values(commands)) {
    if (hidden || !id.startsWith(begun) || id === begun) continue;
    const [word = '', ...more] = id.slice(begun.length).split(':');
    const topic = Object.hasOwn(topics, `${begun}${word}`) ? topics[`${begun}${word}`]?.description : undefined;
    if (more.length === 0 || !about.has(word)) about.set(word, topic ?? summary ?? '');
  }
  return [...about].map(([value, text]) => ({ value, about: text }));
}

/** The flag before the cursor that waits for its value. */
function openFlag(rest: readonly string[], flags: readonly DescribedFlag[]): DescribedFlag | undefined {
  const before = rest.at(-1) ?? '';
  return flags.find(({ name, char, type }) => type === 'option' && (before === `--${name}` || before === `-${char}`));
}

function flagsOf(flags: readonly DescribedFlag[]): Candidate[] {
  return flags.flatMap(({ name, description, allowNo }) => {
    const said = description === undefined ? {} : { about: description };
    return [{ value: `--${name}`, ...said }, ...(allowNo ? [{ value: `--no-${name}`, ...said }] : [])];
  });
}

function valuesOfFlag({ name, options }: DescribedFlag, values: Values): readonly string[] {
  if (options) return options;
  return Object.hasOwn(OF_FLAG, name) ? namesOf(OF_FLAG[name] ?? [], values) : [];
}

function namesOf(source: Source, values: Values): readonly string[] {
  return typeof source === 'string' ? values[source] : source;
}

function operandsOf(
  manifest: Manifest,
  command: Described,
  rest: readonly string[],
  flags: readonly DescribedFlag[],
  last: string,
  values: Values,
): Candidate[] {
  const place = rest.filter((word, at) => !word.startsWith('-') && !openFlag(rest.slice(0, at), flags)).length;
  if (command.id === 'help') return place === 0 ? fitting([...PAGES, ...topWords(manifest)], last, false) : [];
  if (command.id === 'loop') return place === 0 ? fitting(topWords(manifest), last, false) : [];
  const args = Object.values(command.args);
  const known = Object.hasOwn(OF_COMMAND, command.id) ? OF_COMMAND[command.id] : undefined;
  const arg = args[Math.min(place, args.length - 1)];
  if (!arg || (command.strict !== false && place >= args.length)) return [];
  if (arg.options) return fitting(arg.options, last, false);
  const sources = known?.[Math.min(place, known.length - 1)] ?? (arg.name === 'ref' ? (['runs'] as const) : []);
  return [
    ...fitting(
      sources.flatMap((source) => namesOf(source, values)),
      last,
      false,
    ),
    ...modulesAfter(last, values),
  ];
}

/** `109134/` goes on with a module. */
function modulesAfter(last: string, { modules }: Values): Candidate[] {
  const [, run] = /^(\d+\/)[^/]*$/.exec(last) ?? [];
  return run === undefined
    ? []
    : fitting(
        modules.map((name) => `${run}${name}`),
        last,
        false,
      );
}

function topWords({ commands }: Manifest): string[] {
  return [...new Set(Object.keys(commands).map((id) => id.split(':')[0] ?? id))];
}

/** Names that go on from what is typed; in a list with commas only its last word counts. */
function fitting(names: readonly string[], last: string, list: boolean): Candidate[] {
  const cut = list ? last.lastIndexOf(',') + 1 : 0;
  const [done, word] = [last.slice(0, cut), last.slice(cut)];
  const plain = [...new Set(names)].filter((name) => PLAIN.test(name) && name.startsWith(word));
  return plain.map((name) => ({ value: `${done}${name}` }));
}

/** A name from the store may hold anything; one that a shell would read as more than a word is not offered. */
const PLAIN = /^[\w.:@%+,/-]+$/;

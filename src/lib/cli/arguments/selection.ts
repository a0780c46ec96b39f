// The edge of selections: flags, REFs, standard input and files become a domain Selection.
// An empty standard input or file selects nothing, never everything.

import { PASS_STATES, type PassState } from '../../domain/jobs/states.ts';
import { noSuchError } from '../../domain/named.ts';
import {
  hasRun,
  type JobRef,
  parseLine,
  parseRuns,
  type RunSet,
  type Selection,
  STATE_SETS,
  unionRuns,
} from '../../domain/selection.ts';
import { firstPassNamed, type NamedJob } from '../../flow/jobs/firstpass/firstpassdocs.ts';
import { type Selected, selectJobs } from '../../flow/jobs/select.ts';
import type { ReadPorts } from '../../flow/ports.ts';
import { UsageError } from '../../util/errors.ts';
import { type Iso, iso, ms, notDuration, parseDuration } from '../../util/time.ts';
import { field } from '../../util/values/field.ts';
import { readBytes, readInput } from './input.ts';

/** The selection flags as oclif parses them. */
interface SelectionFlags {
  readonly run?: readonly string[] | undefined;
  readonly module?: readonly string[] | undefined;
  readonly version?: readonly string[] | undefined;
  readonly state?: readonly string[] | undefined;
  readonly pass?: string | undefined;
  readonly label?: readonly string[] | undefined;
  readonly request?: readonly string[] | undefined;
  readonly tag?: readonly string[] | undefined;
  readonly cause?: readonly string[] | undefined;
  readonly site?: readonly string[] | undefined;
  readonly level?: readonly string[] | undefined;
  readonly since?: string | undefined;
  readonly all?: boolean;
}

export interface SelectionInput {
  /** REFs, `-`, `@FILE`. */
  readonly refs: readonly string[];
  readonly flags: SelectionFlags;
  /** The REFs where they are read already; `refs` counts without them. */
  readonly read?: readonly JobRef[];
  /** States when neither a REF nor `--state` says any. */
  readonly states: readonly PassState[];
  /** True for commands that must not act on everything by accident. */
  readonly needed?: boolean;
}

/** Reads the selection and finds its jobs. */
export async function select(ports: Pick<ReadPorts, 'store' | 'settings'>, input: SelectionInput): Promise<Selected> {
  return selectJobs(ports, await selectionOf(input, () => ports.store.now()));
}

/** REFs of jobs of the first pass, and the others; no words: no REFs. */
export async function apart(
  ports: Pick<ReadPorts, 'settings'>,
  words: readonly string[],
): Promise<{ readonly first: readonly NamedJob[]; readonly rest: readonly JobRef[] | undefined }> {
  if (words.length === 0) return { first: [], rest: undefined };
  const refs = await readRefs(words);
  const first = refs.flatMap((ref) => firstPassNamed(ports, ref) ?? []);
  return { first, rest: refs.filter((ref) => !firstPassNamed(ports, ref)) };
}

/**
 * @throws UsageError for a word that is not a REF, run set, state, pass or time, and for no selection where one is needed
 */
export async function selectionOf(input: SelectionInput, now: () => Promise<Iso>): Promise<Selection> {
  const { flags, refs: words } = input;
  const { run, state, pass, since, all } = flags;
  const names = fields(flags);
  const refs = input.read ?? (words.length > 0 ? await readRefs(words) : undefined);
  const selection: Selection = {
    pass: passOf(pass),
    ...(refs ? { refs } : {}),
    ...(run ? { runs: await readRuns(run) } : {}),
    ...(state ? { states: statesOf(state) } : refs ? {} : { states: input.states }),
    ...(since === undefined ? {} : { since: sinceOf(since, await now()) }),
    ...names,
  };
  const says = refs ?? run ?? state ?? since ?? Object.values(names)[0];
  if (input.needed && says === undefined && !all) {
    throw new UsageError('a selection, a REF or --all is required', { hint: 'dflow list jobs' });
  }
  return selection;
}

/** Flags by the names of the selection's fields; an empty list (`--module ""`) selects nothing. */
function fields(
  flags: Pick<SelectionFlags, 'module' | 'version' | 'label' | 'request' | 'tag' | 'cause' | 'site' | 'level'>,
) {
  const plural = {
    modules: flags.module,
    versions: flags.version,
    labels: flags.label,
    requests: flags.request,
    tags: flags.tag,
    causes: flags.cause,
    sites: flags.site,
    levels: flags.level,
  };
  return Object.fromEntries(Object.entries(plural).filter(([, value]) => value !== undefined));
}

function passOf(text: string | undefined): Selection['pass'] {
  if (text === undefined || text === 'last') return 'last';
  if (text === 'all') return 'all';
  if (/^\d+$/.test(text)) return Number(text);
  throw new UsageError(`--pass: '${text}' is not a pass`, { hint: '--pass last, all, or a number' });
}

function statesOf(words: readonly string[]): PassState[] {
  return words.flatMap((word) => {
    const set = Object.entries(STATE_SETS).find(([name]) => name === word);
    if (set) return [...set[1]];
    const state = PASS_STATES.find((name) => name === word);
    if (state) return [state];
    throw noSuchError('pass state', word, [...PASS_STATES, ...Object.keys(STATE_SETS)]);
  });
}

/** A time ago (`12h`) or a date. */
export function sinceOf(text: string, now: Iso): Iso {
  const ago = parseDuration(text);
  if (ago !== undefined) return iso(ms(now) - ago);
  return dateOf(text, '--since', '--since 12h');
}

/** A date or time of day in this host's zone, or RFC 3339. */
export function dateOf(text: string, flag: string, duration = '--for 12h'): Iso {
  const at = Date.parse(text);
  if (Number.isFinite(at) && /\d{4}-\d{2}/.test(text) && /^\d{4}-/.test(iso(at))) return iso(at);
  const what =
    /^-?\d+(\.\d+)?\s*[A-Za-z]*$/.test(text) && parseDuration(text) === undefined
      ? notDuration(text)
      : `'${text}' is not a time`;
  throw new UsageError(`${flag}: ${what}`, { hint: `${duration}, ${flag} 2026-07-14, or ${flag} 2026-07-14T09:00` });
}

/** Run sets of `--run`: numbers, ranges, `@FILE` or `-` with one on each line. */
/** Whether a run is among those of `--run`; `undefined`: the flag is not given. @throws UsageError */
export async function runTest(words: readonly string[] | undefined): Promise<((run: number) => boolean) | undefined> {
  if (!words) return undefined;
  const set = await readRuns(words);
  return (run) => hasRun(set, run);
}

export async function readRuns(words: readonly string[]): Promise<RunSet> {
  const sets: RunSet[] = [];
  for (const word of words) {
    const source = await sourceOf(word);
    if (!source) sets.push(runsOf(word, '--run'));
    else if (source.lines.length > MOST_RUNS) throw tooMany(source.name);
    else {
      for (const [line, where] of source.lines) {
        if (sets.length % 50_000 === 49_999) await heard();
        sets.push(runsOf(runOfLine(line), `${source.name}:${where}`));
      }
    }
  }
  return unionRuns(sets);
}

/** Runs that one list may name: a loop over many more would not hear a signal for long. */
const MOST_RUNS = 1_000_000;

function tooMany(name: string): UsageError {
  const text = `more than ${MOST_RUNS} lines of runs`;
  return new UsageError(text, { where: name, hint: 'name ranges: 100000-400000 on one line is 300,001 runs' });
}

/** A turn of the event loop, in which a signal is heard. */
function heard(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Runs for a switch, which also covers what comes later: without a run there is nothing to switch.
 * @throws UsageError when the words name no run
 */
export async function runsToSwitch(words: readonly string[]): Promise<RunSet> {
  const set = await readRuns(words);
  if (set.ranges.length === 0) throw nothingNamed(words, 'run');
  return set;
}

/** What a switch says when its selection is empty. */
export function nothingNamed(words: readonly string[], thing: string, hint = `dflow list ${thing}s`): UsageError {
  takeEmpty();
  const where = words.map((word) => (word === '-' ? 'standard input' : word.replace(/^@/, ''))).join(', ');
  return new UsageError(`no ${thing} is named, so nothing was done`, { where, hint });
}

const empty: string[] = [];

/** Files and standard input that were read and named nothing, since the last call: they select nothing. */
export function takeEmpty(): string[] {
  return empty.splice(0);
}

interface Source {
  readonly name: string;
  /** Lines that say something, with their numbers. */
  readonly lines: readonly [string, number][];
}

/** What `-` or `@FILE` says; `undefined` for any other word. */
async function sourceOf(word: string): Promise<Source | undefined> {
  if (word !== '-' && !word.startsWith('@')) return undefined;
  const name = word === '-' ? 'standard input' : word.slice(1);
  const found = lines(word === '-' ? await readInput() : (await readBytes(name)).toString('utf8'));
  if (found.length === 0) empty.push(name);
  return { name, lines: found };
}

/** A file of runs may also be an exactly file or a list of REFs. */
function runOfLine(line: string): string {
  return parseRuns(line) ? line : String(parseLine(line)?.run ?? line);
}

function runsOf(text: string, where: string): RunSet {
  const set = parseRuns(text);
  if (set) return set;
  throw new UsageError(`${quoted(text)} is not a run`, {
    where,
    hint: '109134, 109100-109200, 109100-, @runs.txt',
  });
}

/** REFs as given, `-` for standard input, `@FILE`. */
export async function readRefs(words: readonly string[]): Promise<JobRef[]> {
  const refs: JobRef[] = [];
  for (const word of words) {
    const source = await sourceOf(word);
    if (!source) refs.push(refOf(word, 'command line'));
    else for (const [line, number] of source.lines) refs.push(refOf(line, `${source.name}:${number}`));
  }
  return refs;
}

/** Words as given, `-` for standard input, `@FILE`: a word or a row of `list --json` on each line. */
export async function readWords(words: readonly string[]): Promise<string[]> {
  const all: string[] = [];
  for (const word of words) {
    const source = await sourceOf(word);
    if (!source) all.push(word);
    else for (const [line] of source.lines) all.push(wordOf(line));
  }
  return all;
}

function wordOf(line: string): string {
  if (!line.startsWith('{')) return line;
  try {
    const ref = field(JSON.parse(line), 'ref');
    return typeof ref === 'string' ? ref : line;
  } catch {
    return line;
  }
}

function refOf(text: string, where: string): JobRef {
  const ref = parseLine(text);
  if (ref) return ref;
  const hint = parseRuns(text)
    ? `a range of runs: --run ${text}, or --run @FILE with one on each line`
    : `a REF is 109134, 109134/Analysis40, 109134/Analysis40/2, 109134/Analysis40/2.007 or a document id; see: ${rowsLike(text)}`;
  throw new UsageError(`${quoted(text)} is not a REF`, { where, hint });
}

/** What shows REFs; a word with a dot is the name of a file. */
function rowsLike(text: string): string {
  return /^[\w.-]+\.\w+$/.test(text) ? `dflow why ${text}` : 'dflow list jobs --state all';
}

/** A text in quotes, its beginning where it is long. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text);
}

/** Lines that say something, with their numbers; `#` begins a comment. */
function lines(text: string): [string, number][] {
  return text
    .split('\n')
    .map((line, index): [string, number] => [line.trim(), index + 1])
    .filter(([line]) => line !== '' && !line.startsWith('#'));
}

// What `dflow init` writes: a configuration of three lines, guessed from a folder of raw files, and an example of a
// module file that is all comments.
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, isAbsolute, join, relative, resolve } from 'node:path';
import { MAX_RUN } from '../../../domain/ids.ts';
import { ASSUMED } from '../../../domain/runs/guess.ts';
import { compilePattern, type Pattern } from '../../../domain/runs/pattern.ts';
import { UsageError } from '../../../util/errors.ts';
import { MINUTE } from '../../../util/time.ts';
import { given } from '../../../util/values/given.ts';
import { CONFIG_NAME } from '../find.ts';
import { moduleFiles } from '../modules.ts';
import { ENOUGH, type Looked, lookAt, named } from './looked.ts';

/** What the operator decides. */
export interface Asked {
  /** Folder of raw files, as the operator wrote it. */
  readonly from: string;
  /** File-name pattern. */
  readonly pattern: string;
  readonly experiment: string;
  /** Folder of copies, as the configuration shall have it. */
  readonly storage: string;
}

export interface InitOptions extends Partial<Asked> {
  /** Folder that gets the configuration. */
  readonly folder: string;
  readonly from: string;
  /** Take the likeliest pattern, also where the names leave a doubt. */
  readonly yes?: boolean | undefined;
}

export interface InitPlan {
  readonly pattern: string;
  /** Files that match the pattern, how many do not, and one of each. */
  readonly files: number;
  readonly others: number;
  readonly example?: string;
  readonly other?: string;
  /** How an example is read, where the names leave a doubt. */
  readonly assumed?: string;
  /** The configuration. */
  readonly text: string;
  /** Text by absolute path: what is to be written. */
  readonly write: ReadonlyMap<string, string>;
  /** Folders to be made. */
  readonly folders: readonly string[];
}

/** @throws UsageError when there is a configuration already */
export function refuseSecond(folder: string): void {
  const config = join(folder, CONFIG_NAME);
  if (!existsSync(config)) return;
  throw new UsageError('a configuration exists already', { where: config, hint: 'dflow config check' });
}

/**
 * What would be written. Touches nothing.
 * @throws UsageError when there is a configuration already, or the pattern is in doubt
 */
export function planInit(options: InitOptions): InitPlan {
  refuseSecond(options.folder);
  const looked = lookAt(options.folder, options.from);
  const { names: raw } = looked;
  const pattern = options.pattern ?? meant(looked, options.yes === true);
  const { parse } = compilePattern(pattern);
  const [fit, unfit] = [raw.filter((name) => parse(name)), raw.filter((name) => !parse(name))];
  refuseLong(fit, parse);
  const path = resolve(options.folder, options.from);
  const text = configText(options, pattern, looked.marker) + paceText(path, Date.now());
  const write = new Map([[join(options.folder, CONFIG_NAME), text]]);
  if (moduleFiles(options.folder).length === 0) write.set(join(options.folder, 'modules', '1.0.yaml'), MODULES);
  const assumed =
    options.pattern === undefined && looked.guess.doubt !== undefined ? named(pattern, fit[0] ?? '') : undefined;
  return {
    pattern,
    files: fit.length,
    others: unfit.length,
    ...given({ example: fit[0], other: unfit[0], assumed }),
    text,
    write,
    folders: [join(options.folder, 'modules'), resolve(options.folder, options.storage ?? './store')],
  };
}

/** The pattern where dflow cannot ask a person. @throws UsageError the names leave a doubt */
function meant({ from, names, guess: { patterns, doubt }, twins, rename }: Looked, yes: boolean): string {
  const [first, second] = patterns;
  const hint = (pattern: string | undefined): string =>
    `dflow init --from ${from} --pattern '${pattern ?? 'run{run}_{subrun}.dat'}'`;
  if (doubt === 'long') throw tooLong(names, first);
  if (twins !== undefined) {
    const own =
      "give each file its run number in its name (run0001_000.dat), or say what the run is: --pattern 'NAME{run}.dat'";
    throw new UsageError(twins, { hint: rename ?? own });
  }
  if (first !== undefined && (doubt === undefined || ASSUMED.has(doubt) || yes)) return first;
  if (names.length === 0)
    throw new UsageError(`'${from}' has no file from which to guess the pattern`, { hint: hint(first) });
  if (doubt === 'names' && first !== undefined && second !== undefined) {
    const what = `two kinds of names may be the raw files: ${first} and ${second}`;
    throw new UsageError(what, { hint: `choose one: ${hint(first)}` });
  }
  const some = names.slice(0, 3).map((name) => JSON.stringify(name));
  const why = doubt === 'dates' ? ': they have a date only' : doubt === 'many' ? ': several numbers vary' : '';
  throw new UsageError(`no run number can be guessed from names such as ${some.join(', ')}${why}`, {
    hint: first === undefined ? hint(first) : `if this is meant: ${hint(first)}`,
  });
}

/** The name of an experiment, as a configuration may have it. */
export function experimentOf(name: string): string {
  return name.replace(/[^A-Za-z0-9_.-]+/g, '-') || 'experiment';
}

/** @throws UsageError a run number that register would put aside as out of range */
function refuseLong(names: readonly string[], parse: Pattern['parse']): void {
  if (names.some((one) => (parse(one)?.run ?? 0) > MAX_RUN)) throw tooLong(names, undefined, parse);
}

/** `instead`: a pattern that reads a shorter number. */
function tooLong(names: readonly string[], instead: string | undefined, parse?: Pattern['parse']): UsageError {
  const number = (one: string): string =>
    parse
      ? String(parse(one)?.run ?? 0)
      : ([...one.matchAll(/\d+/g)].map(([digits]) => digits).sort(byLength)[0] ?? '0');
  const name = names.find((one) => Number(number(one)) > MAX_RUN) ?? '';
  const hint = instead
    ? `without the century the number is short enough: --pattern '${instead}'`
    : 'leave a part of the number out of the run, or rename the files';
  return new UsageError(`'${name}': run ${number(name)} is beyond the largest run number, ${MAX_RUN}`, { hint });
}

const byLength = (a: string, b: string): number => b.length - a.length;

/** Writes the plan. A file that has appeared meanwhile is not replaced. Synchronous, so no signal is handled in between. */
export function writeInit(plan: InitPlan): void {
  for (const folder of plan.folders) mkdirSync(folder, { recursive: true });
  for (const [path, text] of plan.write) writeFileSync(path, text, { flag: 'wx' });
}

/** Copies in a folder that the operator has not named, on the disk of the raw files, are a poor reason to delete these. */
const BESIDE = `# The copies lie beside the raw files, on one disk: originals are purged only when it is short of room.
purge: {untilFree: 10%}
`;

function configText({ from, folder, storage, experiment }: InitOptions, pattern: string, marker: boolean): string {
  const path = isAbsolute(from) ? from : `./${relative(folder, resolve(folder, from))}`;
  const closed = marker ? ', closed: marker' : '';
  return `# dflow.yaml: where raw files appear and where their copies go; everything else has a default, which
# \`dflow config show --origin\` shows. Modules (what is made of a run) are in modules/VERSION.yaml.
experiment: ${asName(experiment ?? experimentOf(basename(resolve(folder))))}
buffer: {path: ${quoted(path)}, pattern: ${quoted(pattern)}${closed}}
storage: {disk: ${quoted(storage ?? './store')}}
${storage?.startsWith('..') ? BESIDE : ''}`;
}

/** Files that came within this time of each other were copied there, not taken one run after the other. */
const AT_ONCE = 2 * MINUTE;
/** Older files than this are complete with the default quiet time. */
const FRESH = 10 * MINUTE;

/**
 * A line for a folder of several files that all came a moment ago, all at once: no detector takes runs at that pace, so
 * waiting ten minutes for the last one would only keep a newcomer waiting.
 */
function paceText(folder: string, now: number): string {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const times = entries.slice(0, ENOUGH).map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs);
  const newest = times.reduce((a, b) => Math.max(a, b), 0);
  const oldest = times.reduce((a, b) => Math.min(a, b), newest);
  if (times.length < 3 || newest - oldest > AT_ONCE || now - newest > FRESH) return '';
  return 'runs: {quiet: 1 min}   # the files came all at once; for live data take this line away (10 min)\n';
}

/** The same, where a number or a truth would be read. */
function asName(name: string): string {
  return /^[A-Za-z][A-Za-z0-9_.-]*$/.test(name) && !/^(true|false|null)$/i.test(name) ? name : `'${name}'`;
}

/** A YAML scalar that reads back as `text`. */
function quoted(text: string): string {
  if (/^[A-Za-z0-9_./-]+$/.test(text)) return text;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: single quotes cannot hold them
  return /[\x00-\x1f\x7f]/.test(text) ? JSON.stringify(text) : `'${text.replaceAll("'", "''")}'`;
}

const MODULES = `# modules/1.0.yaml: the file's name is the software version. Take the \`#\` away to use it.
# modules:
#   Count:
#     run: wc -c "$@" > "$OUT_counts"     # inputs are the arguments
#     outputs: {counts: counts.txt}       # Count_r0000000012_s000_p001.counts.txt
#   Plot:
#     needs: Count
#     run: ./plot.sh "$@" "$OUT_plot"
#     outputs: {plot: plot.svg}
# runTypes: {any: [Count, Plot]}          # any: also runs of unknown type
`;

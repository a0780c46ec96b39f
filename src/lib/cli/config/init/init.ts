// What `dflow init` writes: a configuration of two lines, guessed from a folder of raw files, and an example of a
// module file that is all comments.
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { MAX_RUN } from '../../../domain/ids.ts';
import { guessPattern } from '../../../domain/runs/guess.ts';
import { compilePattern, type Pattern } from '../../../domain/runs/pattern.ts';
import { ConfigError, messageOf, UsageError } from '../../../util/errors.ts';
import { codeOf } from '../../../util/systemerrors.ts';
import { MINUTE } from '../../../util/time.ts';
import { CONFIG_NAME } from '../find.ts';
import { moduleFiles } from '../modules.ts';

export interface InitOptions {
  /** Folder that gets the configuration. */
  readonly folder: string;
  /** Folder of raw files, as the operator wrote it. */
  readonly from: string;
  /** File-name pattern instead of a guess. */
  readonly pattern?: string | undefined;
  /** Folder of copies, as the configuration shall have it. */
  readonly storage?: string;
}

export interface InitPlan {
  readonly pattern: string;
  /** Files that match the pattern, how many do not, and one of each. */
  readonly files: number;
  readonly others: number;
  readonly example?: string;
  readonly other?: string;
  /** Text by absolute path: what is to be written. */
  readonly write: ReadonlyMap<string, string>;
  /** Folders to be made. */
  readonly folders: readonly string[];
}

/** Names looked at for a guess: more say nothing new. */
const ENOUGH = 10_000;

/**
 * What would be written. Touches nothing.
 * @throws UsageError when there is a configuration already, or no pattern can be guessed
 */
export function planInit(options: InitOptions): InitPlan {
  const config = join(options.folder, CONFIG_NAME);
  if (existsSync(config)) {
    throw new UsageError('a configuration exists already', { where: config, hint: 'dflow config check' });
  }
  const names = fileNames(resolve(options.folder, options.from));
  const pattern = options.pattern ?? guessPattern(names);
  if (pattern === undefined) throw noPattern(options.from, names);
  const raw = names.filter((name) => !name.startsWith('.') && !name.endsWith('_closed'));
  const { parse } = compilePattern(pattern);
  const [fit, unfit] = [raw.filter((name) => parse(name)), raw.filter((name) => !parse(name))];
  refuseLong(fit, parse);
  if (options.pattern === undefined) refuseTwins(options.from, fit, parse);
  const marker = names.some((name) => name.endsWith('_closed'));
  const write = new Map([
    [config, configText(options, pattern, marker) + paceText(resolve(options.folder, options.from), Date.now())],
  ]);
  if (moduleFiles(options.folder).length === 0) write.set(join(options.folder, 'modules', '1.0.yaml'), MODULES);
  return {
    pattern,
    files: fit.length,
    others: unfit.length,
    ...(fit[0] === undefined ? {} : { example: fit[0] }),
    ...(unfit[0] === undefined ? {} : { other: unfit[0] }),
    write,
    folders: [join(options.folder, 'modules'), resolve(options.folder, options.storage ?? './store')],
  };
}

/** @throws UsageError two files would be the same run and subrun: what tells them apart is no number that a pattern reads */
function refuseTwins(from: string, names: readonly string[], parse: Pattern['parse']): void {
  const seen = new Map<string, string>();
  for (const name of names) {
    const numbers = parse(name);
    const twin = seen.get(`${numbers?.run}/${numbers?.subrun}`);
    seen.set(`${numbers?.run}/${numbers?.subrun}`, name);
    if (twin === undefined) continue;
    const both = twin === name ? `'${name}' is in several folders below ${from}` : `'${twin}' and '${name}' differ`;
    throw new UsageError(`${both}, but both would be run ${numbers?.run}, subrun ${numbers?.subrun}`, {
      hint: "give each file its run number in its name (run0001_000.dat), or say what the run is: --pattern 'NAME{run}.dat'",
    });
  }
}

/** @throws UsageError a run number that register would put aside as out of range */
function refuseLong(names: readonly string[], parse: Pattern['parse']): void {
  const name = names.find((one) => (parse(one)?.run ?? 0) > MAX_RUN);
  if (name === undefined) return;
  throw new UsageError(`'${name}': run ${parse(name)?.run} is beyond the largest run number, ${MAX_RUN}`, {
    hint: "leave a part that is a date out of the run: --pattern 'run_20{*}_{run}.dat', or rename the files",
  });
}

/** Writes the plan; never over a file that has appeared meanwhile. */
export function writeInit(plan: InitPlan): void {
  for (const folder of plan.folders) mkdirSync(folder, { recursive: true });
  for (const [path, text] of plan.write) writeFileSync(path, text, { flag: 'wx' });
}

function fileNames(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .slice(0, ENOUGH)
      .map((entry) => entry.name);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') {
      throw new UsageError(`folder '${folder}' does not exist`, {
        hint: 'dflow init --from FOLDER',
      });
    }
    throw new ConfigError(`the folder of raw files cannot be read: ${messageOf(error)}`, { where: folder });
  }
}

function noPattern(from: string, names: readonly string[]): UsageError {
  const hint = `dflow init --from ${from} --pattern 'run{run}_{subrun}.dat'`;
  if (names.length === 0) return new UsageError(`'${from}' has no file from which to guess the pattern`, { hint });
  const some = names.slice(0, 3).map((name) => JSON.stringify(name));
  return new UsageError(`no run number can be guessed from names such as ${some.join(', ')}`, { hint });
}

/** Copies in a folder that the operator has not named, on the disk of the raw files, are a poor reason to delete these. */
const BESIDE = `# The copies lie beside the raw files, on one disk: originals are purged only when it is short of room.
purge: {untilFree: 10%}
`;

function configText({ from, folder, storage }: InitOptions, pattern: string, marker: boolean): string {
  const path = isAbsolute(from) ? from : `./${relative(folder, resolve(folder, from))}`;
  const closed = marker ? ', closed: marker' : '';
  return `# dflow.yaml: where raw files appear and where their copies go; everything else has a default, which
# \`dflow config show --origin\` shows. Modules (what is made of a run) are in modules/VERSION.yaml.
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

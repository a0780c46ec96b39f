// A folder of raw files as `dflow init` finds it: the names of its files, how they may be read, and what keeps them from
// being read. Writes nothing.
import { readdirSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { MAX_RUN } from '../../../domain/ids.ts';
import { type Guess, guess } from '../../../domain/runs/guess.ts';
import { compilePattern, type Pattern } from '../../../domain/runs/pattern.ts';
import { ConfigError, messageOf, UsageError } from '../../../util/errors.ts';
import { codeOf } from '../../../util/systemerrors.ts';
import { shellWord } from '../../../util/text/shell.ts';
import { oneLine } from '../../../util/text/terminal.ts';
import { given } from '../../../util/values/given.ts';

/** A folder of raw files, as it is now. */
export interface Looked {
  readonly from: string;
  /** Names that may be raw files. */
  readonly names: readonly string[];
  /** An end marker lies beside a file. */
  readonly marker: boolean;
  readonly guess: Guess;
  /** A sentence about two files that would be the same run and subrun. */
  readonly twins?: string;
  /** A shell command that puts the name of each folder into the names of its files. */
  readonly rename?: string;
}

/** Most names that a guess looks at. */
export const ENOUGH = 10_000;

/** The files of a folder, and a guess of how to read their names. @throws UsageError, ConfigError */
export function lookAt(folder: string, from: string): Looked {
  const paths = filesBelow(resolve(folder, from));
  const all = paths.map((path) => basename(path));
  const names = all.filter((name) => !name.startsWith('.') && !name.endsWith('_closed'));
  const guessed = guess(names);
  const [first] = guessed.patterns;
  const parse = first === undefined ? undefined : compilePattern(first).parse;
  // A README may well lie in every folder.
  const fit = parse ? names.filter((name) => parse(name)) : names;
  const twice = doubled(from, fit);
  const twins = twice ?? (parse && twinsOf(fit, parse));
  const rename = twice === undefined ? undefined : renaming(from, paths);
  return {
    from,
    names,
    marker: all.some((name) => name.endsWith('_closed')),
    guess: guessed,
    ...given({ twins, rename }),
  };
}

/** A sentence about a name that is in several folders: the name of the folder tells the run, if anything does. */
function doubled(from: string, names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  const twice = names.find((name) => seen.size === seen.add(name).size);
  if (twice === undefined) return undefined;
  return `'${twice}' is in several folders below ${from}, and dflow reads the run from the name of a file`;
}

/** `run0001/f_000.bin` becomes `run0001/run0001_f_000.bin`; only where every file is in one folder below. */
function renaming(from: string, paths: readonly string[]): string | undefined {
  if (!paths.every((path) => path.split('/').length === 2)) return undefined;
  return `(cd ${shellWord(from)} && for f in */*; do mv -n -- "$f" "\${f%/*}/\${f%/*}_\${f##*/}"; done)`;
}

/** `run001_02.dat: run 1, subrun 2` */
export function named(pattern: string, name: string): string {
  const { parse, hasSubrun } = compilePattern(pattern);
  const numbers = parse(name);
  return `${oneLine(name)}: run ${numbers?.run}${hasSubrun ? `, subrun ${numbers?.subrun}` : ''}`;
}

/** What is wrong with a pattern that a person has typed; `undefined` where it fits the names. */
export function wrongPattern(pattern: string, names: readonly string[]): string | undefined {
  try {
    const { parse } = compilePattern(pattern);
    const found = names.filter((name) => parse(name));
    if (names.length > 0 && found.length === 0) return `no file has such a name; one is ${oneLine(names[0] ?? '')}`;
    const long = found.find((name) => (parse(name)?.run ?? 0) > MAX_RUN);
    if (long !== undefined) return `run ${parse(long)?.run} is beyond the largest run number, ${MAX_RUN}`;
    return twinsOf(found, parse);
  } catch (error) {
    return error instanceof ConfigError ? `${error.message}${error.hint ? `: ${error.hint}` : ''}` : messageOf(error);
  }
}

/** Names two files that the pattern reads as the same run and subrun. */
function twinsOf(names: readonly string[], parse: Pattern['parse']): string | undefined {
  const seen = new Map<string, string>();
  for (const name of names) {
    const numbers = parse(name);
    if (!numbers) continue;
    const { run, subrun } = numbers;
    const twin = seen.get(`${run}/${subrun}`);
    seen.set(`${run}/${subrun}`, name);
    if (twin === undefined) continue;
    const two = twin === name ? `two files '${name}'` : `'${twin}' and '${name}' differ, but both`;
    return `${two} would be run ${run}, subrun ${subrun}`;
  }
  return undefined;
}

/** Paths below the folder. */
function filesBelow(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .slice(0, ENOUGH)
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') {
      throw new UsageError(`folder '${folder}' does not exist`, {
        hint: 'dflow init --from FOLDER',
      });
    }
    throw new ConfigError(`the folder of raw files cannot be read: ${messageOf(error)}`, { where: folder });
  }
}

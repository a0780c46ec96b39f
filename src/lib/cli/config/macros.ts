// The macro of a module: found beside the module file or the configuration, read, and checked for parameters that the
// module does not have.
import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { type Macro, macroParameters, unknownParameters } from '../../domain/modules/macro.ts';
import { suggestion } from '../../util/text/near.ts';
import type { Problem } from './yaml/document.ts';

/** Characters at most: it travels as one word of a shell command. */
const LIMIT = 64 * 1024;

export interface MacroWanted {
  /** As the module file names it. */
  readonly file: string;
  /** Folders that it may stand in, the first first. */
  readonly folders: readonly string[];
  readonly outputs: readonly string[];
  readonly parameters: readonly string[];
  /** Where the module file names it. */
  readonly at: Pick<Problem, 'file' | 'line' | 'column'>;
  readonly read: (path: string) => string;
}

export interface MacroRead {
  readonly macro?: Macro;
  readonly problems: readonly Problem[];
}

export function readMacro({ file, folders, outputs, parameters, at, read }: MacroWanted): MacroRead {
  const path = folders.map((folder) => resolve(folder, file)).find((candidate) => existsSync(candidate));
  if (path === undefined)
    return { problems: [{ ...at, message: `macro '${file}' not found in ${folders.join(' or ')}` }] };
  const text = read(path);
  const name = basename(path);
  if (!/^[A-Za-z0-9][A-Za-z0-9_.+-]*$/.test(name) || text.includes('\0') || text.length > LIMIT) {
    const message = `macro '${path}' cannot be used: a macro has a plain name and at most ${LIMIT} characters of text`;
    return { problems: [{ ...at, message }] };
  }
  const known = macroParameters(outputs, parameters);
  const problems = unknownParameters(text, known).map(
    ({ name, line, column }): Problem => ({
      file: path,
      line,
      column,
      message: `unknown parameter {${name}}`,
      hint: suggestion(name, known),
    }),
  );
  return { macro: { name, text }, problems };
}

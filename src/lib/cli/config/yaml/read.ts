// Reading the files that a configuration is made of: as they are, or only where nobody else can have written them.
import type { Stats } from 'node:fs';
import { ConfigError, ItemError } from '../../../util/errors.ts';
import { foreign, foreignBy, identity } from '../../../util/files/owner.ts';
import { readRegular } from '../../../util/files/readfile.ts';

/** How the files of a configuration are taken. */
export interface Reading {
  /** @throws ConfigError it cannot be read, or is not to be trusted */
  text(file: string): string;
  /** @throws ConfigError a file that jobs run is not to be trusted */
  require(file: string): void;
}

/** @throws ConfigError when the file cannot be read */
export function readText(file: string): string {
  return readable(file);
}

/** The same for a file that was found, not named. @throws ConfigError when somebody else owns or can write it */
function readOwn(file: string): string {
  requireOwn(file);
  const me = identity();
  return readable(file, (facts) => {
    const why = me && foreignBy(facts, me);
    if (why !== undefined) throw notOurs(file, file, why);
  });
}

/** @throws ConfigError when somebody else owns or can write the file or its folder */
function requireOwn(file: string): void {
  const found = foreign(file);
  if (found) throw notOurs(file, found.path, found.why);
}

/** Of a configuration that was named: whoever names it vouches for its folder. */
export const AS_NAMED: Reading = { text: readText, require: () => undefined };
/** Of one that was found upward from the working directory. */
export const AS_FOUND: Reading = { text: readOwn, require: requireOwn };

function notOurs(file: string, path: string, why: string): ConfigError {
  return new ConfigError(`dflow runs only files that others cannot change: '${path}' ${why}`, {
    where: file,
    hint: `correct owner and mode (chown, chmod); or, if you trust the folder, name the configuration: --config FILE or DFLOW_CONFIG=FILE`,
  });
}

/** Bytes of a configuration, a module file or a macro at most. */
const LIMIT = 1_000_000;

function readable(file: string, check?: (facts: Stats) => void): string {
  try {
    return readRegular(file, LIMIT, check).toString('utf8');
  } catch (error) {
    if (!(error instanceof ItemError)) throw error;
    const why = error.message.replace(`${file}: `, '');
    throw new ConfigError(`the file cannot be read: ${why}`, { where: file, cause: error });
  }
}

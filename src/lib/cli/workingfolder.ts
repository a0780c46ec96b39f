// The folder in which the command was started. It may have been removed since: only what needs it fails.
import { isAbsolute } from 'node:path';
import { UsageError } from '../util/errors.ts';

/** The working folder; `/` where it is gone and `named`, an absolute path, needs none. @throws UsageError */
export function workingFolder(named?: string): string {
  try {
    return process.cwd();
  } catch (error) {
    if (named !== undefined && isAbsolute(named)) return '/';
    throw noWorkingFolder(error);
  }
}

export function noWorkingFolder(cause: unknown): UsageError {
  return new UsageError('the working folder was removed', { hint: 'cd to a folder that exists', cause });
}

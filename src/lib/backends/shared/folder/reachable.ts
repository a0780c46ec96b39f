// The folder of a batch system's jobs is often a file system of the site's: when it is away, nothing can be known.

import { messageOf, UnreachableError } from '../../../util/errors.ts';
import { codeOf } from '../../../util/systemerrors.ts';
import { field } from '../../../util/values/field.ts';

/** Runs work on files of `what`; an error of the file system is that `what` cannot be reached. */
export function reaching(what: string): <T>(work: () => T) => T {
  return (work) => {
    try {
      return work();
    } catch (error) {
      if (codeOf(error) === undefined) throw error;
      const path = field(error, 'path');
      const hint = path === undefined ? {} : { hint: `is it mounted, and may this user write it? ls -ld ${path}` };
      throw new UnreachableError(`${what} cannot be used: ${messageOf(error)}`, { cause: error, ...hint });
    }
  };
}

// Which build of dflow lies on disk: a loop is as old as the process that runs it.
import { readFileSync } from 'node:fs';

/** The digest that the build wrote; `undefined`: it is being replaced, or was removed. */
export function buildOnDisk(root: string): string | undefined {
  try {
    return readFileSync(`${root}/dist/build-id`, 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}

// What is wrong with a configuration, and where.
import type { Path } from '../yaml/document.ts';

/** Something wrong with the whole, at a path of the file. */
export interface Finding {
  readonly path: Path;
  readonly message: string;
  readonly hint?: string;
}

// The stores that had jobs at a farm, in a file in the farm's folder. Names of jobs begin with a digest of the id of their
// store, and a lost store cannot tell its id.
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ifThere, makeFolder, privateMode } from '../backends/shared/folder/files.ts';
import { codeOf } from '../util/systemerrors.ts';

const NAME = 'stores';

/** Ids of stores, the oldest first. */
export function storesAt(folder: string): string[] {
  const text = ifThere(() => readFileSync(join(folder, NAME), 'utf8')) ?? '';
  return [...new Set(text.split('\n').filter((line) => /^[\w-]+$/.test(line)))];
}

/** Notes the store. A folder that cannot be written is no error: a lost store is then found by the folders of its jobs. */
export function noteStore(folder: string, uuid: string): void {
  try {
    if (storesAt(folder).includes(uuid)) return;
    makeFolder(folder, privateMode(0o700));
    appendFileSync(join(folder, NAME), `${uuid}\n`, { mode: privateMode(0o600) });
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
  }
}

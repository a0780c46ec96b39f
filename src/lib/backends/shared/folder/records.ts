// Result records as they lie in a job folder: read, and acknowledged. A record that cannot be parsed is a lost attempt,
// not an error of everybody else's; where the machine or its server cannot be asked, nothing is lost.

import { hostname } from 'node:os';
import { mapLimit } from '../../../util/concurrency.ts';
import { messageOf, UnreachableError } from '../../../util/errors.ts';
import { readBounded } from '../../../util/files/readfile.ts';
import { codeOf, isPassing, ownError } from '../../../util/systemerrors.ts';
import { field } from '../../../util/values/field.ts';
import { parseRecord, type ResultRecord } from '../../../wrapper/record.ts';
import { isKey } from '../../../wrapper/spec.ts';
import type { JobFolder } from './jobfolder.ts';

/** Files open at once: a process may have about a thousand. */
const AT_ONCE = 16;
/** Bytes of a record at most: it has few lines. */
const LIMIT = 4_000_000;

/** Records in result/new of these names; one that was archived meanwhile is left out. */
export async function readRecords(folder: JobFolder, names: readonly string[]): Promise<ResultRecord[]> {
  const found = await mapLimit(names, AT_ONCE, (name) => readOne(folder, name));
  return found.filter((record) => record !== undefined);
}

async function readOne(folder: JobFolder, key: string): Promise<ResultRecord | undefined> {
  try {
    return parseRecord((await readBounded(folder.path('result/new', key), LIMIT)).toString('utf8'));
  } catch (error) {
    const cause = field(error, 'cause');
    if (codeOf(cause) === 'ENOENT') return undefined;
    if (isPassing(cause)) throw ownError(cause, `record of ${key}`, UnreachableError);
    const mark = folder.mark(key);
    const execution = mark?.kind === 'started' ? mark.execution : '-';
    const reason = messageOf(error);
    return { key, execution, phase: 'lost', exit: 1, reason, wall: 0, host: hostname(), outputs: [] };
  }
}

/** Archives the records of keys; idempotent. */
export function archiveRecords(folder: JobFolder, records: readonly ResultRecord[]): void {
  for (const { key } of records) if (isKey(key)) folder.archive(key);
}

/** Every record that is still there, acknowledged or not; damaged ones are left out. */
export async function keptRecords(folder: JobFolder): Promise<ResultRecord[]> {
  const paths = ['result/cur', 'result/new'].flatMap((name) => folder.list(name).map((key) => folder.path(name, key)));
  const found = await mapLimit(paths, AT_ONCE, async (path) => {
    try {
      return parseRecord((await readBounded(path, LIMIT)).toString('utf8'));
    } catch (error) {
      const cause = field(error, 'cause');
      if (isPassing(cause)) throw ownError(cause, path, UnreachableError);
      return undefined;
    }
  });
  return found.filter((record) => record !== undefined);
}

// Result records as they lie in a job folder: read, and acknowledged. A record that cannot be parsed is a lost attempt,
// not an error of everybody else's.
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { messageOf } from '../../util/errors.ts';
import { codeOf } from '../../util/systemerrors.ts';
import { parseRecord, type ResultRecord } from '../../wrapper/record.ts';
import { isKey } from '../../wrapper/spec.ts';
import type { JobFolder } from './jobfolder.ts';

/** Records in result/new of these names; one that was archived meanwhile is left out. */
export async function readRecords(folder: JobFolder, names: readonly string[]): Promise<ResultRecord[]> {
  const found = await Promise.all(names.map((name) => readOne(folder, name)));
  return found.filter((record) => record !== undefined);
}

async function readOne(folder: JobFolder, key: string): Promise<ResultRecord | undefined> {
  try {
    return parseRecord(await readFile(folder.path('result/new', key), 'utf8'));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
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

// Keeps a job folder bounded: marks, acknowledged records, logs and job files of nobody older than `keep` are removed,
// once a day.
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { removeFile, removeFolder } from '../../../util/files/remove.ts';
import { codeOf } from '../../../util/systemerrors.ts';
import { DAY } from '../../../util/time.ts';
import type { JobFolder } from './jobfolder.ts';

async function modified(path: string): Promise<number> {
  try {
    return (await lstat(path)).mtimeMs;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return Number.POSITIVE_INFINITY;
    throw error;
  }
}

async function removeOlder(folder: string, before: number, keep: (name: string) => boolean): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if (keep(name) || (await modified(path)) >= before) continue;
    await removeFolder(path);
  }
}

/**
 * Removes what ended more than `keep` ms ago, unless that was done within the last day.
 * @param close gives up the job files that can come to nothing more; answers whether a claim still has jobs that may
 * start: its logs stay, since they are where these will write
 */
export async function sweep(
  folder: JobFolder,
  keep: number,
  close: () => Promise<(claim: string) => boolean>,
): Promise<void> {
  const stamp = folder.path('swept');
  const last = await modified(stamp);
  if (last !== Number.POSITIVE_INFINITY && Date.now() - last < DAY) return;
  const before = Date.now() - keep;
  // Before the marks go: they say what has started.
  const needed = await close();
  // A record that nobody has acknowledged keeps its mark: `status` must go on saying that it ended.
  const unread = new Set(folder.list('result/new'));
  await removeOlder(folder.path('started'), before, (name) => unread.has(name));
  await removeOlder(folder.path('result/cur'), before, () => false);
  await removeOlder(folder.path('tmp'), before, () => false);
  await removeOlder(folder.path('result/tmp'), before, () => false);
  await removeOlder(folder.path('logs'), before, needed);
  // Of jobs that were torn away; others take theirs along.
  if (folder.list('beats').length > 0) await removeOlder(folder.path('beats'), before, () => false);
  await removeFile(stamp).catch(() => undefined);
  folder.write(stamp, '');
}

/** The same where the folder may be read-only for a while: whoever must write there says so. */
export async function sweepIfWritable(...asked: Parameters<typeof sweep>): Promise<void> {
  await sweep(...asked).catch((error: unknown) => {
    if (codeOf(error) === undefined) throw error;
  });
}

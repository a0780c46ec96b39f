// Keeps the spool bounded: marks, acknowledged records and logs older than `keep` are removed, once a day.
import { lstat, readdir, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../../util/errors.ts';
import { DAY } from '../../util/time.ts';
import type { Spool } from './spool.ts';

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
    await rm(path, { recursive: true, force: true });
  }
}

/** Removes what ended more than `keep` ms ago. Call it while nothing runs and the lock is held. */
export async function sweep(spool: Spool, keep: number): Promise<void> {
  const stamp = spool.path('swept');
  const last = await modified(stamp);
  if (last !== Number.POSITIVE_INFINITY && Date.now() - last < DAY) return;
  const before = Date.now() - keep;
  // A record that nobody has acknowledged keeps its mark: `status` must go on saying that it ended.
  const unread = new Set(spool.list('result/new'));
  await removeOlder(spool.path('started'), before, (name) => unread.has(name));
  await removeOlder(spool.path('result/cur'), before, () => false);
  await removeOlder(spool.path('tmp'), before, () => false);
  await removeOlder(spool.path('result/tmp'), before, () => false);
  await removeOlder(spool.path('logs'), before, () => false);
  await unlink(stamp).catch(() => undefined);
  spool.write(stamp, '');
}

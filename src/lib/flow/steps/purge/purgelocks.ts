// The locks of a purge: one beside the configuration, one in each buffer. The kernel releases those of a purge that is
// killed, so what it had claimed can be settled at once. Two configurations, or two hosts, meet in the buffer's.
import { join } from 'node:path';
import { BusyError } from '../../../util/errors.ts';
import { isFileError, writing } from '../../../util/files/ownfolder.ts';
import type { Lock } from '../../../util/processes/lock.ts';
import type { Locks, Ports } from '../../ports.ts';

export interface PurgeLocks {
  /** Levels whose buffer's lock is held. */
  readonly alone: ReadonlySet<string>;
  release(): void;
}

const BUFFER_LOCK = '.dflow-purge.lock';

/** @throws BusyError: another purge of this configuration, or of one of these buffers, is running */
export async function takeLocks({ locks: taker, settings }: Ports, levels: readonly string[]): Promise<PurgeLocks> {
  const below = join(settings.folder, '.dflow');
  const own = await writing(below, () => taker.take(join(below, 'purge.lock')));
  if (!own) throw new BusyError('another purge is running on this host', { hint: 'dflow list loops, or wait for it' });
  const locks = [own];
  const release = () => {
    for (const lock of locks.splice(0)) lock.release();
  };
  try {
    const alone = new Set<string>();
    const held = new Map<string, boolean>();
    for (const { level, path } of settings.buffers.filter((one) => levels.includes(one.level))) {
      const lock = held.has(path) ? undefined : lockBuffer(taker, path);
      if (lock) locks.push(lock);
      if (!held.has(path)) held.set(path, lock !== undefined);
      if (held.get(path)) alone.add(level);
    }
    return { alone, release };
  } catch (error) {
    release();
    throw error;
  }
}

/** `undefined`: its file system lets nothing be locked, and what others have claimed there is left to them. */
function lockBuffer(locks: Locks, path: string): Lock | undefined {
  let lock: Lock | undefined;
  try {
    lock = locks.takePassing(join(path, BUFFER_LOCK));
  } catch (error) {
    if (isFileError(error)) return undefined;
    throw error;
  }
  if (lock) return lock;
  throw new BusyError(`another purge is working on the buffer ${path}`, {
    hint: `wait for it, or see which process holds its lock: fuser -v ${join(path, BUFFER_LOCK)}`,
  });
}

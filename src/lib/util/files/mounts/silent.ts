// Folders of dead mounts: what asks such a disk is held, even at its end. So another process asks it, within a limit.
import { spawn } from 'node:child_process';
import { inTime } from '../../intime.ts';
import { ANSWER } from '../../text/silence.ts';
import { mayFallSilent, mountinfo } from './mounts.ts';

/**
 * Those of `paths` whose disk or file server gives no answer: nothing in this process may ask them then. Costs a process
 * for each where something is mounted that can fall silent, and nothing elsewhere.
 */
export async function silentOf(
  paths: readonly string[],
  mounts?: string,
  limit: number = ANSWER,
): Promise<ReadonlySet<string>> {
  if (paths.length === 0 || !mayFallSilent(mounts ?? (await mountinfo()))) return new Set();
  const each = await Promise.all(paths.map((path) => answer(path, limit)));
  return new Set(paths.filter((_, at) => !each[at]));
}

/** Names and sizes may be remembered by this machine; how full a disk is must be asked. */
async function answer(path: string, limit: number): Promise<boolean> {
  const child = spawn('stat', ['-f', '--', path], { stdio: 'ignore' });
  const ended = new Promise<boolean>((resolve) => {
    child.once('exit', () => resolve(true));
    // Without that program nothing is known.
    child.once('error', () => resolve(true));
  });
  if (await inTime(ended, limit)) return true;
  child.kill('SIGKILL');
  // What waits for a dead disk may not even be killed.
  child.unref();
  return false;
}

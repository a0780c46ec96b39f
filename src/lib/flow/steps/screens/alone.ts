// One command at a time opens windows on a host: of two that start at once, each would open every window. Stopping takes
// no lock: loops must stop on a full disk as well.
import { BusyError } from '../../../util/errors.ts';
import { writing } from '../../../util/files/ownfolder.ts';
import type { Step } from '../../ports.ts';
import { type ScreensWorld, screensFile } from './screens.ts';

/** The steps one after another, under the lock of this host. @throws BusyError another command has it */
export async function* alone(world: ScreensWorld, ...steps: readonly Step[]): Step {
  if (world.dryRun) {
    for (const step of steps) yield* step;
    return;
  }
  const path = screensFile(world, 'lock');
  const lock = await writing(`${world.settings.folder}/.dflow`, () => world.locks.take(path));
  if (!lock)
    throw new BusyError(`another command starts the loops of '${world.host}' now`, {
      where: path,
      hint: 'wait for its end, then: dflow screens status',
    });
  try {
    for (const step of steps) yield* step;
  } finally {
    lock.release();
  }
}

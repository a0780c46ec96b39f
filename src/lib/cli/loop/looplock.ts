// Never two of the same loop on one host: a lock of the kernel, and beside it who holds it.
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BusyError } from '../../util/errors.ts';
import { writing } from '../../util/files/ownfolder.ts';
import { type Lock, tryLock } from '../../util/processes/lock.ts';
import { humanDuration, type Iso, iso } from '../../util/time.ts';

/** Who holds the lock of a loop. */
export interface LoopHolder {
  readonly pid: number;
  readonly since: Iso;
}

/**
 * The lock of a loop of this host, below dflow's own folder.
 * @throws BusyError another process has it
 */
export async function lockLoop(folder: string, host: string, name: string): Promise<Lock> {
  const place = join(folder, 'loops');
  // Experiments may share the folder among their hosts.
  const path = join(place, `${host}.${name}`);
  const lock = await writing(place, async () => {
    await mkdir(place, { recursive: true });
    return tryLock(`${path}.lock`);
  });
  if (!lock) throw busy(name, host, readHolder(`${path}.json`));
  const holder: LoopHolder = { pid: process.pid, since: iso(Date.now()) };
  // A full disk does not stop a loop: this loop may make room, or tell people about the disk.
  await writeFile(`${path}.json`, JSON.stringify(holder)).catch(() => undefined);
  return lock;
}

function readHolder(path: string): Partial<LoopHolder> {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Partial<LoopHolder>;
  } catch {
    // Its holder has not written it yet.
    return {};
  }
}

/** The complaint of a second one. */
export function busy(name: string, host: string, { pid, since }: Partial<LoopHolder>): BusyError {
  const time = since === undefined ? Number.NaN : Date.parse(since);
  const ago = Number.isNaN(time) ? '' : ` since ${since} (${humanDuration(Math.max(0, Date.now() - time))})`;
  const who = pid === undefined ? '' : `: process ${pid}${ago}`;
  return new BusyError(`loop '${name}' already runs on ${host}${who}`, {
    hint: `${pid === undefined ? '' : `kill ${pid} stops it; `}dflow loop --name NAME starts another one beside it`,
  });
}

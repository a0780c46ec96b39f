// A job of nobody, at the batch system of a farm: held and withdrawn, or run. Jobs that a killed doctor left are its own,
// since each host submits them under a name of its own.
import { join } from 'node:path';
import type { Backend, Status } from '../../../backend.ts';
import type { Lock } from '../../../util/processes/lock.ts';
import { SECOND } from '../../../util/time.ts';
import type { JobSpec } from '../../../wrapper/spec.ts';
import type { Patient } from './check.ts';

/** What every trial job is; it does nothing. */
export function emptySpec(key: string): JobSpec {
  return {
    key,
    ref: 'dflow-doctor',
    setup: '',
    command: ':',
    inputs: [],
    files: [],
    outputs: [],
    env: {},
    limit: 120,
    destinations: [],
    cpus: 1,
  };
}

/**
 * The batch system for trials, with nothing of a killed doctor left in it; `undefined`: another doctor of this host is
 * there now. `use` leaves no job.
 */
export async function withTrials<T>(
  patient: Patient,
  farm: string,
  use: (backend: Backend) => Promise<T>,
): Promise<T | undefined> {
  const lock = await trialLock(patient, farm);
  if (!lock) return undefined;
  try {
    const backend = await patient.trialBackend(farm);
    await withdraw(patient, backend, await backend.alive());
    return await use(backend);
  } finally {
    lock.release();
  }
}

interface TrialLock extends Lock {
  /** Whether no other doctor of this host can be there: where no lock can be made, one may be. */
  readonly alone: boolean;
}

/** `undefined`: another doctor of this host holds it. */
export async function trialLock({ locks, settings, host }: Patient, name: string): Promise<TrialLock | undefined> {
  const path = join(settings.folder, '.dflow', 'doctor', `${name}@${host}.lock`);
  try {
    const lock = await locks.take(path);
    return lock && { alone: true, release: () => lock.release() };
  } catch {
    // This user may not write there.
    return { alone: false, release: () => undefined };
  }
}

/** Milliseconds between two questions, and of all of them. */
const [EVERY, LONGEST] = [0.25 * SECOND, 15 * SECOND];

/** Stops jobs and waits until none is left; the keys that are still there. */
export async function withdraw(patient: Patient, backend: Backend, keys: readonly string[]): Promise<string[]> {
  if (keys.length === 0) return [];
  await backend.cancel(keys);
  for (let waited = 0; ; waited += EVERY) {
    const found = await backend.status(keys);
    const left = keys.filter((key) => isThere(found.get(key)));
    if (left.length === 0 || waited >= LONGEST) return left;
    await patient.sleep(EVERY);
  }
}

function isThere(status: Status | undefined): boolean {
  return status !== undefined && status.state !== 'ended' && status.state !== 'absent';
}

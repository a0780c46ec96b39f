// What one call of purge works with: its options checked, its rules, the storage elements it may ask, its receipt and
// the lock that makes it the only purge of this host.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { PurgeRules } from '../../../domain/data/purgerules.ts';
import type { Space } from '../../../util/disk.ts';
import { BusyError, UsageError } from '../../../util/errors.ts';
import { type Lock, tryLock } from '../../../util/lock.ts';
import { suggestion } from '../../../util/near.ts';
import { writing } from '../../../util/ownfolder.ts';
import { newReceipt, type Receipt } from '../../../util/receipt.ts';
import { Sites } from '../../copies/sites.ts';
import { activeHolds } from '../../jobs/openholds.ts';
import type { Ports, StepOptions } from '../../ports.ts';
import { Apart } from './apart.ts';

export interface PurgeOptions extends StepOptions {
  /** Share of each buffer's disk to be free, 0..1; oldest runs go first until it is. */
  readonly untilFree?: number;
  readonly levels?: readonly string[];
  readonly runs?: (run: number) => boolean;
  /** Quarantined files, and nothing else. */
  readonly junk?: boolean;
  /** Also runs to which files came late. */
  readonly late?: boolean;
  /** How full the disk of a level is, where it is not the file system that says so. */
  readonly space?: (level: string) => Promise<Space>;
}

export interface PurgeSession {
  readonly ports: Ports;
  readonly options: PurgeOptions;
  readonly levels: readonly string[];
  readonly rules: PurgeRules;
  readonly sites: Sites;
  readonly apart: Apart;
  readonly nonce: string;
  readonly receipt: Receipt;
  /** Files that may still go in this call. */
  left: number;
  close(): Promise<void>;
}

/** @throws UsageError for a level that does not exist; BusyError when a purge of this host is running */
export async function openPurge(ports: Ports, options: PurgeOptions): Promise<PurgeSession> {
  const { settings, store, host } = ports;
  const known = settings.buffers.map(({ level }) => level);
  for (const level of options.levels ?? []) {
    if (!known.includes(level))
      throw new UsageError(`no level is called '${level}'`, { hint: suggestion(level, known) });
  }
  const now = await store.now();
  const nonce = ports.nonce();
  const sites = new Sites(ports);
  const receipt = newReceipt(settings.folder, 'purge', now, nonce);
  const rules: PurgeRules = {
    host,
    now,
    purgeAfter: settings.copies.purgeAfter,
    storages: settings.storages.map(({ name }) => name),
    sampledAfter: settings.purge.sampledAfter,
    holds: await activeHolds(store, now),
    aside: sites.aside,
    late: options.late === true,
  };
  // Last: nothing may fail between here and the caller's `finally`.
  const lock = options.dryRun ? undefined : await onlyOne(settings.folder);
  return {
    ports,
    options,
    levels: options.levels ?? known,
    rules,
    sites,
    apart: new Apart(sites, { nonce, probes: options.dryRun !== true }),
    nonce,
    receipt,
    left: options.limit ?? Number.POSITIVE_INFINITY,
    close: async () => {
      await receipt.close();
      lock?.release();
    },
  };
}

/** The kernel releases the lock of a purge that is killed: what it had claimed can be settled at once. */
async function onlyOne(folder: string): Promise<Lock> {
  const below = join(folder, '.dflow');
  const lock = await writing(below, async () => {
    await mkdir(below, { recursive: true });
    return tryLock(join(below, 'purge.lock'));
  });
  if (lock) return lock;
  throw new BusyError('another purge is running on this host', { hint: 'dflow list loops, or wait for it' });
}

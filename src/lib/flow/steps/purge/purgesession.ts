// What one call of purge works with: its options checked, its rules, the storage elements it may ask, its receipt and
// the lock that makes it the only purge of this host.

import type { PurgeRules } from '../../../domain/data/purgerules.ts';
import { named } from '../../../domain/named.ts';
import type { Space } from '../../../util/files/disk.ts';
import type { Receipt } from '../../../util/files/receipt.ts';
import { Apart } from '../../copies/apart.ts';
import { Removal } from '../../copies/removal/removal.ts';
import { Sites } from '../../copies/sites.ts';
import { activeHolds } from '../../jobs/openholds.ts';
import type { Ports, StepOptions } from '../../ports.ts';
import { Progress } from '../../progress.ts';
import { takeLocks } from './purgelocks.ts';

export interface PurgeOptions extends StepOptions {
  /** Share of each buffer's disk to be free, 0..1; oldest runs go first until it is. */
  readonly untilFree?: number;
  readonly levels?: readonly string[];
  readonly runs?: (run: number) => boolean;
  /** Quarantined files, and nothing else. */
  readonly junk?: boolean;
  /** Of junk: ids or names of quarantined files. With these or `reasons` nothing else goes. */
  readonly words?: readonly string[];
  /** Of junk: reasons of the quarantine. */
  readonly reasons?: readonly string[];
  /** Why files that may be data go. */
  readonly why?: string;
  /** Everything that is in the trash is deleted now. */
  readonly emptyTrash?: boolean;
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
  readonly told: Progress;
  readonly removal: Removal;
  /** Levels whose buffers no other purge works on, of any configuration of any host: what was claimed there is settled. */
  readonly alone: ReadonlySet<string>;
  /** Files that may still go in this call. */
  left: number;
  close(): Promise<void>;
}

/** @throws UsageError for a level that does not exist; BusyError when a purge of this host is running */
export async function openPurge(ports: Ports, options: PurgeOptions): Promise<PurgeSession> {
  const { settings, store, host } = ports;
  const known = settings.buffers.map(({ level }) => level);
  for (const level of options.levels ?? []) named('level', level, known);
  const now = await store.now();
  const nonce = ports.nonce();
  const sites = new Sites(ports);
  const receipt = ports.receipts.make(settings.folder, 'purge', now, nonce);
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
  const levels = options.levels ?? known;
  // Last: nothing may fail between here and the caller's `finally`.
  const locks = options.dryRun ? undefined : await takeLocks(ports, levels);
  return {
    ports,
    options,
    levels,
    rules,
    sites,
    apart: new Apart(sites, { nonce, probes: options.dryRun !== true }),
    nonce,
    receipt,
    told: new Progress(ports),
    removal: new Removal(sites, receipt, nonce),
    alone: locks?.alone ?? new Set(),
    left: options.limit ?? Number.POSITIVE_INFINITY,
    close: async () => {
      await receipt.close();
      locks?.release();
    },
  };
}

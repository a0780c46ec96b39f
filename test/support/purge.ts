// One purge, what it says, and the receipts that it leaves.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type PurgeOptions, purge } from '../../src/lib/flow/steps/purge/purge.ts';
import type { Seen } from './items.ts';
import { collect, type TestPorts } from './ports.ts';

export const run = (ports: TestPorts, options: PurgeOptions = {}): Promise<Seen[]> => collect(purge(ports, options));

/** `file what was done`, an item a line. */
export const dids = (items: readonly Seen[]): string[] => items.map(({ file, did, ref }) => `${file ?? ref} ${did}`);

/** Names of all receipts; none where the folder was never made. */
export function receipts(ports: TestPorts): string[] {
  try {
    return readdirSync(join(ports.folder, '.dflow', 'receipts')).sort();
  } catch {
    return [];
  }
}

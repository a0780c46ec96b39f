// What farms know of a lost store: result records, and jobs that are still at their batch systems. Reads, never writes.
import type { Backend } from '../../../backend.ts';
import { claimId } from '../../../domain/ids.ts';
import { type FoundOutput, outputOf, type Recorded } from '../../../domain/rebuilt/passes.ts';
import { DflowError } from '../../../util/errors.ts';
import { given } from '../../../util/values/given.ts';
import type { ResultRecord } from '../../../wrapper/record.ts';
import type { Item, Ports } from '../../ports.ts';

/** Records of the farms; outputs that only a record names are added, as lost. */
export async function recorded(ports: Ports, found: readonly FoundOutput[], items: Item[]) {
  const records = new Map<string, Recorded>();
  const paths = new Set(found.map(({ storage, path }) => `${storage}:${path}`));
  const lost: FoundOutput[] = [];
  let mute = 0;
  for (const { name: site } of ports.settings.farms) {
    for (const record of await keptBy(ports, site, items)) {
      const { execution, phase, outputs } = record;
      if (phase !== 'done' || outputs.length === 0) {
        mute++;
        continue;
      }
      records.set(execution, recordedOf(record, site));
      for (const { storage, path } of outputs) {
        const named = paths.has(`${storage}:${path}`) ? undefined : outputOf(path);
        if (named) lost.push({ ...named, storage, modified: '' });
      }
    }
  }
  return { outputs: [...found, ...lost], records, mute };
}

function recordedOf({ key, outputs, wall, cpu, maxRss, host, version }: ResultRecord, site: string): Recorded {
  const lock = { site, epoch: 0, claim: claimOf(key), index: Number(key.slice(claimOf(key).length + 1)) };
  const checksums = new Map(outputs.map(({ path, checksum }) => [path, checksum]));
  return { lock, usage: { wall, host, ...given({ cpu, maxRss }) }, checksums, ...given({ version }) };
}

const claimOf = (key: string): string => key.slice(0, key.lastIndexOf('.'));

/** The farm with the job names of this store and of each earlier one: names begin with the id of their store. */
async function backendsOf(ports: Ports, site: string): Promise<Pick<Backend, 'kept' | 'alive' | 'status'>[]> {
  return [await ports.backend(site, true), ...((await ports.formerBackends?.(site)) ?? [])];
}

async function keptBy(ports: Ports, site: string, items: Item[]): Promise<ResultRecord[]> {
  try {
    const found: ResultRecord[] = [];
    for (const backend of await backendsOf(ports, site)) found.push(...((await backend.kept?.()) ?? []));
    return found;
  } catch (error) {
    if (!(error instanceof DflowError)) throw error;
    const text = `its result records cannot be read, so outputs alone count: ${error.message}`;
    items.push({ kind: 'farm', ref: site, did: 'unreadable', failed: true, text, next: 'dflow doctor' });
    return [];
  }
}

/** At most this many jobs are named in a message. */
const NAMED = 3;

/** A farm's jobs that no claim of this store knows, and which of them were never released. */
async function lostAt(ports: Ports, site: string): Promise<{ readonly lost: string[]; readonly held: string[] }> {
  const lost: string[] = [];
  const held: string[] = [];
  for (const backend of await backendsOf(ports, site)) {
    const keys = await backend.alive();
    const claims = await ports.store.get([...new Set(keys.map((key) => claimId(claimOf(key))))]);
    const unknown = keys.filter((key) => !claims.has(claimId(claimOf(key))));
    const status = await backend.status(unknown);
    lost.push(...unknown);
    held.push(...unknown.filter((key) => status.get(key)?.state === 'held'));
  }
  return { lost: [...new Set(lost)], held: [...new Set(held)] };
}

/** Farms whose batch systems have jobs that no claim of this store knows, or cannot be asked. */
export async function* atWork(ports: Ports): AsyncGenerator<Item, void, void> {
  for (const { name: ref } of ports.settings.farms) {
    const about = { kind: 'farm', ref, failed: true } as const;
    try {
      const { lost, held } = await lostAt(ports, ref);
      if (lost.length === 0) continue;
      const names = `${lost.slice(0, NAMED).join(', ')}${lost.length > NAMED ? ', ...' : ''}`;
      const never =
        held.length > 0
          ? `; ${held.length} of them ${held.length === 1 ? 'is held and never starts' : 'are held and never start'}`
          : '';
      const text = `jobs of the lost store are at its batch system (${lost.length}: ${names})${never}; what they make is not known yet`;
      const next =
        held.length > 0 ? `remove the held jobs with the batch system (scancel, condor_rm); ${AGAIN}` : AGAIN;
      yield { ...about, did: 'occupied', subjobs: lost.length, text, next };
    } catch (error) {
      if (!(error instanceof DflowError)) throw error;
      const text = `its batch system cannot be asked whether jobs of the lost store run there: ${error.message}`;
      yield { ...about, did: 'unreadable', text, next: `on a host of the farm: ${AGAIN}` };
    }
  }
}

export const AGAIN = 'when the jobs of the lost store have ended: dflow store rebuild';

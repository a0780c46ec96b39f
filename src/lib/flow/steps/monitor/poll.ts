// The first half of monitor: asks the batch system once for everything that is active, and for what is there without
// anybody knowing it. Absence is said explicitly; a key that has no line was not asked about.

import type { ClaimDoc } from '../../../domain/farms/farm.ts';
import { claimId } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import { keyOf } from '../../../domain/jobs/states.ts';
import type { Store } from '../../../store.ts';
import { given } from '../../../util/values/given.ts';
import { views } from '../../../views/index.ts';
import { openFarm } from '../../farms/farm.ts';
import type { Ports } from '../../ports.ts';
import { type Observation, splitKey } from './observation.ts';
import { askedClaims, supersededKeys } from './superseded.ts';

/** Result records read in one poll. */
const RECORDS = 5_000;

/** Observations of everything active at a site, and of what was given up there. Throws UnreachableError when the batch system cannot be asked. */
export async function* poll(ports: Ports, site?: string): AsyncGenerator<Observation, void, void> {
  const { farm, backend } = await openFarm(ports, site);
  if (!ports.dry) await backend.ensure();
  const at = await ports.store.now();
  const [known, claims] = await Promise.all([
    activeKeys(ports.store, farm.name),
    askedClaims(ports.store, farm.name, at),
  ]);
  const alive = await backend.alive();
  const superseded = await supersededKeys(ports.store, claims, known);
  const givenUp = new Set(superseded);
  const keys = [...new Set([...known.keys(), ...alive, ...superseded])];
  const status = await backend.status(keys);
  // Records after states: a job that ended before it was asked about has its record by now.
  const records = await backend.records(RECORDS);
  const refs = await claimRefs(ports.store, [...keys, ...records.map((record) => record.key)]);
  const recorded = new Set(records.map((record) => record.key));
  const truncated = records.length >= RECORDS;
  for (const key of keys) {
    const found = status.get(key);
    // With records left unread, an ended job without one proves nothing yet.
    if (!found || recorded.has(key) || (truncated && found.state === 'ended')) continue;
    yield {
      ...line(farm.name, key, at, refs, known),
      state: found.state,
      ...(givenUp.has(key) ? { superseded: true as const } : {}),
      ...(found.inferred ? { inferred: true as const } : {}),
      ...given({ raw: found.raw }),
    };
  }
  for (const record of records) {
    const raw = status.get(record.key)?.raw;
    yield {
      ...line(farm.name, record.key, at, refs, known),
      state: 'recorded',
      record,
      ...given({ raw }),
    };
  }
}

interface Ref {
  readonly job: string;
  readonly subjob: number;
}

function line(site: string, key: string, at: string, refs: ReadonlyMap<string, Ref>, known: ReadonlyMap<string, Ref>) {
  const ref = refs.get(key) ?? known.get(key);
  return { kind: 'observation' as const, site, key, at, ...(ref ?? {}) };
}

/** Keys of recorded attempts of a site, with what they belong to. */
async function activeKeys(store: Store, site: string): Promise<Map<string, Ref>> {
  const rows = await store.view(views.active, { prefix: [site] });
  const docs = await store.get<JobDoc>([...new Set(rows.map((row) => row.id))]);
  const keys = new Map<string, Ref>();
  for (const job of docs.values()) {
    for (const { state, index } of job.subjobs) {
      const recorded = state.name === 'submitted' || state.name === 'running';
      if (recorded && state.lock.site === site) keys.set(keyOf(state.lock), { job: job._id, subjob: index });
    }
  }
  return keys;
}

/** What each key was claimed for, from the claims' index maps. */
async function claimRefs(store: Store, keys: readonly string[]): Promise<Map<string, Ref>> {
  const nonces = [...new Set(keys.map((key) => splitKey(key).claim))];
  const claims = await store.get<ClaimDoc>(nonces.map(claimId));
  const refs = new Map<string, Ref>();
  for (const key of keys) {
    const { claim, index } = splitKey(key);
    const ref = claims.get(claimId(claim))?.refs[index];
    if (ref) refs.set(key, { job: ref[0], subjob: ref[1] });
  }
  return refs;
}

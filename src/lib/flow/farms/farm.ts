// The farm's own document: heartbeat, epoch, and who its batch system is. A batch system that is not the one expected
// answers every query with success and nothing, so it is checked before it is believed.

import { SCHEMA } from '../../domain/doc.ts';
import type { FarmDoc } from '../../domain/farms/farm.ts';
import { farmId } from '../../domain/ids.ts';
import { noSuch, noSuchError } from '../../domain/named.ts';
import type { FarmSettings } from '../../domain/settings.ts';
import type { Decision } from '../../store.ts';
import { ConfigError, UnreachableError } from '../../util/errors.ts';
import { isAhead, isRecent, SECOND } from '../../util/time.ts';
import { nth } from '../../util/values/have.ts';
import { views } from '../../views/index.ts';
import type { OpenFarm, Ports, ReadPorts } from '../ports.ts';

/** The settings of a site; default: this host's farm. */
export function farmSettings(ports: ReadPorts, site?: string): FarmSettings {
  const name = site ?? ports.settings.farm;
  const found = ports.settings.farms.find((farm) => farm.name === name);
  if (found) return found;
  const where = ports.settings.file;
  const known = ports.settings.farms.map((farm) => farm.name);
  if (site !== undefined) throw noSuchError('farm', name, known, { where });
  throw new ConfigError(noSuch('farm', name, known), { where, hint: 'add it to `farms`, or set DFLOW_FARM' });
}

/** Milliseconds for which a round believes its own look at a farm. */
const FRESH = 10 * SECOND;

/** The document of a farm. */
export async function farmDoc({ store }: ReadPorts, name: string): Promise<FarmDoc | undefined> {
  return (await store.get<FarmDoc>([farmId(name)])).get(farmId(name));
}

/**
 * Opens a farm: its backend answers as the one that the store knows, and the farm's heartbeat is renewed. What another
 * step of the same round has opened a moment ago is taken as it is. `given`: its document as the caller has just read it.
 */
export async function openFarm(ports: Ports, site?: string, given?: { readonly doc?: FarmDoc }): Promise<OpenFarm> {
  const farm = farmSettings(ports, site);
  const before = ports.dry ? undefined : ports.round?.farms.get(farm.name);
  if (before && isRecent(before.at, await ports.store.now(), FRESH)) return before.open;
  const opened = await openNow(ports, farm, given);
  ports.round?.farms.set(farm.name, { at: await ports.store.now(), open: opened });
  return opened;
}

async function openNow(ports: Ports, farm: FarmSettings, given?: { readonly doc?: FarmDoc }): Promise<OpenFarm> {
  const backend = await ports.backend(farm.name);
  const identity = await backend.identity();
  const known = given ? given.doc : await farmDoc(ports, farm.name);
  const at = await ports.store.now();
  // Judged by a clock that was read after it: a process that was stopped must not take a newer heartbeat for a wrong one.
  const wrong = known && isAhead(known.heartbeat, at) ? known.heartbeat : undefined;
  const change = (doc: FarmDoc | undefined): Decision<FarmDoc> => {
    const expected = doc?.identity.cluster === '' ? undefined : doc?.identity;
    if (expected && (expected.cluster !== identity.cluster || expected.user !== identity.user)) {
      return { skip: `${expected.user}@${expected.cluster}` };
    }
    const base = { _id: farmId(farm.name), kind: 'farm', v: SCHEMA, site: farm.name, epoch: 1 } as const;
    // A process that was stopped between clock and write must not make the site look silent.
    const heartbeat = doc && doc.heartbeat > at && doc.heartbeat !== wrong ? doc.heartbeat : at;
    const beat = {
      backend: farm.backend,
      identity,
      heartbeat,
      host: ports.host,
      slots: farm.slots,
      ...(farm.versions ? { versions: farm.versions } : {}),
    };
    return { write: { ...base, ...doc, ...beat } };
  };
  const base = known ?? null;
  const outcome = nth(await ports.store.bulk<FarmDoc>([{ id: farmId(farm.name), change, base }]), 0);
  if (outcome.result === 'skipped') {
    throw new UnreachableError(
      `the batch system of ${farm.name} answers as ${identity.user}@${identity.cluster}, but the store has ${outcome.why}`,
      { hint: `log in as the right user on the right host, or: dflow farm unlock ${farm.name} --why TEXT` },
    );
  }
  return { farm, backend, epoch: outcome.doc?.epoch ?? 1 };
}

/** Active subjobs of a site, by the view: a hint good enough for counting slots. */
export async function activeCount(ports: ReadPorts, site: string): Promise<number> {
  const groups = await ports.store.count(views.active, 1, { prefix: [site] });
  return groups.reduce((sum, group) => sum + group.value, 0);
}

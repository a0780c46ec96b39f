// `dflow why STORAGE`: can it be used, and if not, why and since when. Asks the element itself, writes nothing.

import { wantedCopies } from '../../../domain/data/replicas.ts';
import type { HoldDoc } from '../../../domain/hold.ts';
import type { Gate } from '../../../domain/jobs/readiness.ts';
import { asideNow } from '../../../domain/storage/breaker.ts';
import { DflowError } from '../../../util/errors.ts';
import type { Iso } from '../../../util/time.ts';
import { views } from '../../../views/index.ts';
import { breakers } from '../../copies/breakers.ts';
import { activeHolds } from '../../jobs/openholds.ts';
import type { ReadPorts } from '../../ports.ts';
import { primaryOf } from '../../switches/storageswitch.ts';
import { missingAt } from '../status/counts.ts';
import { credentialGates } from './hostgates.ts';
import { gateVerdict } from './verdict.ts';
import type { WhyReport } from './whyreport.ts';

/** The gates of a storage element that is configured. */
export async function whyStorage(ports: ReadPorts, name: string): Promise<WhyReport> {
  const now = await ports.store.now();
  const holds = await activeHolds(ports.store, now);
  const gates = [
    ...(await holdGates(ports, name, now)),
    await answers(ports, name),
    await breakerGate(ports, name, now),
    ...(await copyGates(ports, name, holds)),
    ...(await credentialGates(ports)),
  ];
  const { protocol = '', tape = false } = ports.settings.storages.find((storage) => storage.name === name) ?? {};
  const primary = primaryOf(ports.settings, holds) === name ? 'primary' : '';
  const about = [protocol, tape ? 'tape' : '', primary].filter((word) => word !== '').join(' ');
  const wrong = gates.filter(({ ok }) => !ok);
  const next = [...new Set(wrong.flatMap((gate) => gate.next ?? []))];
  return {
    ref: name,
    about,
    state: wrong.length === 0 ? 'ok' : 'held',
    verdict: gateVerdict(gates, 'can be used', ''),
    gates,
    next,
  };
}

async function holdGates({ store }: ReadPorts, name: string, now: Iso): Promise<Gate[]> {
  const holds = (await activeHolds(store, now)).filter(({ scope, what }) => {
    return scope.storages?.includes(name) && what !== 'primary';
  });
  return holds.map((hold) => {
    const until = hold.until === undefined ? '' : `, until ${hold.until}`;
    const text = `${hold.what === 'storage' ? 'disabled' : hold.what}: ${hold.why} (${hold.by}${until})`;
    return { gate: 'hold', ok: false, text, since: hold.since, next: `dflow resume ${hold._id}`, on: hold._id };
  });
}

/** One cheap question to the element. */
async function answers(ports: ReadPorts, name: string): Promise<Gate> {
  try {
    await (await ports.storage(name)).stat(['.dflow-is-it-there']);
    return { gate: 'reachable', ok: true, text: `answers ${ports.host}` };
  } catch (error) {
    if (!(error instanceof DflowError)) throw error;
    const next = error.hint ?? `dflow storage disable ${name} --for 1d --why TEXT`;
    return { gate: 'reachable', ok: false, text: error.message, next };
  }
}

async function breakerGate({ store }: ReadPorts, name: string, now: Iso): Promise<Gate> {
  const doc = (await breakers(store)).get(name);
  const trouble = asideNow(doc, now);
  const troubles = Object.entries(doc?.causes ?? {});
  if (!trouble) {
    const [first] = troubles;
    if (!first) return { gate: 'breaker', ok: true, text: 'no failures in a row' };
    const [cause, { failures, since, why }] = first;
    const text = `${failures} failed in a row (${cause}): ${why}`;
    return { gate: 'breaker', ok: false, text, since, next: `dflow transfer --to ${name}` };
  }
  const text = `set aside until ${trouble.until}: ${trouble.failures} failed in a row (${trouble.cause}): ${trouble.why}`;
  return { gate: 'breaker', ok: false, text, since: trouble.since, next: `dflow transfer --to ${name}` };
}

async function copyGates({ store, settings }: ReadPorts, name: string, holds: readonly HoldDoc[]): Promise<Gate[]> {
  const counts = new Map(
    (await store.count(views.replicas, 2, { prefix: [name] })).map(({ key, value }) => [key[1], value]),
  );
  const wanted = wantedCopies(settings.storages, settings.copies.raw, holds).includes(name);
  const lacking = missingAt(await store.count(views.transfers, 2), counts.get('verified') ?? 0);
  const states = [...counts].map(([state, count]) => `${count} ${state}`).join(', ') || 'none';
  const [outputs] = await store.count(views.outputCopies, 2, { prefix: [name, 'bad'] });
  const bad = (counts.get('bad') ?? 0) + (outputs?.value ?? 0);
  const others = `; raw files go to ${settings.copies.raw} of the storage elements (copies.raw)`;
  const queue = !wanted ? others : lacking > 0 ? `; ${lacking} to be made` : '';
  const gates: Gate[] = [{ gate: 'copies', ok: true, text: `${states}${queue}` }];
  const failed = counts.get('failed') ?? 0;
  const next = `dflow transfer --to ${name}`;
  if (failed > 0) gates.push({ gate: 'failed', ok: false, text: `${failed} copies to it failed`, next });
  if (bad === 0) return gates;
  return [
    ...gates,
    { gate: 'bad', ok: false, text: `${bad} copies are bad`, next: `dflow verify --repair --storage ${name}` },
  ];
}

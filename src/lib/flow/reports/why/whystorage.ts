// `dflow why STORAGE`: can it be used, and if not, why and since when. Asks the element itself, writes nothing.

import type { Gate } from '../../../domain/jobs/readiness.ts';
import { asideNow } from '../../../domain/storage/breaker.ts';
import { DflowError } from '../../../util/errors.ts';
import type { Iso } from '../../../util/time.ts';
import { breakers } from '../../copies/breakers.ts';
import { type CredentialDoc, credentialId } from '../../farms/credentials.ts';
import { activeHolds } from '../../jobs/openholds.ts';
import type { Ports } from '../../ports.ts';
import { primaryOf } from '../../switches/storageswitch.ts';
import type { WhyReport } from './why.ts';

/** The gates of a storage element that is configured. */
export async function whyStorage(ports: Ports, name: string): Promise<WhyReport> {
  const now = await ports.store.now();
  const gates = [
    ...(await holdGates(ports, name, now)),
    await answers(ports, name),
    await breakerGate(ports, name, now),
    ...(await copyGates(ports, name)),
    ...(await credentialGates(ports)),
  ];
  const holds = await activeHolds(ports.store, now);
  const { protocol = '', tape = false } = ports.settings.storages.find((storage) => storage.name === name) ?? {};
  const primary = primaryOf(ports.settings, holds) === name ? 'primary' : '';
  const about = [protocol, tape ? 'tape' : '', primary].filter((word) => word !== '').join(' ');
  const wrong = gates.filter(({ ok }) => !ok);
  const next = [...new Set(wrong.flatMap((gate) => gate.next ?? []))];
  return { ref: name, about, state: wrong.length === 0 ? 'ok' : 'held', gates, next };
}

async function holdGates({ store }: Ports, name: string, now: Iso): Promise<Gate[]> {
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
async function answers(ports: Ports, name: string): Promise<Gate> {
  try {
    await (await ports.storage(name)).stat(['.dflow-is-it-there']);
    return { gate: 'reachable', ok: true, text: `answers ${ports.host}` };
  } catch (error) {
    if (!(error instanceof DflowError)) throw error;
    const next = error.hint ?? `dflow storage disable ${name} --for 1d --why TEXT`;
    return { gate: 'reachable', ok: false, text: error.message, next };
  }
}

async function breakerGate({ store }: Ports, name: string, now: Iso): Promise<Gate> {
  const doc = (await breakers(store)).get(name);
  const trouble = asideNow(doc, now);
  const troubles = Object.entries(doc?.causes ?? {});
  if (!trouble) {
    const [first] = troubles;
    const text = first ? `${first[1].failures} failed in a row (${first[0]}): ${first[1].why}` : 'no failure in a row';
    return { gate: 'breaker', ok: true, text };
  }
  const text = `set aside until ${trouble.until}: ${trouble.failures} failed in a row (${trouble.cause}): ${trouble.why}`;
  return { gate: 'breaker', ok: false, text, since: trouble.since, next: `dflow transfer --to ${name}` };
}

async function copyGates({ store, settings }: Ports, name: string): Promise<Gate[]> {
  const counts = new Map(
    (await store.count('replicas', 2, { prefix: [name] })).map(({ key, value }) => [
      String((key as unknown[])[1]),
      value,
    ]),
  );
  const lacking = (await store.count('transfers', 2))
    .filter(({ key }) => {
      const set = String((key as unknown[])[1]);
      return set !== '-' && !set.split(' ').includes(name);
    })
    .reduce((sum, { value }) => sum + value, 0);
  const wanted = settings.storages.slice(0, settings.copies.raw).some((storage) => storage.name === name);
  const states = [...counts].map(([state, count]) => `${count} ${state}`).join(', ') || 'none';
  const [outputs] = await store.count('output-copies', 2, { prefix: [name, 'bad'] });
  const bad = (counts.get('bad') ?? 0) + (outputs?.value ?? 0);
  const queue = wanted && lacking > 0 ? `; ${lacking} files in runs that lack a copy here` : '';
  const gates: Gate[] = [{ gate: 'copies', ok: true, text: `${states}${queue}` }];
  const failed = counts.get('failed') ?? 0;
  const next = `dflow list replicas --storage ${name} --state failed`;
  if (failed > 0) gates.push({ gate: 'failed', ok: false, text: `${failed} copies to it failed`, next });
  if (bad === 0) return gates;
  return [
    ...gates,
    { gate: 'bad', ok: false, text: `${bad} copies are bad`, next: `dflow verify --repair --storage ${name}` },
  ];
}

async function credentialGates({ store, settings, host }: Ports): Promise<Gate[]> {
  if (!settings.credentials) return [];
  const doc = (await store.get<CredentialDoc>([credentialId(host)])).get(credentialId(host));
  if (!doc) return [];
  const next = settings.credentials.renew ?? 'voms-proxy-init';
  return [{ gate: 'credentials', ok: doc.state !== 'expired', text: `on ${host}: ${doc.text}`, since: doc.at, next }];
}

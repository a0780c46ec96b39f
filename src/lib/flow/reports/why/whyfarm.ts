// What submit meets at a farm before it looks at a single job, as gates: `why FARM`, and the end of every ready pass's
// answer. "The next submit takes it" is only said when all of them are met.
import { asA } from '../../../domain/doc.ts';
import type { FarmDoc, LeaseDoc, LoopDoc } from '../../../domain/farms/farm.ts';
import { goesOn, isLoop, loopState, loopTroubles, stepOf } from '../../../domain/farms/loops.ts';
import { drainOf, endText } from '../../../domain/hold.ts';
import { farmId, leaseId } from '../../../domain/ids.ts';
import type { Gate } from '../../../domain/jobs/readiness.ts';
import { idsWith } from '../../../store.ts';
import { messageOf } from '../../../util/errors.ts';
import { between, humanDuration, type Iso, isAhead } from '../../../util/time.ts';
import { views } from '../../../views/index.ts';
import { SHARES } from '../../../views/jobs.ts';
import { activeCount, farmSettings } from '../../farms/farm.ts';
import { activeHolds } from '../../jobs/openholds.ts';
import type { ReadPorts } from '../../ports.ts';
import { sum } from '../status/counts.ts';
import { credentialGates } from './hostgates.ts';
import { gateVerdict } from './verdict.ts';
import { nextOf, type WhyReport } from './whyreport.ts';

/** Whether a farm takes jobs, and if not, why and since when. Asks its batch system where this host is its own. */
export async function whyFarm(ports: ReadPorts, name: string): Promise<WhyReport> {
  const gates = await submitGates(ports, name);
  const wrong = gates.filter(({ ok }) => !ok);
  const { backend } = farmSettings(ports, name);
  const next = wrong.length === 0 ? await submitNext(ports, name) : nextOf(wrong);
  return {
    ref: name,
    about: backend,
    state: wrong.length === 0 ? 'ok' : 'held',
    verdict: gateVerdict(gates, 'takes jobs', 'takes no jobs: '),
    gates,
    next,
  };
}

/** Everything that keeps submit from handing any job to a farm. */
export async function submitGates(ports: ReadPorts, name: string): Promise<Gate[]> {
  const now = await ports.store.now();
  const docs = await ports.store.get<FarmDoc | LeaseDoc>([farmId(name), leaseId('submit', name)]);
  return [
    ...(await drainGates(ports, name, now)),
    ...(await credentialGates(ports)),
    ...leaseGates(ports, name, asA<LeaseDoc>(docs.get(leaseId('submit', name)), 'lease'), now),
    await answers(ports, name, asA<FarmDoc>(docs.get(farmId(name)), 'farm'), now),
    ...(await loopGates(ports, name, now)),
    await slotGate(ports, name),
  ];
}

async function drainGates({ store }: ReadPorts, name: string, now: Iso): Promise<Gate[]> {
  const hold = drainOf(await activeHolds(store, now), name);
  if (!hold) return [];
  const text = `${name} takes no jobs: ${hold.what}: ${hold.why} (${hold.by})${endText(hold)}`;
  return [{ gate: 'drain', ok: false, text, since: hold.since, next: `dflow resume ${hold._id}`, on: hold._id }];
}

function leaseGates({ settings }: ReadPorts, name: string, lease: LeaseDoc | undefined, now: Iso): Gate[] {
  if (!lease) return [];
  const { stale } = settings.limits;
  const silent = between(lease.renewed, now);
  const next = `dflow submit --site ${name}`;
  const base = { gate: 'lease', since: lease.since };
  if (isAhead(lease.renewed, now)) {
    const text = `${lease.by} holds it until ${lease.renewed}, in the future: its clock was wrong`;
    return [{ ...base, ok: false, text, next }];
  }
  if (silent <= stale / 2) return [{ ...base, ok: true, text: `submit is already running (${lease.by})` }];
  const text = `${lease.by} holds it, last seen ${humanDuration(silent)} ago`;
  return [{ ...base, ok: false, text: `${text}; another submit takes over after ${humanDuration(stale)}`, next }];
}

/** This host's own farm is asked now; of another one its heartbeat tells. */
async function answers(ports: ReadPorts, name: string, farm: FarmDoc | undefined, now: Iso): Promise<Gate> {
  const gate = 'batch-system';
  if (name === ports.settings.farm) {
    try {
      const { user, cluster } = await (await ports.backend(name)).identity();
      const known = farm?.identity;
      const other = known && known.cluster !== '' && (known.cluster !== cluster || known.user !== user);
      if (!other) return heard(ports, farm, `${name} answers ${ports.host} as ${user}@${cluster}`, now);
      const text = `${name} says it is ${user}@${cluster}; the store knows it as ${known.user}@${known.cluster}`;
      return { gate, ok: false, text, next: `dflow farm unlock ${name} --why TEXT` };
    } catch (error) {
      return { gate, ok: false, text: `${name}: ${messageOf(error)}`, next: `dflow submit --site ${name}` };
    }
  }
  const next = `dflow monitor --site ${name}`;
  if (!farm)
    return { gate, ok: false, text: `${name} has never answered, on any host`, next: `dflow submit --site ${name}` };
  const silent = between(farm.heartbeat, now);
  const ok = silent <= ports.settings.limits.stale && !isAhead(farm.heartbeat, now);
  return {
    gate,
    ok,
    text: `${name} answered ${farm.host} ${humanDuration(Math.max(0, silent))} ago`,
    since: farm.heartbeat,
    next,
  };
}

/** It answers; whether anybody asks it of its jobs is another matter. */
function heard({ settings }: ReadPorts, farm: FarmDoc | undefined, text: string, now: Iso): Gate {
  const gate = 'batch-system';
  if (!farm) {
    const next = `dflow submit --site ${settings.farm}`;
    return { gate, ok: false, text: `${text}, but no submit has used it yet`, next };
  }
  const silent = between(farm.heartbeat, now);
  if (silent <= settings.limits.stale && !isAhead(farm.heartbeat, now)) return { gate, ok: true, text };
  const since = farm.heartbeat;
  const said = silent < 0 ? `its heartbeat is dated ${since}` : `no heartbeat for ${humanDuration(silent)}`;
  return { gate, ok: false, text: `${text}, but ${said}`, since, next: `dflow monitor --site ${farm.site}` };
}

/** Somebody must run submit. Told of the newest run of any host, since none says for which farm it was. */
async function loopGates({ store, settings }: ReadPorts, name: string, now: Iso): Promise<Gate[]> {
  const loops = (await store.range<LoopDoc>(idsWith('loop:'))).filter((doc) => stepOf(doc) === 'submit');
  const alive = loops.filter((doc) => !isLoop(doc) || goesOn(loopState(doc, settings.hosts, now)));
  const last = (alive.length > 0 ? alive : loops).sort((a, b) => (a.at < b.at ? 1 : -1))[0];
  const gate = 'loop';
  const next = `dflow submit --site ${name}`;
  if (!last) return [{ gate, ok: false, text: 'submit has never run', next }];
  const { host, outcome, at } = last;
  const [trouble] = loopTroubles([last], settings.hosts, now);
  if (trouble) return [{ gate, ok: false, text: trouble.text, since: trouble.since, next }];
  if (isLoop(last) && alive.length === 0)
    return [{ gate, ok: false, text: `${last.loop} on ${host} is stopped`, since: at, next }];
  const silent = between(at, now);
  if (silent > 2 * settings.limits.stale && !isLoop(last))
    return [{ gate, ok: false, text: `submit has not run for ${humanDuration(silent)} (${host})`, since: at, next }];
  if (outcome === 'ok') return [];
  return [{ gate, ok: false, text: `submit on ${host} failed: ${outcome}`, since: at, next }];
}

async function slotGate(ports: ReadPorts, name: string): Promise<Gate> {
  const farm = farmSettings(ports, name);
  const used = await activeCount(ports, name);
  const room = farm.slots + farm.pending;
  const ready = await readyCount(ports);
  const text = `${used} of ${room} places at ${name} are taken, ${ready} ${ready === 1 ? 'subjob is' : 'subjobs are'} ready`;
  return { gate: 'slots', ok: used < room, text, next: `dflow monitor --site ${name}` };
}

/** Subjobs that the next submit may take. */
export async function readyCount({ store }: ReadPorts): Promise<number> {
  const shares = SHARES.map((share) => store.count(views.ready, 2, { prefix: [share, 'run'] }));
  return sum((await Promise.all(shares)).flat());
}

/** A farm that takes jobs, and jobs that are ready: nothing is missing but submit. */
async function submitNext(ports: ReadPorts, name: string): Promise<string[]> {
  return (await readyCount(ports)) > 0 ? [`dflow submit --site ${name}`] : [];
}

// A host: its loops and steps, its credentials, and the farms that it speaks to.
import type { FarmDoc, LoopDoc } from '../../../domain/farms/farm.ts';
import { planFor } from '../../../domain/farms/hostplan.ts';
import { isCovered, isLoop, loopState, loopTroubles, startOf, startPlanned } from '../../../domain/farms/loops.ts';
import type { Gate } from '../../../domain/jobs/readiness.ts';
import { idsWith } from '../../../store.ts';
import { humanAge, humanDuration, type Iso } from '../../../util/time.ts';
import type { ReadPorts } from '../../ports.ts';
import { silenceOf } from '../status/loopstatus.ts';
import { credentialGates } from './hostgates.ts';
import { gateVerdict } from './verdict.ts';
import { nextOf, type WhyReport } from './whyreport.ts';

/** Hosts that have been heard of, or that the configuration names. */
export async function knownHosts({ store, settings, host }: ReadPorts): Promise<Set<string>> {
  const docs = await store.range<LoopDoc>(idsWith('loop:'));
  const named = settings.hosts.map(({ pattern }) => pattern).filter((pattern) => !/[*?]/.test(pattern));
  return new Set([host, ...named, ...docs.map((doc) => doc.host)]);
}

export async function whyHost(ports: ReadPorts, host: string): Promise<WhyReport> {
  const { store, settings } = ports;
  const now = await store.now();
  const docs = (await store.range<LoopDoc>(idsWith('loop:'))).filter((doc) => doc.host === host);
  const farms = (await store.range<FarmDoc>(idsWith('farm:'))).filter((farm) => farm.host === host);
  const gates = [
    ...docs.map((doc) => loopGate(ports, doc, docs, now)),
    ...neverStarted(ports, host, docs),
    ...(await credentialGates(ports, host)),
    ...farms.map((farm) => farmGate(ports, farm, now)),
  ];
  const wrong = gates.filter(({ ok }) => !ok).length;
  const about = settings.hosts.length === 0 ? '' : 'host';
  return {
    ref: host,
    about,
    state: wrong === 0 ? 'ok' : 'failing',
    verdict: gateVerdict(gates, 'everything runs'),
    gates,
    next: nextOf(gates),
  };
}

function loopGate({ settings }: ReadPorts, doc: LoopDoc, docs: readonly LoopDoc[], now: Iso): Gate {
  const ago = (at: Iso): string => humanAge(at, now);
  const { loop, at, outcome, next } = doc;
  if (!isLoop(doc)) {
    const ok = outcome === 'ok' || isCovered(doc, docs);
    const text = `${loop} ran ${ago(at)} ago: ${outcome}`;
    return { gate: 'step', ok, text, since: at, next: next ?? `dflow ${loop}` };
  }
  const [trouble] = loopTroubles([doc], settings.hosts, now);
  const { plan } = doc;
  if (trouble) return { gate: 'loop', ok: false, text: trouble.text, since: plan.at, next: trouble.next };
  const state = loopState(doc, settings.hosts, now);
  if (state === 'off') return { gate: 'loop', ok: true, text: `${loop} is switched off in ${settings.file}` };
  if (plan.stopped !== undefined) {
    const start = startOf(doc, settings.hosts);
    return { gate: 'loop', ok: true, text: `${loop} was stopped ${ago(plan.stopped)} ago; ${start} starts it` };
  }
  const began = plan.began === undefined ? '' : `; a round is under way for ${ago(plan.began)}`;
  const text = `${loop}: last sign of life ${ago(plan.at)} ago, every ${humanDuration(plan.every)} (process ${plan.pid})`;
  return { gate: 'loop', ok: true, text: `${text}${began}`, since: plan.at };
}

/** Loops that the configuration plans for the host, and of which nothing was ever heard. */
function neverStarted({ settings }: ReadPorts, host: string, docs: readonly LoopDoc[]): Gate[] {
  const plan = planFor(settings.hosts, host)?.loops ?? [];
  const heard = new Set(docs.map(({ loop }) => loop));
  return plan
    .filter(({ name, on }) => on && !heard.has(name))
    .map(({ name }) => {
      const next = `on ${host}: ${startPlanned(name)}`;
      return { gate: 'loop', ok: false, text: `${name} is planned on ${host} and has never run`, next };
    });
}

function farmGate({ settings }: ReadPorts, farm: FarmDoc, now: Iso): Gate {
  const silent = silenceOf(settings, farm, now);
  const base = { gate: 'farm', since: farm.heartbeat };
  if (silent) return { ...base, ok: false, text: `${farm.site}: ${silent.text}`, next: silent.next };
  return { ...base, ok: true, text: `${farm.site} answered ${humanAge(farm.heartbeat, now)} ago` };
}

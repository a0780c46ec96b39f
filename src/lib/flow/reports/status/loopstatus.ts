// Loops, leases and farms: who should be at it, and is not. A step that failed once is said; one that is silent is said
// as long as its host may still come back.
import type { FarmDoc, LoopDoc } from '../../../domain/farms/farm.ts';
import { isCovered, STEADY, stepsOf } from '../../../domain/farms/loops.ts';
import type { Settings } from '../../../domain/settings.ts';
import { between, DAY, humanAge, humanDuration, type Iso, isAhead } from '../../../util/time.ts';
import { groupBy } from '../../../util/values/group.ts';
import type { ReadPorts } from '../../ports.ts';
import { many } from './counts.ts';
import { type Living, stoppedLoops, troubledLoops } from './loopattention.ts';
import type { Attention } from './page.ts';

/** A host of which nothing was heard for so long is taken as retired. */
const RETIRED = 30 * DAY;

/** Steps that do nothing for one host alone: whoever ran them last counts. */
const ANYWHERE: ReadonlySet<string> = new Set(['transfer', 'enqueue', 'tables', 'reset', 'verify']);

export function livingAttention(ports: ReadPorts, living: Living): Attention[] {
  return [
    ...farmAttention(ports, living),
    ...troubledLoops(ports, living),
    ...stoppedLoops(ports, living),
    ...failedSteps(living),
    ...silentSteps(ports, living),
    ...neverRun(living),
    ...leaseAttention(ports, living),
  ];
}

function farmAttention({ settings }: ReadPorts, { farms, activeAt, work, at }: Living): Attention[] {
  const seen = new Map(farms.map((farm) => [farm.site, farm]));
  const names = new Set([...settings.farms.map(({ name }) => name), ...seen.keys()]);
  return [...names].flatMap((name): Attention[] => {
    const farm = seen.get(name);
    const active = activeAt(name);
    const waits = work.ready + work.routed;
    if (!farm) {
      if (waits === 0) return [];
      const text = `${name} has never answered; ${many(waits, 'subjob is', 'subjobs are')} to be submitted`;
      return [{ way: 'farm-never', text, next: `dflow submit --site ${name}` }];
    }
    const silent = silenceOf(settings, farm, at);
    if (!silent) return [];
    const idle = active === 0 && (waits === 0 || !isConfigured(settings, name));
    if (silent.way === 'farm-silent' && idle) return [];
    const locked = active > 0 ? `; ${many(active, 'job is', 'jobs are')} locked to it` : '';
    return [{ ...silent, text: `${name}: ${silent.text}${silent.way === 'clock' ? '' : locked}` }];
  });
}

const isConfigured = ({ farms }: Settings, name: string): boolean => farms.some((one) => one.name === name);

/** What is wrong with a farm's sign of life, and what to type; `undefined`: nothing. */
export function silenceOf(settings: Settings, { site, host, heartbeat }: FarmDoc, at: Iso): Attention | undefined {
  const known = isConfigured(settings, site);
  const next = known
    ? `dflow monitor --site ${site}`
    : `put ${site} back into \`farms\` of dflow.yaml, or: dflow farm unlock ${site} --why TEXT`;
  if (isAhead(heartbeat, at)) {
    const text = `its heartbeat is dated ${heartbeat}, in the future; the clock of ${host} was wrong`;
    return { way: 'clock', text, next };
  }
  const silent = between(heartbeat, at);
  if (silent <= settings.limits.stale) return undefined;
  const where = known ? '' : ', which is not in the configuration of this host';
  return { way: 'farm-silent', text: `no heartbeat for ${humanDuration(silent)}${where}`, next };
}

/** The sign of life that counts for a step: of those that any host may run, the newest. */
function counted(loops: readonly LoopDoc[]): LoopDoc[] {
  return loops.filter(
    (loop) =>
      !isCovered(loop, loops) &&
      (!ANYWHERE.has(loop.loop) ||
        loops.every((other) => other.loop !== loop.loop || other.host === loop.host || other.at <= loop.at)),
  );
}

function failedSteps({ loops, at }: Living): Attention[] {
  const failed = counted(loops).filter(({ outcome, at: last }) => outcome !== 'ok' && between(last, at) < RETIRED);
  return failed.map(({ host, loop, outcome, next, at: last }) => {
    const ago = humanAge(last, at);
    return { way: 'loop-failed', text: `${loop} on ${host} failed ${ago} ago: ${outcome}`, next: remedyOf(loop, next) };
  });
}

/** The command that the failure names, then the step again. */
function remedyOf(loop: string, next: string | undefined): string {
  const again = `dflow ${loop}`;
  return next === undefined || next === again ? again : `${next}; ${again}`;
}

function silentSteps({ settings }: ReadPorts, { loops, at }: Living): Attention[] {
  const steady = counted(loops).filter(({ loop }) => STEADY.has(loop));
  const isSilent = (loop: LoopDoc): boolean => {
    const silent = between(loop.at, at);
    return silent > 2 * settings.limits.stale && silent < RETIRED;
  };
  const found = steady.filter((loop) => isAhead(loop.at, at)).map(fromTheFuture);
  const silent = steady.filter((loop) => !isAhead(loop.at, at) && isSilent(loop));
  for (const [host, list] of groupBy(silent, (loop) => loop.host)) {
    const names = list.map(({ loop }) => loop).join(', ');
    const last =
      list
        .map((loop) => loop.at)
        .sort()
        .at(-1) ?? at;
    const text = `${host}: ${names} ${list.length === 1 ? 'has' : 'have'} not run for ${humanDuration(between(last, at))}`;
    const next = list.length === 1 ? `dflow ${names}` : 'dflow chain';
    found.push({ way: 'loop-silent', text, next });
  }
  return found;
}

function fromTheFuture({ host, loop, at }: LoopDoc): Attention {
  const text = `${loop} on ${host}: its last run is dated ${at}, in the future; the clock of ${host} was wrong`;
  return { way: 'clock', text, next: `dflow ${loop}` };
}

/** There is work for a step, and no host has ever run it. */
function neverRun({ loops, work }: Living): Attention[] {
  const ran = new Set(loops.flatMap((doc) => [doc.loop, ...stepsOf(doc)]));
  const never = (loop: string, count: number, text: string): Attention[] =>
    count === 0 || ran.has(loop)
      ? []
      : [{ way: 'loop-never', text: `${text}; ${loop} has never run`, next: `dflow ${loop}` }];
  return [
    ...never('transfer', work.missing, many(work.missing, 'copy is missing', 'copies are missing')),
    ...never('submit', work.ready, many(work.ready, 'subjob is ready', 'subjobs are ready')),
    ...never('monitor', work.active, many(work.active, 'subjob is submitted', 'subjobs are submitted')),
  ];
}

/** A lease keeps every other one away: its holder must be heard of. */
function leaseAttention({ settings }: ReadPorts, { leases, at }: Living): Attention[] {
  const { stale } = settings.limits;
  return leases.flatMap(({ _id, what, by, renewed }): Attention[] => {
    // Who is stopped in its turn is a loop that is silent.
    if (what === 'loop') return [];
    const site = _id.split(':').slice(2).join(':');
    const next = `dflow ${what} --site ${site}`;
    if (isAhead(renewed, at)) {
      const text = `${what} for ${site}: ${by} holds the lease until ${renewed}, in the future; its clock was wrong`;
      return [{ way: 'clock', text, next }];
    }
    const silent = between(renewed, at);
    if (silent <= stale / 2) return [];
    const text = `${what} for ${site}: ${by} holds the lease, last seen ${humanDuration(silent)} ago`;
    return [{ way: 'lease', text: `${text}; another ${what} takes over after ${humanDuration(stale)}`, next }];
  });
}

// Why passes are where they are: their gates at the farm that would take them, what submit meets there, their subjobs.

import type { DataDoc } from '../../../domain/data/data.ts';
import type { FarmDoc } from '../../../domain/farms/farm.ts';
import { hasVersion, routeOf } from '../../../domain/farms/routing.ts';
import { dataId, farmId, refOf } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import { type Gate, type JobFacts, jobGates, runGates } from '../../../domain/jobs/readiness.ts';
import { ENDED } from '../../../domain/jobs/states.ts';
import type { FarmSettings } from '../../../domain/settings.ts';
import { between, type Iso } from '../../../util/time.ts';
import { have } from '../../../util/values/have.ts';
import { farmSettings } from '../../farms/farm.ts';
import { jobFacts, runFacts } from '../../jobs/facts.ts';
import type { ReadPorts } from '../../ports.ts';
import { silenceOf } from '../status/loopstatus.ts';
import { subjobGates } from './subjobs.ts';
import { passVerdict, type Root } from './verdict.ts';
import { submitGates } from './whyfarm.ts';
import { conflictGates, nextOf, type WhyReport } from './whyreport.ts';

/** Why passes are where they are. */
export async function whyJobs(ports: ReadPorts, jobs: readonly JobDoc[]): Promise<WhyReport[]> {
  const factsOf = await jobFacts(ports, jobs);
  const numbers = [...new Set(jobs.map((job) => job.run))];
  const runs = await runFacts(ports, numbers, ports.settings.automatic.level, undefined);
  const reports: WhyReport[] = [];
  for (const job of jobs) {
    const free = ports.settings.modules[job.version]?.modules[job.module]?.needsTables === false;
    const complete = runGates(have(runs, job.run)).filter(
      ({ gate }) => gate === 'complete' || (gate === 'tables' && !free),
    );
    const root = await rootOf(ports, job);
    const gates = [...complete, ...(await passGates(ports, job, factsOf)), ...rootGates(job, root)];
    reports.push(reportOf(ports, job, gates, { root, data: factsOf(job, farmSettings(ports)).data }));
  }
  return reports;
}

/** The last pass on the way of prerequisites that are not done; none where all are. */
async function rootOf({ store }: ReadPorts, job: JobDoc): Promise<Root | undefined> {
  const seen = new Set<string>();
  let at = job;
  while (at.state === 'waiting' && !seen.has(at._id)) {
    seen.add(at._id);
    const docs = await store.get<JobDoc>(at.needs.map((need) => need.job));
    const next = at.needs.flatMap((need) => docs.get(need.job) ?? []).find(({ state }) => state !== 'completed');
    if (!next) break;
    at = next;
  }
  if (at === job) return undefined;
  const id = dataId(at.level, at.run);
  return { job: at, data: (await store.get<DataDoc>([id])).get(id) };
}

/** What a prerequisite waits for itself: the direct one is a gate of its own. */
function rootGates(job: JobDoc, root: Root | undefined): Gate[] {
  if (!root || job.needs.some((need) => need.job === root.job._id)) return [];
  const { run, module, pass, state, since } = root.job;
  const ref = refOf(run, module, pass);
  const ended = ENDED.has(state);
  return [
    {
      ...{ gate: 'root', ok: false, text: `everything before it waits for ${ref}, which is ${state}`, since },
      next: ended ? `dflow retry ${ref}` : `dflow why ${ref}`,
    },
  ];
}

async function passGates(
  ports: ReadPorts,
  job: JobDoc,
  factsOf: (job: JobDoc, farm: FarmSettings) => JobFacts,
): Promise<Gate[]> {
  const own = jobGates(factsOf(job, farmSettings(ports)));
  const now = await ports.store.now();
  const { submitting } = ports.settings.limits;
  return [
    ...own,
    ...conflictGates([job]),
    ...(await readyGates(ports, job, own)),
    ...subjobGates(job, (since) => between(since, now) > 2 * submitting),
    ...outputGates(job),
    ...(await siteGates(ports, job, now)),
  ];
}

/** Farms that have its subjobs, and of which nobody hears. */
async function siteGates({ store, settings }: ReadPorts, { subjobs }: JobDoc, now: Iso): Promise<Gate[]> {
  const active = subjobs.flatMap(({ state }) =>
    state.name === 'submitted' || state.name === 'running' ? farmId(state.lock.site) : [],
  );
  const farms = await store.get<FarmDoc>([...new Set(active)]);
  return [...farms.values()].flatMap((farm) => {
    const silent = silenceOf(settings, farm, now);
    if (!silent) return [];
    const text = `${farm.site}, which has it: ${silent.text}`;
    return [{ gate: 'farm', ok: false, text, since: farm.heartbeat, next: silent.next }];
  });
}

interface Behind {
  readonly root: Root | undefined;
  readonly data: DataDoc | undefined;
}

function reportOf(ports: ReadPorts, job: JobDoc, gates: readonly Gate[], { root, data }: Behind): WhyReport {
  const ended = job.state === 'completed' || job.state === 'canceled' || job.state === 'deleted';
  const relevant = ended ? gates.filter((gate) => gate.ok || /^(subjob|output|conflict)/.test(gate.gate)) : gates;
  const about = [job.version, job.request ?? 'automatic', job.tag === undefined ? '' : `tag ${job.tag}`]
    .filter((part) => part !== '')
    .join('  ');
  return {
    ref: refOf(job.run, job.module, job.pass),
    about,
    // A waiting pass whose prerequisite has ended does not wait.
    state: job.state === 'waiting' && root && ENDED.has(root.job.state) ? 'unsatisfied' : job.state,
    verdict: passVerdict(job, relevant, root, data),
    since: job.since,
    gates: driftGates(ports, job, relevant),
    next: nextOf(relevant),
  };
}

/** The farm that a pass would go to: this host's, if it may; else the first one that may. */
function takerOf(ports: ReadPorts, job: JobDoc): FarmSettings | undefined {
  const { settings } = ports;
  const route = routeOf(settings.routing, job);
  const may = settings.farms.filter(
    (farm) => route?.farms.includes(farm.name) !== false && hasVersion(farm, job.version),
  );
  return may.find(({ name }) => name === settings.farm) ?? may[0];
}

/** A pass made with another configuration than the one in force: said, never a gate. */
function driftGates(ports: ReadPorts, job: JobDoc, gates: readonly Gate[]): readonly Gate[] {
  if (job.hash === ports.settings.hash) return gates;
  return [...gates, { gate: 'config', ok: true, text: 'made with an earlier state of the configuration' }];
}

/** What a waiting pass of which every gate is met still waits for: what submit meets, or a wake that was missed. */
async function readyGates(ports: ReadPorts, job: JobDoc, own: readonly Gate[]): Promise<Gate[]> {
  const waiting = job.subjobs.flatMap(({ state }) => (state.name === 'waiting' ? state.wake : []));
  const taker = takerOf(ports, job);
  // Another farm's host takes it where this one may not.
  const unmet = own.filter(({ ok, gate }) => !ok && gate !== 'routing' && gate !== 'version');
  if (waiting.length === 0 || unmet.length > 0 || !taker) return [];
  const farm = taker.name;
  const gates = await submitGates(ports, farm);
  const asleep = waiting.find((wake) => wake.kind === 'on');
  if (gates.some(({ ok }) => !ok)) return gates;
  if (asleep && waiting.every((wake) => wake.kind === 'on')) {
    const text = `waited for ${asleep.id}, which has changed since; the next submit looks again`;
    return [...gates, { gate: 'wake', ok: false, text, next: `dflow submit --site ${farm}` }];
  }
  return gates.map((gate) => (gate.gate === 'slots' ? { ...gate, text: `${gate.text}; ${turn(gate)}` } : gate));
}

/** Whether the next submit takes it depends on who else is ready. */
function turn({ text }: Gate): string {
  const [used = 0, room = 0, ready = 0] = (text.match(/\d+/g) ?? []).map(Number);
  return ready <= room - used ? 'the next submit takes it' : 'its turn comes in the order of the queue';
}

/** Outputs that a rule wants elsewhere, and whose copy failed; deleted ones whose bytes are left. */
function outputGates(job: JobDoc): Gate[] {
  const left = Object.entries(job.undeleted ?? {}).map(([site, receipt]): Gate => {
    const text = `bytes of deleted outputs are left at ${site} (receipt ${receipt})`;
    return {
      gate: 'output',
      ok: false,
      text,
      next: `dflow delete --state deleted ${refOf(job.run, job.module, job.pass)}`,
    };
  });
  const copies = Object.entries(job.copies ?? {}).flatMap(([to, claim]): Gate[] => {
    if (!('why' in claim)) return [];
    const text = `the copy of its outputs to ${to} failed: ${claim.why}, next try ${claim.retryAt}`;
    return [{ gate: 'output', ok: false, text, next: `dflow transfer --to ${to}` }];
  });
  return [...left, ...copies];
}

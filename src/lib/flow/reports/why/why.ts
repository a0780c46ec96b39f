// why: the gates of a run or a pass, each met or not, with evidence, since when, and the command that clears it. It asks
// the same pure readiness that enqueue and submit act on, on documents read now; it never writes.
import { refOf, runPad } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import { type Gate, jobGates, runGates } from '../../../domain/jobs/readiness.ts';
import { type FirstPassDoc, firstPassId } from '../../../domain/runs/firstpass.ts';
import type { QuarantineDoc } from '../../../domain/runs/run.ts';
import type { JobRef } from '../../../domain/selection.ts';
import { idsWith } from '../../../store.ts';
import { UsageError } from '../../../util/errors.ts';
import { suggestion } from '../../../util/near.ts';
import { activeCount, farmSettings } from '../../farms/farm.ts';
import { jobFacts, runFacts } from '../../jobs/facts.ts';
import type { Ports } from '../../ports.ts';
import { askedGates } from './asked.ts';
import { subjobGates } from './subjobs.ts';
import { fileGates } from './whyfiles.ts';

/** The answer about one run or one pass. */
export interface WhyReport {
  readonly ref: string;
  /** `7.0.8  tl-july` and the like: what is known of it besides its state. */
  readonly about: string;
  readonly state: string;
  readonly since?: string;
  readonly gates: readonly Gate[];
  /** What to type next, the most useful first; empty when nothing is wrong. */
  readonly next: readonly string[];
}

/** Explains what a REF names: a pass, the last pass of a module, or a run with all its last passes. */
export async function why(ports: Ports, ref: JobRef): Promise<WhyReport[]> {
  if (ref.run === undefined)
    throw new UsageError(`why explains runs and passes, not ${ref.text}`, { hint: `dflow show ${ref.text}` });
  const passes = await ports.store.range<JobDoc>(idsWith(`job:${runPad(ref.run)}:`));
  if (ref.module !== undefined) return whyModule(ports, ref, ref.module, passes);
  const last = new Map(passes.map((job) => [job.module, job]));
  return [await whyRun(ports, ref.run, passes), ...(await whyJobs(ports, [...last.values()]))];
}

async function whyModule(ports: Ports, ref: JobRef, module: string, passes: readonly JobDoc[]): Promise<WhyReport[]> {
  const run = ref.run!;
  const of = passes.filter((job) => job.module === module && (ref.pass === undefined || job.pass === ref.pass));
  const job = of.at(-1);
  if (job) return whyJobs(ports, [job]);
  const versions = Object.values(ports.settings.modules);
  const known = new Set(versions.flatMap((file) => Object.keys(file.modules)));
  if (!known.has(module)) throw new UsageError(`no module ${module}`, { hint: suggestion(module, known) });
  if (ref.pass !== undefined)
    throw new UsageError(`no pass ${ref.pass} of ${refOf(run, module)}`, { hint: `dflow list jobs --run ${run}` });
  const report = await whyRun(ports, run, passes, module);
  return [{ ...report, ref: refOf(run, module), state: 'no pass' }];
}

/** Why a run has, or has not, its automatic passes; of a module that has none, also whether it is asked for. */
async function whyRun(ports: Ports, run: number, passes: readonly JobDoc[], module?: string): Promise<WhyReport> {
  const { automatic } = ports.settings;
  const facts = (await runFacts(ports, [run], automatic.level, automatic.version)).get(run)!;
  const gates = [
    ...runGates(facts),
    ...(module === undefined ? [] : askedGates(facts, module, ports.settings.modules)),
    ...(await firstPassGates(ports, run)),
    ...(await quarantineGates(ports, run)),
    ...(await fileGates(ports, run)),
    ...automaticGates(ports, run, facts.doc?.automatic, passes),
  ];
  const level = facts.doc?.levels[automatic.level];
  const state = facts.doc ? (level?.complete ? 'complete' : 'open') : 'unknown';
  return {
    ref: refOf(run),
    about: facts.types.join('+'),
    state,
    ...(level ? { since: level.complete?.at ?? level.lastFile } : {}),
    gates: lateGates(level?.late, gates, run),
    next: nextOf(gates),
  };
}

function lateGates(late: readonly string[] | undefined, gates: readonly Gate[], run: number): readonly Gate[] {
  if (!late || late.length === 0) return gates;
  const text = `${late.join(', ')} came after the run was complete; its passes do not have it`;
  return [...gates, { gate: 'late', ok: false, text, next: `dflow reprocess --run ${run}` }];
}

/** What the configured command of the first pass said, when it failed. */
async function firstPassGates(ports: Ports, run: number): Promise<Gate[]> {
  const id = firstPassId(run);
  const doc = (await ports.store.get<FirstPassDoc>([id])).get(id);
  if (!doc) return [];
  const text = doc.state === 'running' ? 'the first pass is under way' : `the first pass failed: ${doc.why ?? ''}`;
  return [{ gate: 'first-pass', ok: false, text: `${text}, next try ${doc.until}`, next: 'dflow tables' }];
}

async function quarantineGates(ports: Ports, run: number): Promise<Gate[]> {
  const docs = await ports.store.range<QuarantineDoc>(idsWith('quarantine:'));
  return docs
    .filter((doc) => doc.run === run)
    .map((doc) => ({
      gate: 'quarantine',
      ok: false,
      text: `${doc.name}: ${doc.reason}, ${doc.detail}`,
      since: doc.at,
      next: 'dflow list quarantine',
    }));
}

function automaticGates(
  ports: Ports,
  run: number,
  done: Readonly<Record<string, { at: string; modules: readonly string[] }>> | undefined,
  passes: readonly JobDoc[],
): Gate[] {
  const { version, from } = ports.settings.automatic;
  if (version === undefined)
    return [{ gate: 'automatic', ok: false, text: 'no automatic.version is configured', next: 'dflow reprocess' }];
  if (run < from)
    return [
      {
        gate: 'automatic',
        ok: false,
        text: `runs below ${from} are not processed automatically`,
        next: 'dflow reprocess',
      },
    ];
  const made = done?.[version];
  if (made)
    return [
      {
        gate: 'automatic',
        ok: true,
        text: made.modules.length === 0 ? `nothing asked in ${version}` : `passes made: ${made.modules.join(', ')}`,
        since: made.at,
      },
    ];
  const count = passes.length > 0 ? `${passes.length} requested passes, no automatic one yet` : 'no pass made yet';
  return [{ gate: 'automatic', ok: false, text: count, next: 'dflow enqueue' }];
}

/** Why passes are where they are. */
async function whyJobs(ports: Ports, jobs: readonly JobDoc[]): Promise<WhyReport[]> {
  const factsOf = await jobFacts(ports, jobs);
  const runs = await runFacts(
    ports,
    [...new Set(jobs.map((job) => job.run))],
    ports.settings.automatic.level,
    undefined,
  );
  const reports: WhyReport[] = [];
  for (const job of jobs) {
    const complete = runGates(runs.get(job.run)!).filter((gate) => gate.gate === 'complete' || gate.gate === 'tables');
    const gates = [
      ...complete,
      ...jobGates(factsOf(job, farmSettings(ports))),
      ...(await slotGates(ports, job)),
      ...subjobGates(job),
    ];
    const relevant =
      job.state === 'completed' || job.state === 'canceled'
        ? gates.filter((gate) => gate.ok || gate.gate.startsWith('subjob'))
        : gates;
    const about = [job.version, job.request ?? 'automatic', job.tag === undefined ? '' : `tag ${job.tag}`]
      .filter((part) => part !== '')
      .join('  ');
    reports.push({
      ref: refOf(job.run, job.module, job.pass),
      about,
      state: job.state,
      since: job.since,
      gates: driftGates(ports, job, relevant),
      next: nextOf(relevant),
    });
  }
  return reports;
}

/** A pass made with another configuration than the one in force: said, never a gate. */
function driftGates(ports: Ports, job: JobDoc, gates: readonly Gate[]): readonly Gate[] {
  if (job.hash === ports.settings.hash) return gates;
  return [...gates, { gate: 'config', ok: true, text: 'made with an earlier state of the configuration' }];
}

/** Slots matter only to what is ready: everything else waits for something that can be named. */
async function slotGates(ports: Ports, job: JobDoc): Promise<Gate[]> {
  const ready = job.subjobs.some(({ state }) => state.name === 'waiting' && state.wake.kind === 'ready');
  if (!ready) return [];
  const farm = farmSettings(ports);
  const used = await activeCount(ports, farm.name);
  const room = farm.slots + farm.pending;
  if (used >= room)
    return [
      { gate: 'slots', ok: false, text: `${used} of ${room} places at ${farm.name} are taken`, next: `dflow monitor` },
    ];
  return [
    { gate: 'slots', ok: true, text: `${used} of ${room} places at ${farm.name} are taken; the next submit takes it` },
  ];
}

/** The commands of the unmet gates, each once. */
function nextOf(gates: readonly Gate[]): string[] {
  return [...new Set(gates.flatMap((gate) => (gate.ok || !gate.next ? [] : [gate.next])))];
}

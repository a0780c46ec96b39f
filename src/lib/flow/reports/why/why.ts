// why: the gates of a run or a pass, each met or not, with evidence, since when, and the command that clears it. It asks
// the same pure readiness that enqueue and submit act on, on documents read now; it never writes.

import { firstPassJobs } from '../../../domain/firstpass/firstpass.ts';
import { firstPassGate, otherFirstPassGates } from '../../../domain/firstpass/firstpassgates.ts';
import { jobPrefix, refOf, runId } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import {
  archivedGate,
  firstUnmet,
  type Gate,
  type RunFacts,
  requestOf,
  runGates,
} from '../../../domain/jobs/readiness.ts';
import type { ModuleFile } from '../../../domain/modules/modules.ts';
import { named } from '../../../domain/named.ts';
import { type ArchivedDoc, archivedText } from '../../../domain/runs/archived.ts';
import { remedy } from '../../../domain/runs/remedy.ts';
import type { QuarantineDoc } from '../../../domain/runs/run.ts';
import { isAutomatic } from '../../../domain/runs/run.ts';
import type { JobRef } from '../../../domain/selection.ts';
import { idsWith } from '../../../store.ts';
import { UsageError } from '../../../util/errors.ts';
import { given } from '../../../util/values/given.ts';
import { have, nth } from '../../../util/values/have.ts';
import { archivedOf } from '../../jobs/archived/archived.ts';
import { runFacts, runTypes } from '../../jobs/facts.ts';
import { firstPassNamed, type NamedJob } from '../../jobs/firstpass/firstpassdocs.ts';
import { noticeGates } from '../../jobs/notices.ts';
import type { ReadPorts } from '../../ports.ts';
import { catalogueGates } from '../catalogue/behind.ts';
import { documentsOf } from '../records.ts';
import { askedGates, unaskedGates } from './asked.ts';
import { fileGates } from './whyfiles.ts';
import { whyJobs } from './whyjobs.ts';
import { conflictGates, nextOf, type WhyReport } from './whyreport.ts';
import { whyThing } from './whythings.ts';

/** Explains what a REF names: a pass, the last pass of a module, or a run with all its last passes. */
export async function why(ports: ReadPorts, ref: JobRef): Promise<WhyReport[]> {
  if (ref.run === undefined) return whyDocument(ports, ref);
  const passes = await ports.store.range<JobDoc>(idsWith(jobPrefix(ref.run)));
  const archived = (await archivedOf(ports.store, [ref.run])).get(ref.run);
  if (archived) return [whyArchived(ports, archived, ref)];
  if (ref.module !== undefined) return whyModule(ports, ref.run, ref, ref.module, passes);
  const last = new Map(passes.map((job) => [job.module, job]));
  const jobs = await whyJobs(ports, [...last.values()]);
  const run = await whyRun(ports, ref.run, passes);
  const stuck = jobs.find(({ state }) => BROKEN.has(state));
  const verdict = stuck ? `${run.verdict}; ${stuck.ref}: ${stuck.verdict}` : run.verdict;
  return [{ ...run, verdict }, ...jobs];
}

/** States of passes that a run's own verdict names. */
const BROKEN: ReadonlySet<string> = new Set(['failed', 'partFail', 'held']);

async function whyDocument(ports: ReadPorts, ref: JobRef): Promise<WhyReport[]> {
  const report = await whyThing(ports, nth(await documentsOf(ports, ref), 0));
  if (report) return [report];
  throw new UsageError(`why explains runs, passes, requests, holds and quarantine entries, not ${ref.text}`, {
    hint: `dflow show ${ref.text}`,
  });
}

/** Nothing else is known of it here. */
function whyArchived(ports: ReadPorts, doc: ArchivedDoc, ref: JobRef): WhyReport {
  const { run, at, passes, mask } = doc;
  const gates = [archivedGate(doc)];
  const of = passes.filter(({ module, pass }) => module === ref.module && (ref.pass ?? pass) === pass).at(-1);
  const name = ref.module === undefined ? refOf(run) : refOf(run, ref.module, of?.pass ?? ref.pass);
  const state = ref.module === undefined ? 'archived' : (of?.state ?? 'no pass');
  const about = runTypes(ports, mask).join('+');
  const verdict = `${archivedText(doc)}; nothing is done with it until it is back`;
  return { ref: name, about, state, verdict, since: at, gates, next: nextOf(gates) };
}

async function whyModule(
  ports: ReadPorts,
  run: number,
  ref: JobRef,
  module: string,
  passes: readonly JobDoc[],
): Promise<WhyReport[]> {
  const first = firstPassNamed(ports, ref);
  if (first) return [await whyFirstPass(ports, first)];
  const of = passes.filter((job) => job.module === module && (ref.pass === undefined || job.pass === ref.pass));
  const job = of.at(-1);
  if (job) return whyJobs(ports, [job]);
  const versions = Object.values(ports.settings.modules);
  const known = new Set(versions.flatMap((file) => Object.keys(file.modules)));
  named('module', module, known);
  if (ref.pass !== undefined)
    throw new UsageError(`no pass ${ref.pass} of ${refOf(run, module)}`, { hint: `dflow list jobs --run ${run}` });
  const report = await whyRun(ports, run, passes, module);
  return [{ ...report, ref: refOf(run, module), state: 'no pass' }];
}

/** Why a job of the first pass is not completed. */
async function whyFirstPass(ports: ReadPorts, { run, job }: NamedJob): Promise<WhyReport> {
  const { level, version } = ports.settings.automatic;
  const facts = have(await runFacts(ports, [run], level, version), run);
  const one = facts.firstPass?.find(({ job: { name } }) => name === job);
  const complete = runGates(facts).filter(({ gate }) => gate === 'complete');
  const gates = [...complete, ...(one ? [firstPassGate(run, one)] : [notAskedGate(ports, facts, job)])];
  const unmet = firstUnmet(gates);
  const verdict = unmet ? unmet.text : 'done';
  const about = ['first pass', facts.types.join('+')].join('  ').trimEnd();
  const state = one?.state ?? 'not asked';
  return {
    ref: refOf(run, job),
    about,
    state,
    verdict,
    ...given({ since: one?.doc?.since }),
    gates,
    next: nextOf(gates),
  };
}

/** Why a run, of which more may not be known, has no such job. */
function notAskedGate({ settings, ratdb }: ReadPorts, { types, doc, tablesAway, run }: RunFacts, name: string): Gate {
  const gate = { gate: 'first-pass', ok: false, on: runId(run) } as const;
  if (tablesAway) return { ...gate, ...tablesAway };
  const job = firstPassJobs(settings.tables).find((one) => one.name === name);
  const asking = job?.when?.join(', ');
  if (asking !== undefined && !job?.when?.some((type) => types.includes(type))) {
    const next = ratdb ? 'dflow doctor --only ratdb' : 'dflow tables load FILE';
    if (doc?.mask === undefined) return { ...gate, text: `the run type is not known; ${asking} needs the job`, next };
    return { ...gate, ok: true, text: `${types.join('+') || 'unknown type'} does not need the job; ${asking} does` };
  }
  return { ...gate, ok: true, text: 'the run was processed before it had this job' };
}

/** Why a run has, or has not, its automatic passes; of a module that has none, also whether it is asked for. */
async function whyRun(ports: ReadPorts, run: number, passes: readonly JobDoc[], module?: string): Promise<WhyReport> {
  const { automatic } = ports.settings;
  const facts = have(await runFacts(ports, [run], automatic.level, automatic.version), run);
  const ready = runGates(facts);
  const gates = [
    ...ready,
    ...(module === undefined ? [] : askedGates(facts, module, ports.settings.modules)),
    ...unaskedGates(facts, passes),
    ...otherFirstPassGates(facts),
    ...(await quarantineGates(ports, run)),
    ...(await fileGates(ports, run)),
    ...(await catalogueGates(ports, run)),
    ...(await noticeGates(ports, run)),
    ...conflictGates([facts.doc, facts.data, ...passes]),
    ...automaticGates(ports, run, facts.doc?.automatic, passes, firstUnmet(ready)),
  ];
  const level = facts.doc?.levels[automatic.level];
  const state = facts.doc ? (level?.complete ? 'complete' : 'open') : 'unknown';
  return {
    ref: refOf(run),
    about: facts.types.join('+'),
    state,
    verdict: runVerdict(gates, passes),
    ...(level ? { since: level.complete?.at ?? level.lastFile } : {}),
    gates: lateGates(level?.late, gates, run, facts.modules),
    next: nextOf(gates),
  };
}

/** A run whose passes are made goes on by itself, whatever else is to be looked at. */
function runVerdict(gates: readonly Gate[], passes: readonly JobDoc[]): string {
  const unmet = firstUnmet(gates);
  const done = passes.filter(({ state }) => state === 'completed').length;
  const made = `${done} of ${passes.length} ${passes.length === 1 ? 'pass' : 'passes'} done`;
  if (!unmet) return passes.length === 0 ? 'nothing is wrong; no pass is made yet' : made;
  return passes.length === 0 ? `is not processed: ${unmet.text}` : `${made}; ${unmet.text}`;
}

function lateGates(
  late: readonly string[] | undefined,
  gates: readonly Gate[],
  run: number,
  modules: ModuleFile | undefined,
): readonly Gate[] {
  if (!late || late.length === 0) return gates;
  const text = `${late.join(', ')} came after the run was complete; the passes of the run lack it`;
  return [...gates, { gate: 'late', ok: false, text, next: requestOf(run, modules, []) }];
}

async function quarantineGates(ports: ReadPorts, run: number): Promise<Gate[]> {
  const docs = await ports.store.range<QuarantineDoc>(idsWith('quarantine:'));
  return docs
    .filter((doc) => doc.run === run)
    .map((doc) => ({
      gate: 'quarantine',
      ok: false,
      text: `${doc.name}: ${doc.reason}, ${doc.detail}`,
      since: doc.at,
      next: remedy(doc),
    }));
}

function noVersion({ settings }: ReadPorts): string {
  const versions = Object.keys(settings.modules);
  if (versions.length === 0) return 'no module file defines a module yet';
  return `no automatic.version is configured (there are ${versions.join(', ')})`;
}

function automaticGates(
  ports: ReadPorts,
  run: number,
  done: Readonly<Record<string, { at: string; modules: readonly string[] }>> | undefined,
  passes: readonly JobDoc[],
  first: Gate | undefined,
): Gate[] {
  const { automatic, file, folder, modules } = ports.settings;
  const { version, from, until } = automatic;
  if (version === undefined) {
    const none = Object.keys(modules).length === 0;
    const next = none
      ? `write ${folder}/modules/1.0.yaml, then: dflow module check`
      : `set automatic.version in ${file}`;
    return [{ gate: 'automatic', ok: false, text: noVersion(ports), next }];
  }
  if (!isAutomatic(automatic, run))
    return [
      {
        gate: 'automatic',
        ok: false,
        text: `runs ${run < from ? `below ${from}` : `above ${until}`} are not processed automatically`,
        next: requestOf(run, ports.settings.modules[version], []),
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
  if (first) return [];
  const count = passes.length > 0 ? `${passes.length} requested passes, no automatic one yet` : 'no pass made yet';
  return [{ gate: 'automatic', ok: false, text: count, next: 'dflow enqueue' }];
}

// why: the gates of a run or a pass, each met or not, with evidence, since when, and the command that clears it. It asks
// the same pure readiness that enqueue and submit act on, on documents read now; it never writes.

import { jobPrefix, refOf } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import { archivedGate, firstUnmet, type Gate, requestOf, runGates } from '../../../domain/jobs/readiness.ts';
import type { ModuleFile } from '../../../domain/modules/modules.ts';
import { named } from '../../../domain/named.ts';
import { type ArchivedDoc, archivedText } from '../../../domain/runs/archived.ts';
import { type FirstPassDoc, firstPassId } from '../../../domain/runs/firstpass.ts';
import { remedy } from '../../../domain/runs/remedy.ts';
import type { QuarantineDoc } from '../../../domain/runs/run.ts';
import type { JobRef } from '../../../domain/selection.ts';
import { idsWith } from '../../../store.ts';
import { UsageError } from '../../../util/errors.ts';
import { have, nth } from '../../../util/values/have.ts';
import { archivedOf } from '../../jobs/archived/archived.ts';
import { runFacts, runTypes } from '../../jobs/facts.ts';
import { noticeGates } from '../../jobs/notices.ts';
import type { ReadPorts } from '../../ports.ts';
import { catalogueGates } from '../catalogue/behind.ts';
import { documentsOf } from '../records.ts';
import { askedGates } from './asked.ts';
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

/** Why a run has, or has not, its automatic passes; of a module that has none, also whether it is asked for. */
async function whyRun(ports: ReadPorts, run: number, passes: readonly JobDoc[], module?: string): Promise<WhyReport> {
  const { automatic } = ports.settings;
  const facts = have(await runFacts(ports, [run], automatic.level, automatic.version), run);
  const ready = runGates(facts);
  const gates = [
    ...ready,
    ...(module === undefined ? [] : askedGates(facts, module, ports.settings.modules)),
    ...(await firstPassGates(ports, run)),
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

/** What the configured command of the first pass said, when it failed. */
async function firstPassGates(ports: ReadPorts, run: number): Promise<Gate[]> {
  const id = firstPassId(run);
  const doc = (await ports.store.get<FirstPassDoc>([id])).get(id);
  if (!doc) return [];
  const text = doc.state === 'running' ? 'the first pass is under way' : `the first pass failed: ${doc.why ?? ''}`;
  const due = doc.until <= (await ports.store.now());
  const when = due ? ', to be tried again now' : `, next try ${doc.until}`;
  const next = due ? 'dflow tables' : 'dflow tables load FILE';
  return [{ gate: 'first-pass', ok: false, text: `${text}${when}`, next }];
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
  const { version, from } = automatic;
  if (version === undefined) {
    const none = Object.keys(modules).length === 0;
    const next = none
      ? `write ${folder}/modules/1.0.yaml, then: dflow module check`
      : `set automatic.version in ${file}`;
    return [{ gate: 'automatic', ok: false, text: noVersion(ports), next }];
  }
  if (run < from)
    return [
      {
        gate: 'automatic',
        ok: false,
        text: `runs below ${from} are not processed automatically`,
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

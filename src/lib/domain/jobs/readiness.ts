// Readiness: one pure function from facts to gates, each met or not, with evidence and the next command. `enqueue` and
// `submit` act on it, `why` prints it: an operator is told exactly what the program acted on.

import type { Iso } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import { registeredGates } from '../catalogue/gate.ts';
import type { DataDoc } from '../data/data.ts';
import { hasVersion, type Route } from '../farms/routing.ts';
import type { FirstPassState } from '../firstpass/firstpass.ts';
import { firstPassGates } from '../firstpass/firstpassgates.ts';
import { covers, type HoldDoc, type HoldSubject, inForce } from '../hold.ts';
import { dataId, refOf, requestId, runId } from '../ids.ts';
import { type BadModules, correction } from '../modules/badmodules.ts';
import { type ModuleFile, modulesFor } from '../modules/modules.ts';
import { type ArchivedDoc, archivedNext, archivedText } from '../runs/archived.ts';
import { onlyWaits } from '../runs/completeness.ts';
import type { RunDoc } from '../runs/run.ts';
import type { CatalogueSettings, FarmSettings } from '../settings.ts';
import { type ShortRun, shortText, type TablesAway, tableGates } from '../tables/tablegates.ts';
import type { JobDoc } from './job.ts';
import { rawSource } from './rawsource.ts';

export interface Gate {
  readonly gate: string;
  readonly ok: boolean;
  /** Evidence, one line. */
  readonly text: string;
  readonly since?: Iso;
  /** The command that clears it. */
  readonly next?: string;
  /** Document to wait for, when it is not met. */
  readonly on?: string;
}

/** Facts about a run, for enqueue. */
export interface RunFacts {
  readonly run: number;
  readonly level: string;
  readonly doc: RunDoc | undefined;
  /** Required table name -> revision, `undefined` where there is none. */
  readonly tables: Readonly<Record<string, string | undefined>>;
  /** Why the tables are not known now: the database does not answer. */
  readonly tablesAway?: TablesAway;
  /** Set when the run is too short for automatic passes. */
  readonly short?: ShortRun;
  readonly types: readonly string[];
  /** The jobs of its first pass. */
  readonly firstPass?: readonly FirstPassState[];
  readonly modules: ModuleFile | undefined;
  /** The module file of the version, where it cannot be used. */
  readonly bad?: BadModules;
  readonly data: DataDoc | undefined;
  readonly archived?: ArchivedDoc;
}

/** Gates of a run: complete, keep, short, first-pass, tables, module. What is sampled out waits neither for tables nor for a run type. */
export function runGates(facts: RunFacts): Gate[] {
  if (facts.archived) return [archivedGate(facts.archived)];
  return [
    completeGate(facts),
    ...leftOutGates(facts),
    ...firstPassGates(facts),
    ...tableGates(facts),
    moduleGate(facts),
  ];
}

export function archivedGate(doc: ArchivedDoc): Gate {
  return { gate: 'archived', ok: false, text: archivedText(doc), since: doc.at, next: archivedNext(doc) };
}

function completeGate({ doc, run, level }: RunFacts): Gate {
  const state = doc?.levels[level];
  if (state?.complete) {
    const count = state.complete.subruns.length;
    const text = `${count} ${level} file${count === 1 ? '' : 's'}; ${state.complete.evidence}`;
    return { gate: 'complete', ok: true, text, since: state.complete.at };
  }
  if (!doc || !state) {
    return {
      gate: 'complete',
      ok: false,
      text: `no ${level} file is registered`,
      next: 'dflow register',
      on: runId(run),
    };
  }
  const { blocked } = state;
  const declare = `dflow enqueue --complete ${run}`;
  // Declaring the run complete leaves out what is still written: never the first thing to type.
  const waits = blocked !== undefined && onlyWaits(blocked);
  return {
    gate: 'complete',
    ok: false,
    text: waits ? `${blocked}; to go on without: ${declare}` : (blocked ?? 'no later run has been seen yet'),
    since: state.lastFile,
    next: waits || !blocked ? 'dflow register' : declare,
    on: runId(run),
  };
}

/** A module file that cannot be used. */
function badGate(bad: BadModules): Gate {
  return { gate: 'module', ok: false, text: bad.text, next: correction(bad) };
}

function moduleGate({ modules, bad, types, run, doc }: RunFacts): Gate {
  if (bad) return badGate(bad);
  if (!modules)
    return {
      gate: 'module',
      ok: false,
      text: 'no version is configured',
      next: 'write a module file, or set automatic.version in dflow.yaml; then: dflow enqueue',
    };
  const asked = modulesFor(modules, types);
  const name = types.length > 0 ? types.join('+') : 'unknown type';
  if (asked.length > 0) return { gate: 'module', ok: true, text: `${name}: ${asked.join(', ')} (${modules.version})` };
  if (doc?.mask === undefined && Object.keys(modules.runTypes).some((type) => type !== 'any')) {
    return {
      gate: 'module',
      ok: false,
      text: 'the run type is not known',
      next: `dflow tables load FILE`,
      on: runId(run),
    };
  }
  return { gate: 'module', ok: true, text: `${name} asks for no module in ${modules.version}` };
}

/** Runs that automatic processing leaves out; a request may still process them. */
function leftOutGates({ data, short, run, modules, types }: RunFacts): Gate[] {
  const next = requestOf(run, modules, modules ? modulesFor(modules, types) : []);
  const left = (gate: string, text: string): Gate => ({ gate, ok: false, text, next });
  if (data && !data.keep.kept) return [left('keep', `sampled out: ${data.keep.rule}`)];
  return short ? [left('short', shortText(short))] : [];
}

/** The request that makes passes of a run which automatic processing leaves out. */
export function requestOf(run: number, modules: ModuleFile | undefined, names: readonly string[]): string {
  const wanted = names.length > 0 ? names : Object.keys(modules?.modules ?? {});
  const version = modules ? ` --version ${modules.version}` : '';
  return `dflow reprocess --request run-${run}${version} --module ${wanted.join(',') || 'NAME'} --run ${run}`;
}

/** Facts about a job, for submit. */
export interface JobFacts {
  readonly job: JobDoc;
  readonly now: Iso;
  /** Types of the run that are calibration types: such runs are not held by a calibration hold. */
  readonly calibration: boolean;
  readonly modules: ModuleFile | undefined;
  /** The module file of the version, where it cannot be used. */
  readonly bad?: BadModules;
  readonly data: DataDoc | undefined;
  readonly holds: readonly HoldDoc[];
  /** Prerequisite job id -> document. */
  readonly prerequisites: ReadonlyMap<string, JobDoc>;
  /** The request that must be done first, and how many of its passes are not. */
  readonly after?: { readonly name: string; readonly open: number };
  readonly farm: FarmSettings;
  /** Where the configuration sends it; absent: any farm may take it. */
  readonly route?: Route;
  /** The catalogue that must know the input files; absent: jobs do not wait for it. */
  readonly catalogue?: CatalogueSettings;
  /** Hash of the configuration in force. */
  readonly hash: string;
}

/** Gates of a job: module, routing, version, prerequisites, inputs, registered, after, holds. All met: it may be submitted at this farm. */
export function jobGates(facts: JobFacts): Gate[] {
  return [
    definedGate(facts),
    ...farmGates(facts),
    ...prerequisiteGates(facts),
    ...inputGates(facts),
    ...registeredGates(facts),
    ...afterGates(facts),
    ...holdGates(facts),
  ];
}

function definedGate({ job, modules, bad, hash }: JobFacts): Gate {
  if (bad) return { ...badGate(bad), on: `config:${hash}` };
  if (modules?.modules[job.module]) return { gate: 'module', ok: true, text: `${job.module} of ${job.version}` };
  const text = modules
    ? `${job.module} is no longer defined in ${modules.path}`
    : `version ${job.version} has no module file here`;
  const next = `dflow cancel ${refOf(job.run, job.module, job.pass)}`;
  return { gate: 'module', ok: false, text: `${text}; put it back, or cancel the pass`, next, on: `config:${hash}` };
}

/** What a gate waits for that another farm, or another configuration, may not: `sweep` knows these words. */
export const ROUTED = 'routed:';
export const INSTALLED = 'installed:';

/** Whether this is the farm for it. A gate is only named where there is a rule to be met. */
function farmGates({ job, farm, route, hash }: JobFacts): Gate[] {
  const gates: Gate[] = [];
  if (route) {
    const ok = route.farms.includes(farm.name);
    const where = route.farms.join(' or ');
    const text = `goes to ${where} (routing rule ${route.rule + 1})${ok ? '' : `, not to ${farm.name}`}`;
    const next = `dflow submit --site ${route.farms[0]}`;
    gates.push({ gate: 'routing', ok, text, ...(ok ? {} : { next, on: `${ROUTED}${route.farms.join(',')}:${hash}` }) });
  }
  if (farm.versions) {
    const ok = hasVersion(farm, job.version);
    const text = ok
      ? `${job.version} is installed at ${farm.name}`
      : `${job.version} is not installed at ${farm.name}, which has ${farm.versions.join(', ')}`;
    const next = `add ${job.version} to farms.${farm.name}.versions in dflow.yaml`;
    gates.push({ gate: 'version', ok, text, ...(ok ? {} : { next, on: `${INSTALLED}${job.version}:${hash}` }) });
  }
  return gates;
}

function prerequisiteGates({ job, prerequisites }: JobFacts): Gate[] {
  return job.needs.map((need): Gate => {
    const doc = prerequisites.get(need.job);
    const ref = refOf(job.run, need.module, need.pass);
    if (!doc)
      return { gate: 'prerequisite', ok: false, text: `${ref} does not exist`, next: `dflow why ${ref}`, on: need.job };
    if (doc.state === 'completed')
      return { gate: 'prerequisite', ok: true, text: `${ref} completed`, since: doc.since };
    const gone =
      doc.state === 'failed' || doc.state === 'partFail' || doc.state === 'canceled' || doc.state === 'deleted';
    return {
      gate: 'prerequisite',
      ok: false,
      text: `${ref} ${doc.state}`,
      since: doc.since,
      next: gone ? `dflow retry ${ref}` : `dflow why ${ref}`,
      on: need.job,
    };
  });
}

function inputGates(facts: JobFacts): Gate[] {
  const raw = facts.job.subjobs.flatMap((subjob) => subjob.inputs.filter((input) => input.kind === 'raw'));
  if (raw.length === 0) return [];
  const { reads } = facts.farm;
  const missing = raw.filter((input) => !rawSource(facts.data, input, reads));
  if (missing.length === 0) {
    const holding = reads.filter((name) => raw.some((input) => rawSource(facts.data, input, [name])));
    return [{ gate: 'inputs', ok: true, text: `${raw.length} verified at ${holding.join(', ')}` }];
  }
  const where = reads.join(', ');
  return [
    {
      gate: 'inputs',
      ok: false,
      text: `${missing.length} of ${raw.length} files have no verified copy at ${where}`,
      next: `dflow transfer --to ${facts.farm.reads[0]} --run ${facts.job.run}`,
      on: dataId(facts.job.level, facts.job.run),
    },
  ];
}

function afterGates({ after }: JobFacts): Gate[] {
  if (!after) return [];
  if (after.open === 0) return [{ gate: 'after', ok: true, text: `request ${after.name} is done` }];
  const text = `${after.open} passes of request ${after.name} are not done`;
  return [{ gate: 'after', ok: false, text, next: `dflow status --request ${after.name}`, on: requestId(after.name) }];
}

/** What a hold is asked about a job. */
export function holdSubject(job: JobDoc, calibration: boolean, site: string): HoldSubject {
  return {
    run: job.run,
    module: job.module,
    version: job.version,
    site,
    level: job.level,
    labels: job.labels,
    ...given({ request: job.request }),
    automatic: job.request === undefined && !calibration,
  };
}

/** Holds on jobs and sites; those on storage and transfers do not concern a job. */
function holdGates({ job, holds, now, calibration, farm }: JobFacts): Gate[] {
  const subject = holdSubject(job, calibration, farm.name);
  const found = holds.filter(
    (hold) => hold.what !== 'storage' && hold.what !== 'transfer' && inForce(hold, now) && covers(hold.scope, subject),
  );
  if (found.length === 0) return [{ gate: 'holds', ok: true, text: 'none' }];
  return found.map((hold): Gate => {
    const until = hold.until ? ` until ${hold.until}` : '';
    const text = `${hold.what}: ${hold.why} (${hold.by})${until}`;
    return { gate: 'holds', ok: false, text, since: hold.since, next: `dflow resume ${hold._id}`, on: hold._id };
  });
}

/** The first gate that is not met. */
export function firstUnmet(gates: readonly Gate[]): Gate | undefined {
  return gates.find((gate) => !gate.ok);
}

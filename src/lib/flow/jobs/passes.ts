// Making passes: from "this module of this run" to job documents with numbers and linked prerequisites. Shared by
// enqueue (automatic) and reprocess (requested). Pass numbers are settled by compare-and-swap on deterministic ids.

import { refOf } from '../../domain/ids.ts';
import type { JobDoc, Prerequisite } from '../../domain/jobs/job.ts';
import { newJob, subrunsOf } from '../../domain/jobs/newjob.ts';
import type { RunFacts } from '../../domain/jobs/readiness.ts';
import type { Wake } from '../../domain/jobs/states.ts';
import type { ModuleFile } from '../../domain/modules/modules.ts';
import type { ArchivedDoc } from '../../domain/runs/archived.ts';
import { withRunLabels } from '../../domain/runs/labels.ts';
import { type Outcome, tookEffect } from '../../store.ts';
import { ItemError } from '../../util/errors.ts';
import type { Iso } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import { nth } from '../../util/values/have.ts';
import type { Item, Ports, Step } from '../ports.ts';
import { archivedWords } from './archived/archived.ts';
import { existingPasses, type Wanted } from './archived/existing.ts';

export type { Wanted } from './archived/existing.ts';

export interface PassOptions {
  /** For the history: `automatic`, `request tl-july`. */
  readonly why: string;
}

/** A pass with everything settled, ready to be written. */
interface Planned {
  readonly wanted: Wanted;
  readonly job: JobDoc;
}

/** Settles and writes passes; one item each. Passes that somebody else made meanwhile are not made again. */
export async function* makePasses(ports: Ports, wanted: readonly Wanted[], options: PassOptions): Step {
  const { existing, archived } = await existingPasses(ports, wanted);
  const at = await ports.store.now();
  const planned: Planned[] = [];
  const byRun = new Map<string, JobDoc>();
  for (const want of inOrder(wanted)) {
    const key = `${want.facts.run}/${want.module.name}`;
    const gone = archived.get(want.facts.run);
    const there = alreadyMade(want, existing.get(key) ?? []);
    const result = gone
      ? { item: notOfArchived(want, gone) }
      : there
        ? { job: there }
        : settle(ports, want, existing, byRun, at, options.why);
    if ('item' in result) yield result.item;
    else byRun.set(key, result.job);
    if ('job' in result && !there) planned.push({ wanted: want, job: result.job });
  }
  yield* writePasses(ports, planned);
}

/** Passes of an archived run are not known here: another one of the same number would be made. */
function notOfArchived({ facts: { run }, module, pass }: Wanted, doc: ArchivedDoc): Item {
  const ref = refOf(run, module.name, pass);
  return { kind: 'job', ref, did: 'not-made', run, failed: true, ...archivedWords(doc) };
}

/**
 * Writes settled passes, prerequisites before dependents: when somebody else takes a prerequisite's number meanwhile,
 * what was to start from it is not made either, since that number now means another pass.
 */
async function* writePasses(ports: Ports, planned: readonly Planned[]): Step {
  const missing = new Set<string>();
  for (const layer of layers(planned)) {
    const possible = layer.filter(({ job }) => !job.needs.some((need) => missing.has(need.job)));
    for (const { job } of layer) {
      const lacks = job.needs.find((need) => missing.has(need.job));
      if (!lacks) continue;
      missing.add(job._id);
      yield notMade(job, `${refOf(job.run, lacks.module, lacks.pass)}, which it starts from, was not made`);
    }
    const outcomes = await ports.store.bulk<JobDoc>(
      possible.map(({ job }) => ({
        id: job._id,
        base: null,
        change: (doc) => (doc ? { skip: 'exists' } : { write: job }),
      })),
    );
    const others = outcomes.filter((outcome) => !tookEffect(outcome)).map((outcome) => outcome.id);
    const docs = await ports.store.get<JobDoc>(others);
    for (const [index, outcome] of outcomes.entries()) {
      const { wanted, job } = nth(possible, index);
      const lost = tookEffect(outcome) ? undefined : lostRace(wanted, job, outcome, docs.get(job._id));
      if (lost) missing.add(job._id);
      if (lost) yield lost;
      else if (tookEffect(outcome)) yield made(job);
    }
  }
}

/** Passes by how far they are from those that need none of the others: each layer starts from earlier ones only. */
function layers(planned: readonly Planned[]): Planned[][] {
  const depth = new Map<string, number>();
  const result: Planned[][] = [];
  // Given prerequisites first, so that those of each pass have their depth already.
  for (const one of planned) {
    const at = Math.max(0, ...one.job.needs.map((need) => (depth.get(need.job) ?? -1) + 1));
    depth.set(one.job._id, at);
    const layer = result[at];
    if (layer) layer.push(one);
    else result[at] = [one];
  }
  return result;
}

/** Somebody wrote this id first: the same purpose is fine, another one means that this call must be repeated. */
function lostRace(wanted: Wanted, job: JobDoc, outcome: Outcome, doc: JobDoc | undefined): Item | undefined {
  if (doc && doc.request === wanted.request && doc.version === wanted.file.version) return undefined;
  const taken = doc?.request === undefined ? 'automatic processing' : `request ${doc.request}`;
  return notMade(
    job,
    doc ? `pass ${job.pass} was taken by ${taken} meanwhile` : (outcome.why ?? 'could not be written'),
  );
}

function notMade(job: JobDoc, text: string): Item {
  const ref = refOf(job.run, job.module, job.pass);
  return { kind: 'job', ref, did: 'not-made', run: job.run, failed: true, text, next: 'repeat the same command' };
}

function made(job: JobDoc): Item {
  return {
    kind: 'job',
    ref: refOf(job.run, job.module, job.pass),
    did: 'made',
    run: job.run,
    module: job.module,
    pass: job.pass,
    version: job.version,
    subjobs: job.subjobs.length,
    text: `${job.subjobs.length} subjob${job.subjobs.length === 1 ? '' : 's'}, ${job.version}`,
    state: job.state,
    ...given({ request: job.request }),
  };
}

/**
 * The pass that a want would become now, written nowhere.
 * @throws ItemError with the reason why it cannot be made
 */
export async function trialPass(ports: Ports, want: Wanted): Promise<JobDoc> {
  const { existing, archived } = await existingPasses(ports, [want]);
  const gone = archived.get(want.facts.run);
  const settled = gone
    ? { item: notOfArchived(want, gone) }
    : settle(ports, want, existing, new Map(), await ports.store.now(), 'trial');
  if ('job' in settled) return settled.job;
  const { text = 'it cannot be made', next } = settled.item;
  throw new ItemError(`${settled.item.ref}: ${text}`, given({ hint: next }));
}

/** Prerequisites before their dependents, run by run as given. */
function inOrder(wanted: readonly Wanted[]): Wanted[] {
  const depth = (name: string, file: ModuleFile, seen: readonly string[] = []): number => {
    const needs = file.modules[name]?.needs ?? [];
    if (seen.includes(name)) return 0;
    return needs.length === 0 ? 0 : 1 + Math.max(...needs.map((need) => depth(need, file, [...seen, name])));
  };
  const keyed = wanted.map((want, at) => ({ want, at, depth: depth(want.module.name, want.file) }));
  return keyed.sort((a, b) => a.depth - b.depth || a.at - b.at).map(({ want }) => want);
}

/** Decides pass number, prerequisites and subjobs of one pass; or why it cannot be made. Pure but for its arguments. */
function settle(
  ports: Ports,
  want: Wanted,
  existing: ReadonlyMap<string, readonly JobDoc[]>,
  together: ReadonlyMap<string, JobDoc>,
  at: Iso,
  why: string,
): { readonly job: JobDoc } | { readonly item: Item } {
  const { facts, module, file } = want;
  const before = existing.get(`${facts.run}/${module.name}`) ?? [];
  const pass = want.pass ?? nextPass(before);
  const ref = refOf(facts.run, module.name, pass);
  const needs: Prerequisite[] = [];
  const prerequisites: (readonly (number | undefined)[])[] = [];
  const outputs: Readonly<Record<string, string>>[] = [];
  for (const need of module.needs) {
    const fixed = want.needs?.find((item) => item.module === need)?.pass;
    const job = prerequisiteOf(facts.run, need, fixed, existing, together);
    if (!job) {
      const text = fixed === undefined ? `no completed pass of ${need}` : `no pass ${fixed} of ${need}`;
      const next = `dflow why ${refOf(facts.run, need)}`;
      return { item: { kind: 'job', ref, did: 'not-made', run: facts.run, failed: true, text, next } };
    }
    needs.push({ module: need, pass: job.pass, job: job._id });
    prerequisites.push(subrunsOf(job));
    outputs.push(job.outputs);
  }
  if (!facts.data) {
    const text = `no ${facts.level} file of run ${facts.run} is registered`;
    return { item: { kind: 'job', ref, did: 'not-made', run: facts.run, failed: true, text, next: 'dflow register' } };
  }
  const job = newJob(
    {
      run: facts.run,
      module,
      pass,
      version: file.version,
      level: facts.level,
      data: facts.data,
      priority: want.priority,
      labels: withRunLabels(want.labels, facts.doc?.labels),
      needs,
      prerequisites,
      outputs,
      hash: ports.settings.hash,
      tables: revisions(facts),
      wake: firstWake(want, needs, existing),
      ...given({ mask: facts.doc?.mask, request: want.request, tag: want.tag }),
    },
    at,
    ports.by,
    why,
  );
  return { job };
}

/** The pass that this want asks for, when it exists: made by an earlier call that was cut off, or by another enqueuer. */
function alreadyMade(want: Wanted, before: readonly JobDoc[]): JobDoc | undefined {
  return before.find(
    (job) =>
      job.request === want.request &&
      job.version === want.file.version &&
      (want.pass === undefined ? want.request === undefined : job.pass === want.pass),
  );
}

export function nextPass(before: readonly JobDoc[]): number {
  return 1 + Math.max(0, ...before.map((job) => job.pass));
}

/** The pass to start from: the fixed number, one made in the same call, or the newest completed one. */
function prerequisiteOf(
  run: number,
  module: string,
  fixed: number | undefined,
  existing: ReadonlyMap<string, readonly JobDoc[]>,
  together: ReadonlyMap<string, JobDoc>,
): JobDoc | undefined {
  const made = together.get(`${run}/${module}`);
  if (made && (fixed === undefined || made.pass === fixed)) return made;
  return chosen(existing.get(`${run}/${module}`) ?? [], fixed ?? 'latest');
}

/** The newest completed pass, or the numbered one. */
export function chosen(passes: readonly JobDoc[], pass: 'latest' | number): JobDoc | undefined {
  if (pass !== 'latest') return passes.find((job) => job.pass === pass);
  return passes.filter((job) => job.state === 'completed').at(-1);
}

function revisions(facts: RunFacts): Record<string, string> {
  const found = Object.entries(facts.tables).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(found);
}

/** What a new pass waits for at first: a prerequisite that is not completed, else nothing; submit finds out the rest. */
function firstWake(
  want: Wanted,
  needs: readonly Prerequisite[],
  existing: ReadonlyMap<string, readonly JobDoc[]>,
): Wake {
  for (const need of needs) {
    const known = existing.get(`${want.facts.run}/${need.module}`)?.find((job) => job._id === need.job);
    if (known?.state !== 'completed') return { kind: 'on', id: need.job };
  }
  return { kind: 'ready' };
}

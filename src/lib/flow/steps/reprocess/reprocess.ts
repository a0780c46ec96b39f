// reprocess: new passes of (run, module) pairs that an operator asks for. The request is written with its whole plan
// before the first job, so that a call that was cut off continues when it is repeated, and never makes a pass twice.

import { SCHEMA } from '../../../domain/doc.ts';
import { refOf, requestId } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import { firstUnmet, type RunFacts, runGates } from '../../../domain/jobs/readiness.ts';
import type { PlanItem, RequestDoc } from '../../../domain/jobs/request.ts';
import type { ModuleFile } from '../../../domain/modules/modules.ts';
import { noSuchError } from '../../../domain/named.ts';
import { idsWith, tookEffect } from '../../../store.ts';
import { ahead, collected } from '../../../util/concurrency.ts';
import { UsageError } from '../../../util/errors.ts';
import { given } from '../../../util/values/given.ts';
import { batches, groupBy } from '../../../util/values/group.ts';
import { have } from '../../../util/values/have.ts';
import { withDryRun } from '../../dry.ts';
import { estimate } from '../../farms/estimate.ts';
import { refuseBad } from '../../jobs/badmodules.ts';
import { runFacts } from '../../jobs/facts.ts';
import { makePasses, type Wanted } from '../../jobs/passes.ts';
import { withPlan } from '../../jobs/requests/requestplan.ts';
import { stalePasses } from '../../jobs/stale/passes.ts';
import { readTag } from '../../jobs/tables/tags.ts';
import type { Item, Ports, Step, StepOptions } from '../../ports.ts';
import { Progress } from '../../progress.ts';
import { estimateItems, jobsOfPlan, kept } from './estimates.ts';
import { changePlan, cutPlan, removeParts } from './parts.ts';
import { makePlanItems, renumber } from './plan.ts';
import { type Asked, differences } from './same.ts';

/** Runs whose passes are made together: bounds memory. */
const BATCH = 1000;

export interface ReprocessOptions extends StepOptions {
  /** Name of the request. */
  readonly name: string;
  readonly version: string;
  readonly runs: readonly number[];
  readonly modules: readonly string[];
  readonly level?: string;
  readonly priority?: number;
  readonly labels?: readonly string[];
  readonly tag?: string;
  /** `latest` completed pass (default), `new` ones made by this request too, or a pass number. */
  readonly prerequisite?: string;
  /** Name of a request that must be done first. */
  readonly after?: string;
  /** What it is for, and who asked. */
  readonly text?: string;
  /** Only where the last pass was made with run tables that have changed since. */
  readonly stale?: boolean;
  /** Make another request of the same content: `name.2`. */
  readonly again?: boolean;
}

/** Writes the request, then makes its passes; repeated, it continues. */
export function reprocess(ports: Ports, options: ReprocessOptions): Step {
  return withDryRun(ports, options, (on) => makeRequest(on, options));
}

async function* makeRequest(ports: Ports, options: ReprocessOptions): Step {
  const file = moduleFile(ports, options.version);
  const modules = withPrerequisites(file, options);
  await assertAfter(ports, options.after);
  // A database has the tag in its rows.
  if (options.tag !== undefined && !ports.ratdb) await readTag(ports.store, options.tag);
  const only = options.stale ? await staleOnly(ports, options, modules) : undefined;
  const asked = { ...askedOf(ports, options, modules), ...(only && { runs: only.runs }) };
  const { name, old } = await requestName(ports, options, asked);
  const facts = await readyRuns(ports, { ...options, runs: asked.runs }, file, asked.level);
  yield* facts.items;
  const planning = { ...options, request: name, before: old?.plan ?? [], ...given({ only: only?.passes }) };
  const { plan, items, twins } = await makePlanItems(ports, facts.ready, file, modules, planning);
  yield* items;
  yield* aboutTwins(twins, options.again === true);
  if (old) {
    yield { kind: 'request', ref: old._id, did: 'continued', passes: old.plan.length + plan.length };
    const extended = await extend(ports, old, plan);
    yield* makePlan(ports, extended, file);
    if (!ports.dry) return;
    const wanted = jobsOfPlan(file, extended.plan, facts.ready);
    yield* estimateItems(name, file.version, await estimate(ports, file, wanted));
    return;
  }
  if (plan.length === 0) return;
  const expected = await estimate(ports, file, jobsOfPlan(file, plan, facts.ready));
  const at = await ports.store.now();
  const doc: RequestDoc = {
    _id: requestId(name),
    kind: 'request',
    v: SCHEMA,
    name,
    ...asked,
    plan,
    estimate: kept(expected),
    by: ports.by,
    created: at,
    history: [{ at, to: 'planned', by: ports.by }],
  };
  const stored = await cutPlan(ports.store, doc);
  const outcome = await ports.store.update<RequestDoc>(doc._id, (there) =>
    there ? { skip: 'exists' } : { write: stored },
  );
  // Somebody else wrote it first: what they ask for is compared, and continued.
  if (!tookEffect(outcome)) {
    await removeParts(ports.store, stored, outcome.doc);
    yield* makeRequest(ports, options);
    return;
  }
  yield { kind: 'request', ref: doc._id, did: 'planned', passes: plan.length, version: doc.version };
  yield* makePlan(ports, doc, file);
  if (ports.dry) yield* estimateItems(name, file.version, expected);
}

/** The module file of a version. Throws UsageError with the near miss. */
function moduleFile(ports: Ports, version: string): ModuleFile {
  const file = ports.settings.modules[version];
  if (file) return file;
  refuseBad(ports.settings, version);
  throw noSuchError('version', version, Object.keys(ports.settings.modules));
}

/** The modules asked for; with `--prerequisite new` also all that they need. */
function withPrerequisites(file: ModuleFile, options: ReprocessOptions): string[] {
  const asked = new Set<string>();
  const ask = (name: string): void => {
    const module = file.modules[name];
    if (!module) {
      const detail = { in: `version ${file.version}`, where: file.path };
      throw noSuchError('module', name, Object.keys(file.modules), detail);
    }
    if (asked.has(name)) return;
    asked.add(name);
    if (options.prerequisite === 'new') module.needs.forEach(ask);
  };
  options.modules.forEach(ask);
  return Object.keys(file.modules).filter((name) => asked.has(name));
}

async function assertAfter(ports: Ports, after: string | undefined): Promise<void> {
  if (after === undefined) return;
  if ((await ports.store.get([requestId(after)])).has(requestId(after))) return;
  const names = (await ports.store.range<RequestDoc>(idsWith('request:'))).map((request) => request.name);
  throw noSuchError('request', after, names);
}

/** What is stale of the runs asked for. */
async function staleOnly(
  ports: Ports,
  { runs }: ReprocessOptions,
  modules: readonly string[],
): Promise<{ runs: number[]; passes: ReadonlySet<string> }> {
  const passes = await stalePasses(ports, runs, modules);
  return { runs: runs.filter((run) => modules.some((module) => passes.has(`${run}/${module}`))), passes };
}

/** The call with its defaults: what the request document keeps of it. */
function askedOf(ports: Ports, options: ReprocessOptions, modules: readonly string[]): Asked {
  const { version, runs, level, priority, labels, prerequisite, tag, after, text } = options;
  return {
    version,
    level: level ?? ports.settings.automatic.level,
    modules,
    runs: [...new Set(runs)],
    priority: priority ?? 0,
    labels: labels ?? [],
    prerequisite: prerequisite ?? 'latest',
    ...given({ tag, after, text }),
  };
}

/** The request that this call continues, or the name of the one it makes. */
async function requestName(
  ports: Ports,
  options: ReprocessOptions,
  asked: Asked,
): Promise<{ name: string; old?: RequestDoc }> {
  const read = async (name: string) => {
    const found = (await ports.store.get<RequestDoc>([requestId(name)])).get(requestId(name));
    return found && withPlan(ports.store, found);
  };
  let name = options.name;
  let old = await read(name);
  // `--again` makes one more, unless the newest of them is still being made: then that one is continued.
  for (let n = 2; options.again && old?.made; n++) {
    name = `${options.name}.${n}`;
    old = await read(name);
  }
  if (!old) return { name };
  // What is stale changes from call to call: the request goes on with what it has.
  const other = differences(options.stale && old.runs ? { ...old, runs: asked.runs } : old, asked);
  if (other.length === 0) return { name, old };
  throw new UsageError(`request '${name}' exists and asks for something else: ${other.join('; ')}`, {
    where: requestId(name),
    hint: `the same command with another name: --request ${name}-2`,
  });
}

/** Says which requests have the same under way. @throws UsageError unless it shall be done again */
function* aboutTwins(twins: readonly JobDoc[], again: boolean): Generator<Item, void, void> {
  const [first] = twins;
  if (!first) return;
  const ref = refOf(first.run, first.module, first.pass);
  const names = [...new Set(twins.map(({ request }) => request))].join(', ');
  const text = `${twins.length === 1 ? '1 pass' : `${twins.length} passes`} of request ${names} for the same run, module and version have not ended yet: ${ref} ${first.state}`;
  if (!again) throw new UsageError(text, { hint: `dflow why ${ref}; to make another request anyway, add --again` });
  yield { kind: 'request', ref: `request:${first.request}`, did: 'unchanged', text };
}

/** The request with what its first call could not plan: runs that have become ready since. */
async function extend({ store }: Ports, old: RequestDoc, plan: readonly PlanItem[]): Promise<RequestDoc> {
  if (plan.length === 0) return old;
  const keyOf = ({ run, module }: PlanItem): string => `${run}/${module}`;
  return changePlan(store, old, (whole) => {
    const known = new Set(whole.plan.map(keyOf));
    const fresh = plan.filter((item) => !known.has(keyOf(item)));
    const { made: _, ...open } = whole;
    return fresh.length === 0 ? undefined : { ...open, plan: [...whole.plan, ...fresh] };
  });
}

async function readyRuns(
  ports: Ports,
  options: ReprocessOptions,
  file: ModuleFile,
  level: string,
): Promise<{ ready: RunFacts[]; items: Item[] }> {
  const facts = await runFacts(ports, options.runs, level, file.version, options.tag);
  const ready: RunFacts[] = [];
  const items: Item[] = [];
  for (const run of options.runs) {
    const found = have(facts, run);
    // An explicit request decides about modules and sampled-out runs itself.
    const unmet = firstUnmet(runGates(found).filter((gate) => gate.gate !== 'module' && gate.gate !== 'keep'));
    if (!unmet) ready.push(found);
    else
      items.push({
        kind: 'run',
        ref: refOf(run),
        did: 'not-ready',
        failed: true,
        gate: unmet.gate,
        text: unmet.text,
        ...(unmet.next ? { next: unmet.next } : {}),
      });
  }
  return { ready, items };
}

/** Makes the jobs of a plan that do not exist yet, then marks the request as made. */
async function* makePlan(ports: Ports, written: RequestDoc, file: ModuleFile): Step {
  const request = await renumber(ports, written);
  const { level, tag } = request;
  const byRun = groupBy(request.plan, ({ run }) => run);
  const make = async (runs: readonly number[]): Promise<Item[]> => {
    const facts = await runFacts(ports, runs, level, file.version, tag);
    const wanted = [...facts.values()].flatMap((found) => wantedOf(request, have(byRun, found.run), found, file));
    return collected(makePasses(ports, wanted, { why: `request ${request.name}` }));
  };
  let failed = false;
  const told = new Progress(ports);
  told.due(request.plan.length);
  for await (const items of ahead(batches([...byRun.keys()], BATCH), make)) {
    failed ||= items.some((item) => item.failed);
    yield* items;
    told.done(items.length);
  }
  if (failed || request.made !== undefined) return;
  const at = await ports.store.now();
  await ports.store.update<RequestDoc>(request._id, (doc) =>
    !doc || doc.made ? { skip: 'made' } : { write: { ...doc, made: at } },
  );
}

/** What the plan has of one run. */
function wantedOf(request: RequestDoc, plan: readonly PlanItem[], facts: RunFacts, file: ModuleFile): Wanted[] {
  const { name, priority, labels, tag } = request;
  return plan.flatMap(({ module: asked, pass, needs }) => {
    const module = file.modules[asked];
    return module ? { facts, file, module, pass, needs, request: name, priority, labels, ...given({ tag }) } : [];
  });
}

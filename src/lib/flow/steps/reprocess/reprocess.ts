// reprocess: new passes of (run, module) pairs that an operator asks for. The request is written with its whole plan
// before the first job, so that a call that was cut off continues when it is repeated, and never makes a pass twice.

import { refOf, requestId } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import type { RequestDoc } from '../../../domain/jobs/request.ts';
import type { ModuleFile } from '../../../domain/modules/modules.ts';
import { UsageError } from '../../../util/errors.ts';
import { given } from '../../../util/values/given.ts';
import { withDryRun } from '../../dry.ts';
import { estimate } from '../../farms/estimate.ts';
import { withPlan } from '../../jobs/requests/requestplan.ts';
import { stalePasses } from '../../jobs/stale/passes.ts';
import { readTag } from '../../jobs/tables/tags.ts';
import type { Item, Ports, Step, StepOptions } from '../../ports.ts';
import { assertAfter, moduleFile, withPrerequisites } from './asking.ts';
import { estimateItems, jobsOfPlan, kept } from './estimates.ts';
import { extend, makePlan, newRequest, readyRuns, writeRequest } from './make.ts';
import { makePlanItems } from './plan.ts';
import { type Asked, differences } from './same.ts';
import { type Saving, savePlan } from './saveplan.ts';

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
  /** Saves the plan of a dry run. */
  readonly saving?: Saving;
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
  // In a database the tag is a column, and is looked up with each table.
  if (options.tag !== undefined && !ports.ratdb) await readTag(ports.store, options.tag);
  const only = options.stale ? await staleOnly(ports, options, modules) : undefined;
  const asked = { ...askedOf(ports, options, modules), ...(only && { runs: only.runs }) };
  const { name, old } = await requestName(ports, options, asked);
  const facts = await readyRuns(ports, { ...options, runs: asked.runs, modules }, file, asked.level);
  yield* facts.items;
  const planning = { ...options, request: name, before: old?.plan ?? [], ...given({ only: only?.passes }) };
  const { plan, items, twins } = await makePlanItems(ports, facts.ready, file, modules, planning);
  yield* items;
  yield* aboutTwins(twins, options.again === true);
  if (old) {
    yield { kind: 'request', ref: old._id, did: 'continued', passes: old.plan.length + plan.length };
    yield* makeAndSave(ports, await extend(ports, old, plan), file, options);
  }
  if (plan.length === 0) return;
  const expected = await estimate(ports, file, jobsOfPlan(file, plan, facts.ready));
  if (old) return yield* estimateItems(name, file.version, expected);
  const doc = await newRequest(ports, { name, ...asked, plan, estimate: kept(expected) });
  // Somebody else wrote it first: what they ask for is compared, and continued.
  if (!(await writeRequest(ports, doc))) return yield* makeRequest(ports, options);
  yield { kind: 'request', ref: doc._id, did: 'planned', passes: plan.length, version: doc.version };
  yield* makeAndSave(ports, doc, file, options);
  yield* estimateItems(name, file.version, expected);
}

async function* makeAndSave(ports: Ports, request: RequestDoc, file: ModuleFile, { saving }: ReprocessOptions): Step {
  yield* makePlan(ports, request, file);
  if (saving) await savePlan(ports, request, saving);
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
  // Which passes are stale changes from call to call: the request goes on with its own runs.
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

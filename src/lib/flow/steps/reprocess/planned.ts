// Carries out a saved plan exactly. A pass is refused where the store has changed since the plan was made, or where it
// starts from a refused pass; nothing is numbered anew.

import { jobId, refOf, requestId } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import type { PlanItem, RequestDoc } from '../../../domain/jobs/request.ts';
import type { PlanFile, PlanPass } from '../../../domain/jobs/requests/planfile.ts';
import { planDifferences } from '../../../domain/jobs/requests/plannedpass.ts';
import { choiceFor } from '../../../domain/jobs/requests/prerequisites.ts';
import type { ModuleFile } from '../../../domain/modules/modules.ts';
import { collected } from '../../../util/concurrency.ts';
import { UsageError } from '../../../util/errors.ts';
import { batches, groupBy } from '../../../util/values/group.ts';
import { dryStore, withDryRun } from '../../dry.ts';
import { passesOfRuns } from '../../jobs/archived/existing.ts';
import { nextPass } from '../../jobs/passes.ts';
import { withPlan } from '../../jobs/requests/requestplan.ts';
import { selectRuns } from '../../jobs/select.ts';
import { readTag } from '../../jobs/tables/tags.ts';
import type { Item, Ports, Step, StepOptions } from '../../ports.ts';
import { assertAfter, moduleFile } from './asking.ts';
import { extend, makePlan, newRequest, readyRuns, writeRequest } from './make.ts';
import { prerequisitePass } from './plan.ts';
import { differences } from './same.ts';
import { described, moduleMarks } from './saveplan.ts';

/** Runs whose passes are described together. */
const BATCH = 500;

/** Makes the passes of a saved plan; repeated, it goes on where it was. */
export function carryOut(ports: Ports, plan: PlanFile, options: StepOptions): Step {
  return withDryRun(ports, options, (on) => execute(on, plan));
}

async function* execute(ports: Ports, plan: PlanFile): Step {
  const { request } = plan;
  const file = await assertSame(ports, plan);
  const old = await requestOf(ports, plan);
  yield* await newRuns(ports, plan);
  const { good, made, refused } = await checked(ports, plan, file, old);
  yield* refused;
  const id = requestId(request.name);
  if (good.length === 0 && (old?.made !== undefined || refused.length > 0)) {
    const text = `nothing to make: ${made.size} of ${plan.passes.length} passes of the plan exist already`;
    yield { kind: 'request', ref: id, did: 'unchanged', passes: made.size, text };
    return;
  }
  const items = good.map(({ run, module, pass, needs }) => ({
    ...{ run, module, pass },
    needs: needs.map((need) => ({ module: need.module, pass: need.pass })),
  }));
  const doc = old ? await extend(ports, old, items) : await written(ports, plan, items);
  yield {
    kind: 'request',
    ref: id,
    did: old ? 'continued' : 'planned',
    passes: items.length,
    version: request.version,
  };
  const exactly = new Set([...made, ...good.map(idOf)]);
  yield* makePlan(ports, doc, file, exactly);
}

async function written(
  ports: Ports,
  { head, request, estimate }: PlanFile,
  plan: readonly PlanItem[],
): Promise<RequestDoc> {
  const { ranges: _, ...asked } = request;
  const doc = await newRequest(ports, { ...asked, plan, estimate }, `plan of ${head.made} by ${head.by}`);
  if (await writeRequest(ports, doc)) return doc;
  throw new UsageError(`request '${request.name}' was made meanwhile`, { hint: 'repeat the same command' });
}

/** @throws UsageError another store, experiment or configuration than the plan's */
async function assertSame(ports: Ports, { head, request }: PlanFile): Promise<ModuleFile> {
  const { settings, store } = ports;
  const { uuid = '' } = await store.identity();
  if (head.experiment !== settings.experiment || head.store !== uuid) {
    const own = `${settings.experiment} (store ${uuid})`;
    throw new UsageError(`the plan is for ${head.experiment} (store ${head.store}), and this is ${own}`, {
      hint: 'name the configuration of that experiment: --config FILE',
    });
  }
  const file = moduleFile(ports, request.version);
  if (head.configuration !== settings.hash) {
    const marks = moduleMarks(file);
    const names = new Set([...Object.keys(marks), ...Object.keys(head.modules)]);
    const other = [...names].filter((name) => marks[name] !== head.modules[name]);
    const what = other.length === 0 ? 'but no module of the version' : `also of ${other.join(', ')}`;
    throw new UsageError(`the configuration is not that of the plan (${what}); nothing was made`, {
      hint: again(head.command),
    });
  }
  await assertAfter(ports, request.after);
  if (request.tag !== undefined && !ports.ratdb) await readTag(store, request.tag);
  return file;
}

/** The command that makes a new plan. */
const again = (command: string): string => `look at a new plan: ${command} --dry-run --plan NEW.plan`;

/** The request that an earlier call has written. @throws UsageError it asks for something else */
async function requestOf({ store }: Ports, { request }: PlanFile): Promise<RequestDoc | undefined> {
  const found = (await store.get<RequestDoc>([requestId(request.name)])).get(requestId(request.name));
  if (!found) return undefined;
  const old = await withPlan(store, found);
  const other = differences(old, request);
  if (other.length === 0) return old;
  throw new UsageError(`request '${request.name}' exists and asks for something else: ${other.join('; ')}`, {
    where: old._id,
    hint: `dflow show ${old._id}`,
  });
}

/** Items of runs that have come into the ranges since: they are not part of the plan. */
async function newRuns({ store }: Ports, { request, head }: PlanFile): Promise<Item[]> {
  const { runs } = await selectRuns(store, { runs: { ranges: [...request.ranges], listed: [] } });
  const known = new Set(request.runs);
  const text = `not in the plan: the run is newer than ${head.made}`;
  return runs.flatMap(({ run }) => (known.has(run) ? [] : { kind: 'run', ref: refOf(run), did: 'unchanged', text }));
}

interface Checked {
  /** Passes to be made, as planned. */
  readonly good: readonly PlanPass[];
  /** Ids of those that exist. */
  readonly made: ReadonlySet<string>;
  readonly refused: readonly Item[];
}

/** Sorts the passes of the plan into those to make, those that exist and those that are refused. */
async function checked(ports: Ports, plan: PlanFile, file: ModuleFile, old: RequestDoc | undefined): Promise<Checked> {
  const { passes } = plan;
  const { why, made } = await compared(ports, plan, file, old);
  const isLeft = (pass: PlanPass): boolean => !made.has(idOf(pass)) && !why.has(idOf(pass));
  for (const [id, text] of await asMade(ports, plan, passes.filter(isLeft), file)) why.set(id, text);
  for (const pass of passes.filter(isLeft)) {
    const lacks = pass.needs.find((need) => why.has(jobId(pass.run, need.module, need.pass)));
    if (!lacks) continue;
    why.set(idOf(pass), `it starts from ${refOf(pass.run, lacks.module, lacks.pass)}, which is refused`);
  }
  const refused = passes.flatMap((pass) => {
    const text = why.get(idOf(pass));
    return text === undefined ? [] : refusedItem(pass, text, plan);
  });
  return { good: passes.filter(isLeft), made, refused };
}

const idOf = ({ run, module, pass }: PlanItem): string => jobId(run, module, pass);

function refusedItem({ run, module, pass }: PlanPass, text: string, { head }: PlanFile): Item {
  const ref = refOf(run, module, pass);
  return { kind: 'job', ref, did: 'refused', failed: true, run, module, pass, text, next: again(head.command) };
}

/** Compares the plan with what the store has now: ids of its passes that exist, and why others cannot be made. */
async function compared(ports: Ports, plan: PlanFile, file: ModuleFile, old: RequestDoc | undefined) {
  const why = new Map<string, string>();
  const made = new Set<string>();
  const { request, passes } = plan;
  const planned = new Set(passes.map(idOf));
  const byRun = groupBy(passes, ({ run }) => run);
  const numbered = new Map(old?.plan.map(({ run, module, pass }) => [`${run}/${module}`, pass]));
  for (const runs of batches([...byRun.keys()], BATCH)) {
    const { items } = await readyRuns(ports, { ...request, runs }, file, request.level);
    const unready = new Map(items.map(({ ref, text = 'it is not ready' }) => [ref, text]));
    const existing = await passesOfRuns(ports.store, runs);
    for (const run of runs) {
      for (const pass of byRun.get(run) ?? []) {
        const own = (existing.get(`${run}/${pass.module}`) ?? []).find((job) => job._id === idOf(pass));
        if (own?.request === request.name && own.version === request.version) made.add(idOf(pass));
        else {
          const text = unready.get(refOf(run)) ?? otherwise(pass, plan, planned, existing, numbered);
          if (text !== undefined) why.set(idOf(pass), text);
        }
      }
    }
  }
  return { why, made };
}

/** Why others have made this pass impossible: they took its number, or made a newer pass to start from. */
function otherwise(
  pass: PlanPass,
  { request }: PlanFile,
  planned: ReadonlySet<string>,
  existing: ReadonlyMap<string, readonly JobDoc[]>,
  numbered: ReadonlyMap<string, number>,
): string | undefined {
  const key = `${pass.run}/${pass.module}`;
  const number = numbered.get(key);
  if (number !== undefined && number !== pass.pass) return `request ${request.name} has it as pass ${number} by now`;
  const others = (existing.get(key) ?? []).filter((job) => job.request !== request.name);
  const taken = others.find((job) => job.pass === pass.pass);
  if (taken) {
    const whose = taken.request === undefined ? 'automatic processing' : `request ${taken.request}`;
    return `${whose} has made pass ${pass.pass} since`;
  }
  const next = nextPass(others);
  if (next !== pass.pass) return `the next pass is ${next} now`;
  for (const need of pass.needs) {
    if (planned.has(jobId(pass.run, need.module, need.pass))) continue;
    const now = prerequisitePass(
      (existing.get(`${pass.run}/${need.module}`) ?? []).filter((job) => job.request !== request.name),
      choiceFor(request.prerequisite, need.module).choice,
    );
    if (now !== need.pass)
      return `the pass of ${need.module} to start from is ${now ?? 'not there'} now, and was ${need.pass}`;
  }
  return undefined;
}

/** Makes the passes in a dry run and compares them with the plan. Returns the differences, by pass. */
async function asMade(
  ports: Ports,
  plan: PlanFile,
  left: readonly PlanPass[],
  file: ModuleFile,
): Promise<Map<string, string>> {
  const why = new Map<string, string>();
  // Without progress: the passes are counted when they are made.
  const { progress: _watched, ...quiet } = ports;
  const trial: Ports = { ...quiet, dry: true, store: dryStore(ports.store) };
  const { ranges: _, ...asked } = plan.request;
  const doc = await newRequest(trial, { ...asked, plan: left });
  const ids = new Set(plan.passes.map(idOf));
  for (const item of await collected(makePlan(trial, doc, file, ids)))
    if (item.failed && item.kind === 'job') why.set(item.ref, item.text ?? 'it cannot be made');
  const now = new Map((await described(trial, asked.level, plan.passes)).map((one) => [idOf(one), one]));
  const found = new Map<string, string>();
  for (const pass of left) {
    const id = idOf(pass);
    const other = now.get(id);
    const text = other
      ? planDifferences(pass, other)[0]
      : (why.get(refOf(pass.run, pass.module, pass.pass)) ?? 'it cannot be made');
    if (text !== undefined) found.set(id, text);
  }
  return found;
}

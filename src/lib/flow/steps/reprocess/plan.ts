// The plan of a request: pass numbers and prerequisites, settled once when the request is written, and renumbered in the
// request itself when somebody else took a number first.

import { jobId, refOf } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import type { RunFacts } from '../../../domain/jobs/readiness.ts';
import type { PlanItem, RequestDoc } from '../../../domain/jobs/request.ts';
import { type Choice, choiceFor, choiceText } from '../../../domain/jobs/requests/prerequisites.ts';
import type { ModuleFile } from '../../../domain/modules/modules.ts';
import { moduleOf } from '../../../domain/modules/modules.ts';
import { ahead } from '../../../util/concurrency.ts';
import { batches, groupBy } from '../../../util/values/group.ts';
import { passesOfRuns } from '../../jobs/archived/existing.ts';
import { chosen, nextPass } from '../../jobs/passes.ts';
import type { Item, Ports } from '../../ports.ts';
import { changePlan } from './parts.ts';
import { openTwins } from './same.ts';

/** Runs whose passes are read together. */
const BATCH = 500;

export interface Planning {
  readonly request: string;
  readonly prerequisite?: string;
  /** What the request's plan has already. */
  readonly before: readonly PlanItem[];
  /** `RUN/MODULE` of the passes to plan; absent: every module of every run. */
  readonly only?: ReadonlySet<string>;
}

/**
 * Pass numbers and prerequisites of what is asked for and not planned yet, from the passes that exist now. `twins`: open
 * passes of other requests for the same.
 */
export async function makePlanItems(
  ports: Ports,
  ready: readonly RunFacts[],
  file: ModuleFile,
  modules: readonly string[],
  options: Planning,
): Promise<{ plan: PlanItem[]; items: Item[]; twins: JobDoc[] }> {
  const plan: PlanItem[] = [];
  const twins: JobDoc[] = [];
  const items: Item[] = [];
  const ordered = inNeedOrder(file, modules);
  const mine = groupBy(options.before, ({ run }) => run);
  for await (const [run, passes] of passesOfEach(ports, ready)) {
    const planned = new Map(mine.get(run)?.map(({ module, pass }) => [module, pass]));
    const wanted = ordered.filter((one) => !planned.has(one) && (options.only?.has(`${run}/${one}`) ?? true));
    for (const name of wanted) {
      const before = passes.get(`${run}/${name}`) ?? [];
      twins.push(...openTwins(before, file.version, options.request));
      const needs = moduleOf(file, name).needs.map((module) => {
        const { choice, own } = choiceFor(options.prerequisite, module);
        const pass = own && choice.pass !== 'new' ? undefined : planned.get(module);
        return { module, choice, pass: pass ?? prerequisitePass(passes.get(`${run}/${module}`) ?? [], choice) };
      });
      const missing = needs.find((need) => need.pass === undefined);
      if (missing) {
        const { choice, module } = missing;
        const other = `dflow list jobs --run ${run} --module ${module} --state all --pass all`;
        items.push({
          kind: 'job',
          ref: refOf(run, name),
          did: 'not-planned',
          failed: true,
          text: `no ${choiceText(choice, module)} to start from`,
          next: choice.version === undefined ? 'repeat the command with --prerequisite new' : other,
        });
        continue;
      }
      const pass = nextPass(before);
      planned.set(name, pass);
      plan.push({
        run,
        module: name,
        pass,
        needs: needs.flatMap(({ module, pass: number }) => (number === undefined ? [] : { module, pass: number })),
      });
    }
  }
  return { plan, items, twins };
}

/** Each run with the passes that exist, by `run/module`. */
async function* passesOfEach(
  { store }: Ports,
  ready: readonly RunFacts[],
): AsyncGenerator<[number, ReadonlyMap<string, readonly JobDoc[]>], void, void> {
  const read = async (some: readonly RunFacts[]) => {
    const runs = some.map(({ run }) => run);
    return { runs, passes: await passesOfRuns(store, runs) };
  };
  for await (const { runs, passes } of ahead(batches(ready, BATCH), read)) for (const run of runs) yield [run, passes];
}

/** The pass to start from: the newest completed one, or the numbered one. */
export function prerequisitePass(of: readonly JobDoc[], { pass, version }: Choice): number | undefined {
  const those = version === undefined ? of : of.filter((job) => job.version === version);
  return chosen(those, pass === 'new' ? 'latest' : pass)?.pass;
}

function inNeedOrder(file: ModuleFile, modules: readonly string[]): string[] {
  const ordered: string[] = [];
  const visit = (name: string): void => {
    if (ordered.includes(name)) return;
    for (const need of file.modules[name]?.needs ?? []) if (modules.includes(need)) visit(need);
    ordered.push(name);
  };
  modules.forEach(visit);
  return ordered;
}

/**
 * Pass numbers of the plan that another request (or automatic processing) took first are planned anew, in the request
 * itself, so that every later call sees the same plan.
 */
export async function renumber(ports: Ports, request: RequestDoc): Promise<RequestDoc> {
  const docs = await ports.store.get<JobDoc>(request.plan.map((item) => jobId(item.run, item.module, item.pass)));
  const taken = [...docs.values()].filter((job) => job.request !== request.name);
  if (taken.length === 0) return request;
  const moved = new Map<string, number>();
  const passes = await passesOfRuns(
    ports.store,
    taken.map(({ run }) => run),
  );
  for (const { run, module, pass } of taken) {
    moved.set(`${run}/${module}/${pass}`, nextPass(passes.get(`${run}/${module}`) ?? []));
  }
  const passOf = (run: number, module: string, pass: number): number => moved.get(`${run}/${module}/${pass}`) ?? pass;
  return changePlan(ports.store, request, (whole) => {
    const own = new Set(whole.plan.map((item) => `${item.run}/${item.module}/${item.pass}`));
    const plan = whole.plan.map((item) => ({
      ...item,
      pass: passOf(item.run, item.module, item.pass),
      needs: item.needs.map(({ module, pass }) => {
        const planned = own.has(`${item.run}/${module}/${pass}`);
        return { module, pass: planned ? passOf(item.run, module, pass) : pass };
      }),
    }));
    return { ...whole, plan };
  });
}

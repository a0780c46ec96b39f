// Saving the plan of a dry run: each pass as it would be made.
import type { DataDoc } from '../../../domain/data/data.ts';
import { dataId, jobId } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import type { PlanItem, RequestDoc } from '../../../domain/jobs/request.ts';
import { markOf, type PlanFile, type PlanPass } from '../../../domain/jobs/requests/planfile.ts';
import { plannedPass } from '../../../domain/jobs/requests/plannedpass.ts';
import type { ModuleFile } from '../../../domain/modules/modules.ts';
import { given } from '../../../util/values/given.ts';
import { batches } from '../../../util/values/group.ts';
import { withPlan } from '../../jobs/requests/requestplan.ts';
import type { Ports } from '../../ports.ts';
import { moduleFile } from './asking.ts';

/** Passes that are described together. */
const BATCH = 500;

/** What a dry run is asked to save. */
export interface Saving {
  /** Ranges of runs that were asked for. */
  readonly ranges: readonly (readonly [number, number])[];
  /** The command that makes the plan. */
  readonly command: string;
  write(plan: PlanFile): Promise<void>;
}

/** Saves the request as the dry run has decided it: passes that could not be made are not part of it. */
export async function savePlan(ports: Ports, request: RequestDoc, saving: Saving): Promise<void> {
  const { store, settings } = ports;
  const doc = (await store.get<RequestDoc>([request._id])).get(request._id) ?? request;
  const { plan } = await withPlan(store, doc);
  const passes = await described(ports, doc.level, plan);
  const { name, version, level, modules, priority, labels, prerequisite, tag, after, text } = doc;
  const { uuid = '' } = await store.identity();
  await saving.write({
    head: {
      ...{ experiment: settings.experiment, store: uuid, made: await store.now(), by: ports.by },
      ...{ command: saving.command, configuration: settings.hash, modules: moduleMarks(moduleFile(ports, version)) },
      passes: passes.length,
    },
    request: {
      ...{ name, version, level, modules, runs: doc.runs ?? [], ranges: saving.ranges },
      ...{ priority, labels, prerequisite, ...given({ tag, after, text }) },
    },
    estimate: doc.estimate ?? { jobs: 0, cpu: 0, wall: 0, bytes: 0, unmeasured: [] },
    passes,
  });
}

export function moduleMarks({ modules }: ModuleFile): Record<string, string> {
  return Object.fromEntries(Object.entries(modules).map(([name, module]) => [name, markOf(module)]));
}

/** The passes of a plan as their documents are; without those that have none. */
export async function described({ store }: Ports, level: string, plan: readonly PlanItem[]): Promise<PlanPass[]> {
  const own = new Set(plan.map(({ run, module, pass }) => jobId(run, module, pass)));
  const all: PlanPass[] = [];
  for (const some of batches(plan, BATCH)) {
    const [jobs, data] = await Promise.all([
      store.get<JobDoc>(some.map(({ run, module, pass }) => jobId(run, module, pass))),
      store.get<DataDoc>([...new Set(some.map(({ run }) => dataId(level, run)))]),
    ]);
    const needed = [...jobs.values()].flatMap(({ needs }) => needs.map(({ job }) => job));
    const needs = await store.get<JobDoc>([...new Set(needed)]);
    for (const { run, module, pass } of some) {
      const job = jobs.get(jobId(run, module, pass));
      if (job) all.push(plannedPass(job, { data: data.get(dataId(level, run)), needs, own }));
    }
  }
  return all;
}

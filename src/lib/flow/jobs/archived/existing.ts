// The passes that exist already, and the runs whose passes are not in the store.
import { JOB, jobId } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import type { RunFacts } from '../../../domain/jobs/readiness.ts';
import type { ModuleDef, ModuleFile } from '../../../domain/modules/modules.ts';
import { denseSpansOfRuns, type ReadStore, spansOfRuns } from '../../../store.ts';
import { groupBy } from '../../../util/values/group.ts';
import type { Ports } from '../../ports.ts';
import { archivedOf } from './archived.ts';

/** A pass that is wanted. */
export interface Wanted {
  readonly facts: RunFacts;
  readonly file: ModuleFile;
  readonly module: ModuleDef;
  /** Pass number, when a plan has fixed it. */
  readonly pass?: number;
  /** Prerequisite passes fixed by a plan; without it: those made together with it, else the newest completed ones. */
  readonly needs?: readonly { readonly module: string; readonly pass: number }[];
  readonly request?: string;
  readonly priority: number;
  readonly labels: readonly string[];
  readonly tag?: string;
}

/**
 * Passes that exist already, by `run/module`, ascending: ranges where runs are neighbours, else one multi-get for first
 * passes, and ranges where there are any. And the runs whose passes are not in the store. Whoever archives looks for passes and requests after the mark is written,
 * so that of two who meet here at least one sees the other.
 */
export async function existingPasses({ store }: Ports, wanted: readonly Wanted[]) {
  const runsOf = (some: readonly Wanted[]): number[] => [...new Set(some.map((want) => want.facts.run))];
  const automatic = wanted.filter((want) => want.request === undefined);
  const names = new Set(automatic.flatMap((want) => [want.module.name, ...want.module.needs]));
  const ids = runsOf(automatic).flatMap((run) => [...names].map((name) => jobId(run, name, 1)));
  const all = runsOf(wanted);
  if (denseSpansOfRuns(JOB, all)) {
    const [existing, archived] = await Promise.all([passesOfRuns(store, all), archivedOf(store, all)]);
    return { existing, archived };
  }
  const [firsts, archived] = await Promise.all([store.get<JobDoc>(ids), archivedOf(store, all)]);
  const asked = wanted.filter((want) => want.request !== undefined);
  const existing = await passesOfRuns(store, [...[...firsts.values()].map(({ run }) => run), ...runsOf(asked)]);
  return { existing, archived };
}

/** All passes of runs, by `run/module`, ascending. */
export async function passesOfRuns(store: ReadStore, runs: readonly number[]): Promise<Map<string, JobDoc[]>> {
  const found = await store.ranges<JobDoc>(spansOfRuns(JOB, runs));
  return groupBy(found, ({ run, module }) => `${run}/${module}`);
}

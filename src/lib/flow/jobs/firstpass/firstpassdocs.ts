// How far the first pass of runs is, on documents read now, and which of its jobs a REF names.
import {
  COMMAND_JOB,
  type FirstPassDoc,
  type FirstPassState,
  firstPassId,
  firstPassJobs,
  firstPassStates,
  jobOf,
} from '../../../domain/firstpass/firstpass.ts';
import type { RunDoc } from '../../../domain/runs/run.ts';
import type { JobRef } from '../../../domain/selection.ts';
import { spansOfRuns } from '../../../store.ts';
import type { Iso } from '../../../util/time.ts';
import { groupBy } from '../../../util/values/group.ts';
import type { ReadPorts } from '../../ports.ts';

/** The documents of the first pass by run, then by job; nothing is read where no job is configured. */
export async function firstPassDocs(
  { store, settings }: Pick<ReadPorts, 'store' | 'settings'>,
  runs: readonly number[],
): Promise<Map<number, Map<string, FirstPassDoc>>> {
  if (firstPassJobs(settings.tables).length === 0 || runs.length === 0) return new Map();
  const docs = await store.ranges<FirstPassDoc>(spansOfRuns('firstpass:', runs));
  const byRun = groupBy(docs, ({ run }) => run);
  return new Map([...byRun].map(([run, some]) => [run, new Map(some.map((doc) => [jobOf(doc), doc]))]));
}

/** What `statesOfRun` is made of. */
export interface FirstPassOf {
  readonly doc: RunDoc | undefined;
  readonly run: number;
  readonly types: readonly string[];
  readonly docs: ReadonlyMap<string, FirstPassDoc> | undefined;
  readonly tables: Readonly<Record<string, string | undefined>> | undefined;
}

/** The jobs of one run; none of a run that was processed before it had any. */
export function statesOfRun({ settings }: Pick<ReadPorts, 'settings'>, of: FirstPassOf, now: Iso): FirstPassState[] {
  const { doc, run, types, docs = new Map(), tables = {} } = of;
  const { version } = settings.automatic;
  if (docs.size === 0 && version !== undefined && doc?.automatic?.[version]) return [];
  return firstPassStates(settings.tables, { run, types, docs, tables, now });
}

/** A job of the first pass of one run. */
export interface NamedJob {
  readonly run: number;
  readonly job: string;
  readonly id: string;
}

/** The job that `109134/dq`, or the id of its document, names; `undefined` for any other REF. */
export function firstPassNamed({ settings }: Pick<ReadPorts, 'settings'>, ref: JobRef): NamedJob | undefined {
  const byId = /^firstpass:(\d{10})(?::(.+))?$/.exec(ref.id ?? '');
  if (byId) return named(Number(byId[1]), byId[2] ?? COMMAND_JOB);
  if (ref.run === undefined || ref.module === undefined || ref.pass !== undefined) return undefined;
  return firstPassJobs(settings.tables).some(({ name }) => name === ref.module)
    ? named(ref.run, ref.module)
    : undefined;
}

const named = (run: number, job: string): NamedJob => ({ run, job, id: firstPassId(run, job) });

// How a job document is made: its subjobs from the level of its module, the run's files, and its prerequisites.
// Pure and deterministic, so that two enqueuers make the same document under the same id.

import type { Iso } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import type { DataDoc } from '../data/data.ts';
import { SCHEMA } from '../doc.ts';
import { jobId } from '../ids.ts';
import { type ModuleDef, rootTypes } from '../modules/modules.ts';
import type { Input, JobDoc, Prerequisite, Subjob } from './job.ts';
import { passState, type Wake } from './states.ts';

export interface NewJob {
  readonly run: number;
  readonly module: ModuleDef;
  readonly pass: number;
  readonly version: string;
  readonly level: string;
  readonly data: DataDoc;
  readonly mask?: number;
  readonly request?: string;
  readonly priority: number;
  readonly labels: readonly string[];
  readonly tag?: string;
  readonly needs: readonly Prerequisite[];
  /** Subrun numbers of each prerequisite's subjobs; `undefined` entries for run level ones. */
  readonly prerequisites: readonly (readonly (number | undefined)[])[];
  /** Declared outputs of each prerequisite, type -> suffix: what `run_root` chooses from. */
  readonly outputs?: readonly Readonly<Record<string, string>>[];
  readonly tables: Readonly<Record<string, string>>;
  readonly hash: string;
  readonly wake: Wake;
}

/** A job in state waiting. */
export function newJob(from: NewJob, at: Iso, by: string, why: string): JobDoc {
  const subjobs = parts(from).map(
    (part, index): Subjob => ({
      index,
      ...part,
      attempt: 0,
      failures: 0,
      state: { name: 'waiting', since: at, wake: from.wake },
    }),
  );
  return {
    _id: jobId(from.run, from.module.name, from.pass),
    kind: 'job',
    v: SCHEMA,
    run: from.run,
    module: from.module.name,
    pass: from.pass,
    version: from.version,
    level: from.level,
    ...given({ mask: from.mask, request: from.request, tag: from.tag }),
    priority: from.priority,
    labels: from.labels,
    created: at,
    needs: from.needs,
    outputs: from.module.outputs,
    tables: from.tables,
    hash: from.hash,
    subjobs,
    state: passState(subjobs.map((subjob) => subjob.state)),
    since: at,
    history: [{ at, to: 'waiting', by, why }],
  };
}

/**
 * One part per subjob. `run_zdab` is all raw files and `run_root` all ROOT outputs, each in one. A sub_run module that reads raw files has one per file; one that starts from sub_run passes has
 * one per subrun of theirs; everything else is one subjob over all.
 */
function parts(from: NewJob): { subrun?: number; inputs: readonly Input[] }[] {
  const { module, data, needs, level } = from;
  const raw = (subrun?: number): Input[] =>
    module.raw
      ? data.files
          .filter((file) => subrun === undefined || file.subrun === subrun)
          .map((file) => ({ kind: 'raw', level, name: file.name }))
      : [];
  if (module.level === 'run_zdab') return [{ inputs: raw() }];
  if (module.level === 'run_root') return [{ inputs: rootInputs(from) }];
  const subruns = module.level === 'run' ? undefined : splitBy(from);
  if (!subruns) return [{ inputs: [...raw(), ...needs.map((need): Input => ({ kind: 'output', job: need.job }))] }];
  return subruns.map((subrun) => ({
    subrun,
    inputs: [
      ...raw(subrun),
      ...needs.map((need, at): Input => {
        const subjob = from.prerequisites[at]?.indexOf(subrun) ?? -1;
        return subjob < 0 ? { kind: 'output', job: need.job } : { kind: 'output', job: need.job, subjob };
      }),
    ],
  }));
}

/** The ROOT outputs of all prerequisites that have any; the others only order. */
function rootInputs({ needs, outputs }: NewJob): Input[] {
  return needs.flatMap((need, at): Input[] => {
    const types = rootTypes(outputs?.[at] ?? {});
    return types.length === 0 ? [] : [{ kind: 'output', job: need.job, types }];
  });
}

/** Subruns to split into; `undefined` when it cannot be split, because a prerequisite made one output for the run. */
function splitBy(from: NewJob): readonly number[] | undefined {
  if (from.module.raw) return from.data.files.map((file) => file.subrun);
  const [first] = from.prerequisites;
  if (!first || from.prerequisites.some((subruns) => subruns.includes(undefined))) return undefined;
  return first.filter((subrun): subrun is number => subrun !== undefined);
}

/** Subrun numbers of a pass's subjobs, as `NewJob.prerequisites` wants them. */
export function subrunsOf(job: JobDoc): readonly (number | undefined)[] {
  return job.subjobs.map((subjob) => subjob.subrun);
}

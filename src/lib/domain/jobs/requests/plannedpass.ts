// A pass as a saved plan describes it, and how two such descriptions differ. Pure.
import type { DataDoc, RawFile } from '../../data/data.ts';
import type { JobDoc } from '../job.ts';
import { markOf, type PlanPass } from './planfile.ts';

/** What a pass starts from: the raw files of its run, and the passes that it needs. */
export interface PassInputs {
  readonly data: DataDoc | undefined;
  readonly needs: ReadonlyMap<string, JobDoc>;
  /** Ids of passes of the same plan: they do not exist yet. */
  readonly own: ReadonlySet<string>;
}

export function plannedPass(job: JobDoc, { data, needs, own }: PassInputs): PlanPass {
  const raw = rawOf(job, data);
  return {
    run: job.run,
    module: job.module,
    pass: job.pass,
    needs: job.needs.map(({ module, pass, job: id }) => {
      const state = own.has(id) ? undefined : needs.get(id)?.state;
      return { module, pass, ...(state === undefined ? {} : { state }) };
    }),
    subjobs: job.subjobs.length,
    labels: job.labels,
    lost: lostOf(raw),
    inputs: markOf([
      raw.map(({ name, size, adler32 }) => [name, size, adler32]),
      job.needs.map(({ job: id }) => (own.has(id) ? id : outputsOf(needs.get(id)))),
    ]),
    tables: markOf(Object.entries(job.tables).toSorted(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** The raw files that the pass reads. */
function rawOf(job: JobDoc, data: DataDoc | undefined): RawFile[] {
  const names = new Set(
    job.subjobs.flatMap(({ inputs }) => inputs.flatMap((one) => (one.kind === 'raw' ? one.name : []))),
  );
  return (data?.files ?? []).filter(({ name }) => names.has(name));
}

/** Files that the pass reads of which no good copy is left. */
function lostOf(files: readonly RawFile[]): string[] {
  const lost = files.filter(({ original, replicas }) => {
    return original.state !== 'present' && !Object.values(replicas).some(({ state }) => state === 'verified');
  });
  return lost.map(({ name }) => name);
}

function outputsOf(job: JobDoc | undefined): unknown[] {
  return (job?.subjobs ?? []).flatMap(({ state }) =>
    state.name === 'completed' ? state.outputs.map(({ name, size, adler32 }) => [name, size, adler32]) : [state.name],
  );
}

/** What differs from the plan, in words; empty when nothing differs. */
export function planDifferences(saved: PlanPass, now: PlanPass): string[] {
  const needs = saved.needs.flatMap(({ module, pass, state }) => {
    const other = now.needs.find((one) => one.module === module);
    if (!other || other.pass !== pass)
      return `it starts from ${module} ${other?.pass ?? 'of no pass'} now, not ${pass}`;
    return other.state === state
      ? []
      : `${module} ${pass} is ${other.state ?? 'not there'} now, and was ${state ?? 'to be made'}`;
  });
  const gone = now.lost.filter((name) => !saved.lost.includes(name));
  const lost = gone.length === 0 ? [] : [`no copy of ${gone.join(', ')} is left`];
  const count = saved.subjobs === now.subjobs ? [] : [`it has ${now.subjobs} subjobs now, not ${saved.subjobs}`];
  const labels =
    markOf(saved.labels) === markOf(now.labels) ? [] : [`its labels are ${now.labels.join(', ') || 'none'} now`];
  const tables = saved.tables === now.tables ? [] : ['its run tables are others now'];
  const inputs = saved.inputs === now.inputs || needs.length > 0 ? [] : ['its input files are others now'];
  return [...lost, ...needs, ...count, ...labels, ...tables, ...inputs];
}

// The decision of a rebuild: from what was found, and what the store has, to documents. Pure.
import type { DataDoc } from '../../../domain/data/data.ts';
import { SCHEMA } from '../../../domain/doc.ts';
import { dataId, jobId, refOf } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import { newJob, subrunsOf } from '../../../domain/jobs/newjob.ts';
import type { ModuleDef } from '../../../domain/modules/modules.ts';
import {
  type FoundOutput,
  type RebuiltPass,
  type Recorded,
  rebuiltPass,
  typeName,
} from '../../../domain/rebuilt/passes.ts';
import { type RebuiltFiles, rebuiltFiles, withFound, withLevels } from '../../../domain/rebuilt/rawfiles.ts';
import type { RunDoc } from '../../../domain/runs/run.ts';
import type { Settings } from '../../../domain/settings.ts';
import { counted } from '../../../util/text/counted.ts';
import type { Iso } from '../../../util/time.ts';
import { groupBy } from '../../../util/values/group.ts';
import type { Gathered } from './gather.ts';

export interface Who {
  readonly at: Iso;
  readonly by: string;
  readonly host: string;
}

/** What a run is rebuilt from, by level and by pass. */
export interface RunFound {
  readonly run: number;
  readonly levels: ReadonlyMap<string, RebuiltFiles>;
  readonly outputs: readonly FoundOutput[];
}

/** What was found, run by run. */
export function foundByRun({ files, outputs }: Gathered, { experiment }: Settings, at: Iso): RunFound[] {
  const raw = groupBy(files, ({ run }) => run);
  const made = groupBy(outputs, ({ run }) => run);
  const runs = [...new Set([...raw.keys(), ...made.keys()])].sort((a, b) => a - b);
  return runs.map((run) => {
    const byLevel = groupBy(raw.get(run) ?? [], ({ level }) => level);
    const levels = new Map([...byLevel].map(([level, some]) => [level, rebuiltFiles(some, experiment, at)]));
    return { run, levels, outputs: made.get(run) ?? [] };
  });
}

/** The data document with the files that were found; `undefined`: it has them. */
export function dataWith(
  doc: DataDoc | undefined,
  found: RunFound,
  level: string,
  settings: Settings,
  who: Who,
): DataDoc | undefined {
  const keep = settings.buffers.find((buffer) => buffer.level === level)?.keep ?? 1;
  return withFound(doc, { level, run: found.run }, found.levels.get(level)?.files ?? [], { ...who, keep });
}

/** The run with its levels; register says afterwards which of them are complete. `undefined`: it has them. */
export function runWith(
  doc: RunDoc | undefined,
  found: RunFound,
  mask: number | undefined,
  { at, by }: Who,
): RunDoc | undefined {
  const files = new Map([...found.levels].map(([level, one]) => [level, one.files.length]));
  const next = withLevels(doc, found.run, files, { at, by, to: 'rebuilt' });
  return next && !doc && mask !== undefined ? { ...next, mask, maskFrom: 'raw header' } : next;
}

/** Every pass of a run that outputs or records prove and that `existing` does not know to have ended. */
export function passesOf(
  found: RunFound,
  existing: ReadonlyMap<string, JobDoc>,
  data: DataDoc | undefined,
  records: Gathered['records'],
  settings: Settings,
  who: Who,
): RebuiltPass[] {
  const groups = groupBy(found.outputs, ({ module, pass }) => jobId(found.run, module, pass));
  const made = new Map<string, JobDoc>(existing);
  const rebuilt: RebuiltPass[] = [];
  const make = (id: string, outputs: readonly FoundOutput[]): void => {
    const [first] = outputs;
    if (!first || rebuilt.some(({ job }) => job._id === id)) return;
    groups.delete(id);
    const { def, version } = moduleFor(settings, first.module, outputs, records);
    for (const need of def.needs)
      for (const [other, some] of [...groups]) if (some[0]?.module === need) make(other, some);
    const known = existing.get(id);
    const skeleton = known ?? skeletonOf(first, def, version, [...made.values()], data, settings, who);
    const site = settings.farm;
    const pass = rebuiltPass({
      ...who,
      skeleton,
      known: known !== undefined,
      found: outputs,
      records,
      site,
      experiment: settings.experiment,
    });
    made.set(id, pass?.job ?? skeleton);
    if (pass) rebuilt.push(pass);
  };
  for (const [id, outputs] of [...groups]) make(id, outputs);
  return rebuilt;
}

/** The version of the result record; else the automatic version if it has the module, else the last version that has it. */
function moduleFor(
  settings: Settings,
  name: string,
  outputs: readonly FoundOutput[],
  records: ReadonlyMap<string, Recorded>,
) {
  const { automatic, modules } = settings;
  const said = outputs.map(({ execution }) => records.get(execution)?.version).find((one) => one !== undefined);
  if (said !== undefined) return { def: modules[said]?.modules[name] ?? guessed(name, outputs), version: said };
  const versions = [automatic.version, ...Object.keys(modules).sort().reverse()].filter((one) => one !== undefined);
  const version = versions.find((one) => modules[one]?.modules[name]);
  const def = version === undefined ? undefined : modules[version]?.modules[name];
  return { def: def ?? guessed(name, outputs), version: version ?? versions[0] ?? 'unknown' };
}

/** A module that no file defines any more: its outputs are those that were found. */
function guessed(name: string, found: readonly FoundOutput[]): ModuleDef {
  const outputs = Object.fromEntries(found.map(({ suffix }) => [typeName(suffix), suffix]));
  const rest = { run: 'false', level: 'run', needs: [], raw: false, inputs: 'stream', files: [] } as const;
  return { name, ...rest, outputs, cpus: 1, tries: 1, env: {} };
}

function skeletonOf(
  { run, pass }: FoundOutput,
  module: ModuleDef,
  version: string,
  others: readonly JobDoc[],
  data: DataDoc | undefined,
  { automatic: { level }, hash }: Settings,
  { at, by, host }: Who,
): JobDoc {
  const needed = module.needs.flatMap((need) => prerequisite(others, need, pass) ?? []);
  const none = { files: [], done: [], history: [], keep: { kept: true, rule: 'all' }, host };
  const job = newJob(
    {
      ...{ run, module, pass, version, level, hash, tables: {}, priority: 0, labels: [], wake: { kind: 'ready' } },
      data: data ?? { _id: dataId(level, run), kind: 'data', v: SCHEMA, level, run, ...none },
      needs: needed.map((need) => ({ module: need.module, pass: need.pass, job: need._id })),
      prerequisites: needed.map(subrunsOf),
      outputs: needed.map(({ outputs }) => outputs),
    },
    at,
    by,
    'rebuilt',
  );
  // Inputs may name only documents that exist.
  return data
    ? job
    : {
        ...job,
        subjobs: job.subjobs.map((subjob) => ({
          ...subjob,
          inputs: subjob.inputs.filter(({ kind }) => kind === 'output'),
        })),
      };
}

/** No output says which pass it was made from: the pass of the same number is assumed, else the last one. */
function prerequisite(others: readonly JobDoc[], module: string, pass: number): JobDoc | undefined {
  const passes = others.filter((job) => job.module === module).sort((a, b) => a.pass - b.pass);
  return passes.find((job) => job.pass === pass) ?? passes.at(-1);
}

/** `L1: 2 files, 2 at disk, 1 on the buffer`. */
export function runText(found: RunFound, mask: number | undefined): string {
  const levels = [...found.levels].map(([level, { files }]) => {
    const names = [...new Set(files.flatMap(({ replicas }) => Object.keys(replicas)))].sort();
    const places = names.map((name) => `${files.filter((file) => file.replicas[name]).length} at ${name}`);
    const here = files.filter(({ original }) => original.state !== 'purged').length;
    return `${level}: ${[counted(files.length, 'file'), ...places, `${here} on the buffer`].join(', ')}`;
  });
  const raw = levels.length > 0 ? levels.join('; ') : 'no storage element has a raw file of this run';
  return mask === undefined ? `${raw}; its type is not known` : raw;
}

export const refOfRun = ({ run }: RunFound): string => refOf(run);

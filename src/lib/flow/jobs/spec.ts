// From a job document to what the wrapper is told: pure, given the storage elements.

import type { DataDoc } from '../../domain/data/data.ts';
import { pad, refOf, runPad } from '../../domain/ids.ts';
import type { Input, JobDoc, Subjob } from '../../domain/jobs/job.ts';
import { rawSource } from '../../domain/jobs/rawsource.ts';
import type { Output } from '../../domain/jobs/states.ts';
import { fillMacro } from '../../domain/modules/macro.ts';
import { type ModuleDef, outputName } from '../../domain/modules/modules.ts';
import type { FarmSettings, StorageSettings } from '../../domain/settings.ts';
import type { Storage } from '../../storage.ts';
import { ItemError } from '../../util/errors.ts';
import { given } from '../../util/values/given.ts';
import { type JobSpec, quote, type StageIn, type StageOut } from '../../wrapper/spec.ts';

export interface SpecContext {
  readonly farm: FarmSettings;
  readonly module: ModuleDef;
  readonly data: DataDoc | undefined;
  readonly prerequisites: ReadonlyMap<string, JobDoc>;
  /** Storage elements that the farm reads or writes, opened. */
  readonly storages: ReadonlyMap<string, Storage>;
  readonly storageSettings: readonly StorageSettings[];
  readonly types: readonly string[];
  readonly experiment: string;
}

/** Declared outputs of a subjob: type -> final file name. */
export function outputNames(job: JobDoc, subjob: Subjob): { readonly type: string; readonly name: string }[] {
  return Object.entries(job.outputs).map(([type, suffix]) => ({
    type,
    name: outputName(job.module, job.run, subjob.subrun ?? 0, job.pass, suffix),
  }));
}

/** Folder of a pass's outputs at a storage element; each execution has its own below it. */
export function outputFolder(job: JobDoc): string {
  return `outputs/${job.module}/${runPad(job.run)}/p${pad(job.pass, 3)}`;
}

/** The task of one subjob under one key. Throws ItemError when an input has no readable copy. */
export function jobSpec(job: JobDoc, subjob: Subjob, key: string, context: SpecContext): JobSpec {
  const { farm, module } = context;
  const subrun = subjob.subrun ?? 0;
  const inputs = subjob.inputs.flatMap((input) => sources(job, input, context));
  const outputs = outputNames(job, subjob);
  const memory = subjob.resources?.memory ?? module.memory;
  const time = subjob.resources?.time ?? module.time;
  return {
    key,
    ref: refOf(job.run, job.module, job.pass, subjob.index),
    setup: farm.setup[job.version] ?? '',
    command: commandOf(job, subrun, inputs, outputs, context),
    inputs,
    files: module.files,
    outputs,
    env: {
      ...farm.env,
      ...module.env,
      ...parameterEnv(module),
      DFLOW_EXPERIMENT: context.experiment,
      DFLOW_RUN: String(job.run),
      DFLOW_SUBRUN: String(subrun),
      DFLOW_PASS: String(job.pass),
      DFLOW_MODULE: job.module,
      DFLOW_VERSION: job.version,
      DFLOW_RUN_TYPES: context.types.join(','),
      ...given({ DFLOW_TAG: job.tag }),
    },
    limit: time === undefined ? 0 : Math.ceil(time / 1000),
    destinations: farm.output.map((name) => destination(job, name, context)),
    protocols: scriptsOf(context),
    cpus: module.cpus,
    ...given({ memory }),
  };
}

/** The payload's command. A macro is written into the scratch folder by the command itself, wherever that will be. */
function commandOf(
  job: JobDoc,
  subrun: number,
  inputs: readonly StageIn[],
  outputs: readonly { readonly type: string; readonly name: string }[],
  { module, experiment }: SpecContext,
): string {
  if (!module.macro) return module.run;
  const text = fillMacro(module.macro.text, {
    run: job.run,
    subrun,
    pass: job.pass,
    module: job.module,
    version: job.version,
    level: job.level,
    experiment,
    tag: job.tag ?? '',
    inputs: inputs.map((input) => (input.copy ? input.name : input.source)),
    outputs: Object.fromEntries(outputs.map(({ type, name }) => [type, name])),
    parameters: module.parameters ?? {},
  });
  const name = quote(module.macro.name);
  return `printf '%s' ${quote(text)} >${name} || exit 74\n${module.run.replaceAll('{macro}', name)}`;
}

function parameterEnv({ parameters = {} }: ModuleDef): Record<string, string> {
  return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [`DFLOW_PARAM_${name}`, value]));
}

function sources(job: JobDoc, input: Input, context: SpecContext): StageIn[] {
  if (input.kind === 'raw') {
    const found = rawSource(context.data, input, context.farm.reads);
    if (!found)
      throw new ItemError(`${job._id}: ${input.name} has no verified copy that ${context.farm.name} can read`);
    return [stageIn(found.storage, found.path, found.file, context)];
  }
  const prerequisite = context.prerequisites.get(input.job);
  const subjobs =
    prerequisite?.subjobs.filter((subjob) => input.subjob === undefined || subjob.index === input.subjob) ?? [];
  const outputs = subjobs.flatMap((subjob) => (subjob.state.name === 'completed' ? subjob.state.outputs : []));
  const wanted = outputs.filter((output) => !input.types || input.types.includes(output.type));
  if (wanted.length === 0) throw new ItemError(`${job._id}: ${input.job} has no outputs`);
  return nearest(wanted, context).map((output) => stageIn(output.storage, output.path, output, context));
}

/** A file as catalogued: what the wrapper compares with what arrives. */
interface Known {
  readonly name: string;
  readonly size: number;
  readonly adler32: string;
}

/** One copy of each: a good one that the farm reads, in the order in which it names the elements. */
function nearest(outputs: readonly Output[], { farm, storages }: SpecContext): Output[] {
  const rank = ({ storage, bad }: Output): number => {
    const place = farm.reads.indexOf(storage);
    const known = place >= 0 ? place : storages.has(storage) ? farm.reads.length : farm.reads.length + 1;
    return bad === undefined ? known : known + farm.reads.length + 2;
  };
  const best = new Map<string, Output>();
  for (const output of outputs) {
    const other = best.get(output.name);
    if (!other || rank(output) < rank(other)) best.set(output.name, output);
  }
  return [...best.values()];
}

function stageIn(name: string, path: string, file: Known, context: SpecContext): StageIn {
  const { storage, settings } = element(name, context);
  if (!storage || !settings) throw new ItemError(`${context.farm.name} cannot read storage element ${name}`);
  const local = storage.localPath(path);
  const { inputs } = context.module;
  return {
    source: local ?? remoteUrl(storage, path),
    name: file.name,
    copy: inputs === 'download' || (local === undefined && inputs !== 'open'),
    protocol: settings.protocol,
    storage: name,
    size: file.size,
    adler32: file.adler32,
  };
}

function destination(job: JobDoc, name: string, context: SpecContext): StageOut {
  const { storage, settings } = element(name, context);
  if (!storage || !settings)
    throw new ItemError(`storage element ${name}, where ${context.farm.name} writes, is not configured`);
  const path = outputFolder(job);
  const { protocol } = settings;
  const local = storage.localPath(path);
  const option = local === undefined ? storage.worker?.option : storage.mode;
  return { storage: name, protocol, folder: local ?? remoteUrl(storage, path), path, ...given({ option }) };
}

/** What elements that are not mounted bring along for their files to be staged. */
function scriptsOf({ storages, storageSettings }: SpecContext): Record<string, string> {
  const scripts = storageSettings.flatMap(({ name, protocol }): [string, string][] => {
    const side = storages.get(name)?.worker;
    return side ? [[protocol, side.script]] : [];
  });
  return Object.fromEntries(scripts);
}

function element(name: string, { storages, storageSettings }: SpecContext) {
  return { storage: storages.get(name), settings: storageSettings.find((candidate) => candidate.name === name) };
}

function remoteUrl(storage: Storage, path: string): string {
  return storage.worker?.url(path) ?? storage.url(path);
}

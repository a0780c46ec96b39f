// From a job document to what the wrapper is told: pure, given the storage elements.
import type { DataDoc } from '../domain/data.ts';
import { pad, refOf, runPad } from '../domain/ids.ts';
import type { Input, JobDoc, Subjob } from '../domain/job.ts';
import { type ModuleDef, outputName } from '../domain/modules.ts';
import { rawSource } from '../domain/readiness.ts';
import type { FarmSettings, StorageSettings } from '../domain/settings.ts';
import type { Storage } from '../storage.ts';
import { ItemError } from '../util/errors.ts';
import type { JobSpec, StageIn, StageOut } from '../wrapper/spec.ts';

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
  return {
    key,
    ref: refOf(job.run, job.module, job.pass, subjob.index),
    setup: farm.setup[job.version] ?? '',
    command: module.run,
    inputs: subjob.inputs.flatMap((input) => sources(job, input, context)),
    files: module.files,
    outputs: outputNames(job, subjob),
    env: {
      ...farm.env,
      ...module.env,
      DFLOW_EXPERIMENT: context.experiment,
      DFLOW_RUN: String(job.run),
      DFLOW_SUBRUN: String(subrun),
      DFLOW_PASS: String(job.pass),
      DFLOW_MODULE: job.module,
      DFLOW_VERSION: job.version,
      DFLOW_RUN_TYPES: context.types.join(','),
      ...(job.tag === undefined ? {} : { DFLOW_TAG: job.tag }),
    },
    limit: module.time === undefined ? 0 : Math.ceil(module.time / 1000),
    destinations: farm.output.map((name) => destination(job, name, context)),
    cpus: module.cpus,
    ...(module.memory === undefined ? {} : { memory: module.memory }),
  };
}

function sources(job: JobDoc, input: Input, context: SpecContext): StageIn[] {
  if (input.kind === 'raw') {
    const found = rawSource(context.data, input, context.farm.reads);
    if (!found)
      throw new ItemError(`${job._id}: ${input.name} has no verified replica that ${context.farm.name} can read`);
    return [stageIn(found.storage, found.path, found.file, context)];
  }
  const prerequisite = context.prerequisites.get(input.job);
  const subjobs =
    prerequisite?.subjobs.filter((subjob) => input.subjob === undefined || subjob.index === input.subjob) ?? [];
  const outputs = subjobs.flatMap((subjob) => (subjob.state.name === 'completed' ? subjob.state.outputs : []));
  const wanted = outputs.filter((output) => !input.types || input.types.includes(output.type));
  if (wanted.length === 0) throw new ItemError(`${job._id}: ${input.job} has no outputs`);
  return wanted.map((output) => stageIn(output.storage, output.path, output, context));
}

/** A file as catalogued: what the wrapper compares with what arrives. */
interface Known {
  readonly name: string;
  readonly size: number;
  readonly adler32: string;
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
    size: file.size,
    adler32: file.adler32,
  };
}

function destination(job: JobDoc, name: string, context: SpecContext): StageOut {
  const { storage, settings } = element(name, context);
  if (!storage || !settings)
    throw new ItemError(`storage element ${name}, where ${context.farm.name} writes, is not configured`);
  const path = outputFolder(job);
  const { protocol, options } = settings;
  const folder = storage.localPath(path) ?? remoteUrl(storage, path);
  return { storage: name, protocol, folder, path, ...(options.posc === false && { posc: false }) };
}

function element(name: string, { storages, storageSettings }: SpecContext) {
  return { storage: storages.get(name), settings: storageSettings.find((candidate) => candidate.name === name) };
}

function remoteUrl(storage: Storage, path: string): string {
  return storage.toolUrl?.(path) ?? storage.url(path);
}

// Modules: named kinds of jobs, defined per software version in one file each. Validated where they are read
// (cli/config); here are the shapes and the rules that follow from them.
import { ItemError } from '../../util/errors.ts';
import { pad, runPad } from '../ids.ts';
import type { PolicyRule } from '../jobs/policyrule.ts';
import type { Macro } from './macro.ts';

/**
 * What one subjob is. `sub_run`: one subrun; `run`: everything at once; `run_zdab`: all raw files of the run;
 * `run_root`: all ROOT outputs of the prerequisites.
 */
export const MODULE_LEVELS = ['sub_run', 'run', 'run_zdab', 'run_root'] as const;
export type ModuleLevel = (typeof MODULE_LEVELS)[number];

export interface ModuleDef {
  readonly name: string;
  /** Shell command; inputs are its arguments, `$OUT_<type>` the files to write, `{macro}` the filled-in macro. */
  readonly run: string;
  /** A command file with parameters, filled in for each job. */
  readonly macro?: Macro;
  /** The module's own parameters: `{name}` in the macro, `$DFLOW_PARAM_name` for the command. */
  readonly parameters?: Readonly<Record<string, string>>;
  readonly level: ModuleLevel;
  /** Output type -> file-name suffix: `ntuple` -> `ntuple.root`. */
  readonly outputs: Readonly<Record<string, string>>;
  readonly needs: readonly string[];
  /** Reads raw files (default: when it needs nothing). */
  readonly raw: boolean;
  /**
   * `stream`: mounted inputs are given where they are, others are downloaded; `download`: all are copied to the scratch
   * folder first; `open`: none is copied, those that are not mounted are given as URLs.
   */
  readonly inputs: 'stream' | 'download' | 'open';
  /** Files linked into the scratch folder, absolute paths; `./x` in `run` adds itself. */
  readonly files: readonly string[];
  /** Time limit of the payload, milliseconds. */
  readonly time?: number;
  readonly cpus: number;
  /** MiB. */
  readonly memory?: number;
  /** Failed attempts before it fails for good. */
  readonly tries: number;
  readonly env: Readonly<Record<string, string>>;
  /** False: its passes are made before the run tables exist. Absent: they wait. */
  readonly needsTables?: boolean;
  /** Rules that stand before those of the configuration. */
  readonly policy?: readonly PolicyRule[];
}

/** Those of the modules that need no run tables, and nothing from a module that does. */
export function withoutTables(file: ModuleFile, names: readonly string[]): string[] {
  const free = (name: string): boolean => {
    const module = file.modules[name];
    return module?.needsTables === false && module.needs.every(free);
  };
  return names.filter(free);
}

/** `./x` in a command: a script that comes with the module file. */
export function scriptsIn(command: string): string[] {
  return [...command.matchAll(/(?:^|[\s;|&("'=`])(\.\/[^\s;|&)"'`$<>]+)/g)].flatMap(([, script]) => script ?? []);
}

/** Output types that are ROOT files, by their suffix. */
export function rootTypes(outputs: Readonly<Record<string, string>>): string[] {
  return Object.keys(outputs).filter((type) => /(^|\.)root$/.test(outputs[type] ?? ''));
}

/** Whether an output holds tables, which are loaded once its job is completed. */
export function isTables(type: string, name: string): boolean {
  return type === 'ratdb' || name.endsWith('.ratdb');
}

export interface ModuleFile {
  readonly version: string;
  readonly path: string;
  readonly modules: Readonly<Record<string, ModuleDef>>;
  /** Run type name, or `any` -> module names. */
  readonly runTypes: Readonly<Record<string, readonly string[]>>;
}

/** The module of this name. @throws ItemError where no file defines it */
export function moduleOf(file: ModuleFile | undefined, name: string): ModuleDef {
  const found = file?.modules[name];
  if (!found) throw new ItemError(`module '${name}' is not defined${file ? ` in ${file.path}` : ''}`);
  return found;
}

/** `Analysis40_r0000109134_s000_p001.ntuple.root` */
export function outputName(module: string, run: number, subrun: number, pass: number, suffix: string): string {
  return `${module}_r${runPad(run)}_s${pad(subrun, 3)}_p${pad(pass, 3)}.${suffix}`;
}

/**
 * The modules that the run's types ask for: those of each type it has and those of `any`, with what they need, in file
 * order.
 */
export function modulesFor(file: ModuleFile, types: readonly string[]): readonly string[] {
  const asked = new Set<string>();
  const ask = (name: string): void => {
    if (asked.has(name)) return;
    asked.add(name);
    for (const need of file.modules[name]?.needs ?? []) ask(need);
  };
  for (const type of ['any', ...types]) for (const name of file.runTypes[type] ?? []) ask(name);
  return Object.keys(file.modules).filter((name) => asked.has(name));
}

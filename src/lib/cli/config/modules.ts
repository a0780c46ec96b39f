// Module files, modules/VERSION.yaml: read, checked as a whole, made into the domain's ModuleFile.

import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { BadModules } from '../../domain/modules/badmodules.ts';
import type { Macro } from '../../domain/modules/macro.ts';
import { type ModuleDef, type ModuleFile, rootTypes, scriptsIn } from '../../domain/modules/modules.ts';
import { noSuch } from '../../domain/named.ts';
import { ConfigError, ItemError } from '../../util/errors.ts';
import { codeOf, wordsOf } from '../../util/systemerrors.ts';
import { byName, isTaken } from '../../util/values/byname.ts';
import { circleOf } from '../../util/values/circle.ts';
import { given } from '../../util/values/given.ts';
import { have, nth } from '../../util/values/have.ts';
import { readMacro } from './macros.ts';
import { ruleFindings, ruleOf } from './rules.ts';
import { check } from './yaml/check.ts';
import { type Path, type Problem, readYaml, type YamlFile } from './yaml/document.ts';
import type { Reading } from './yaml/read.ts';
import { moduleSchema, type RawModules } from './yaml/schema.ts';

type RawDef = RawModules['modules'][string];

export interface ModulesRead {
  /** Files without a mistake, by version. */
  readonly modules: Record<string, ModuleFile>;
  readonly bad: BadModules[];
  /** Every mistake of those that are bad. */
  readonly problems: Problem[];
  /** Text of every file read, macros too, for the configuration's hash. */
  readonly texts: string[];
}

/** Reads every module file beside the configuration. A file without content (all comments) is none. */
export function readModules(folder: string, runTypes: readonly string[], reading: Reading): ModulesRead {
  const read: ModulesRead = { modules: byName([]), bad: [], problems: [], texts: [] };
  for (const file of moduleFiles(folder)) {
    const version = basename(file).replace(/\.ya?ml$/, '');
    const before = read.problems.length;
    const modules = readFile(file, version, { folder, runTypes, reading, read });
    const problems = read.problems.slice(before);
    if (problems.length > 0) read.bad.push(badFile(version, file, problems, modules));
    else if (modules) read.modules[version] = modules;
  }
  return read;
}

interface Around {
  readonly folder: string;
  readonly runTypes: readonly string[];
  readonly reading: Reading;
  readonly read: ModulesRead;
}

/** One module file, as far as it says something; what is wrong with it goes to `read`. */
function readFile(file: string, version: string, { folder, runTypes, reading, read }: Around): ModuleFile | undefined {
  const text = textOf(file, reading, read);
  if (text === undefined) return undefined;
  const yaml = readYaml(file, text);
  if (yaml.value === null && yaml.syntax.length === 0) return undefined;
  read.texts.push(yaml.text);
  const checked = check(moduleSchema, yaml);
  if ('problems' in checked) {
    read.problems.push(...checked.problems);
    return undefined;
  }
  read.problems.push(...wholeProblems(checked.value, yaml, runTypes));
  const macros = readMacros(checked.value, yaml, folder, read, reading);
  const modules = moduleFile(checked.value, version, file, folder, macros);
  for (const { files } of Object.values(modules.modules)) {
    // An absolute path is a name of its own, like that of any program.
    for (const path of files.filter((path) => path.startsWith(`${folder}/`))) reading.require(path);
  }
  return modules;
}

/** One that cannot be read is a mistake like any other; one that others can write is not to be trusted at all. */
function textOf(file: string, reading: Reading, read: ModulesRead): string | undefined {
  try {
    return reading.text(file);
  } catch (error) {
    if (!(error instanceof ConfigError) || !(error.cause instanceof ItemError)) throw error;
    read.problems.push({ file, line: 1, column: 1, message: error.message });
    return undefined;
  }
}

function badFile(version: string, path: string, problems: readonly Problem[], modules?: ModuleFile): BadModules {
  const { line, column, message } = nth(problems, 0);
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  const text = `${path}:${line}:${column}: ${message}${more}`;
  return { version, path, text, files: Object.values(modules?.modules ?? {}).flatMap(({ files }) => files) };
}

/** Paths of the module files, sorted. */
export function moduleFiles(folder: string): string[] {
  try {
    const names = readdirSync(join(folder, 'modules')).filter((name) => /^[^.].*\.ya?ml$/.test(name));
    return names.sort().map((name) => join(folder, 'modules', name));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw new ConfigError('the folder of module files cannot be read', {
      where: join(folder, 'modules'),
      hint: wordsOf(error),
    });
  }
}

/** The macros of a file by module. What is wrong with one, and its text, goes to `read`. */
function readMacros(
  raw: RawModules,
  yaml: YamlFile,
  folder: string,
  read: ModulesRead,
  reading: Reading,
): Map<string, Macro> {
  const macros = new Map<string, Macro>();
  for (const [name, def] of Object.entries(raw.modules)) {
    if (def.macro === undefined) continue;
    const found = readMacro({
      file: def.macro,
      folders: [dirname(yaml.file), folder],
      outputs: Object.keys(outputsOf(def)),
      parameters: Object.keys(def.parameters ?? {}),
      at: { file: yaml.file, ...yaml.at(['modules', name, 'macro']) },
      read: reading.text,
    });
    read.problems.push(...found.problems);
    if (!found.macro) continue;
    read.texts.push(found.macro.text);
    macros.set(name, found.macro);
  }
  return macros;
}

/** What runs a macro when the module does not say. */
const RUN_MACRO = 'rat {macro}';

/** Declared outputs, and one of type `other_NAME` for each `other_suffix`. */
function outputsOf(def: RawDef): Record<string, string> {
  const others = (def.other_suffix ?? []).map((suffix) => [`other_${suffix.split('.')[0] ?? ''}`, suffix]);
  return { ...Object.fromEntries(others), ...def.outputs };
}

function moduleFile(
  raw: RawModules,
  version: string,
  path: string,
  folder: string,
  macros: ReadonlyMap<string, Macro>,
): ModuleFile {
  const modules = Object.entries(raw.modules).map(([name, def]): [string, ModuleDef] => {
    const needs = def.needs ?? [];
    return [
      name,
      {
        name,
        run: def.run ?? RUN_MACRO,
        level: def.level ?? 'sub_run',
        outputs: outputsOf(def),
        needs,
        raw: def.raw ?? (def.level === 'run_zdab' || needs.length === 0),
        inputs: def.inputs ?? 'stream',
        files: filesOf(def, [dirname(path), folder]),
        ...(def.needsTables === false ? { needsTables: false } : {}),
        cpus: def.cpus ?? 1,
        tries: def.tries ?? 3,
        env: def.env ?? {},
        ...given({ time: def.time, memory: def.memory }),
        ...(macros.has(name) ? { macro: have(macros, name) } : {}),
        ...given({ parameters: def.parameters }),
        ...(def.policy === undefined ? {} : { policy: def.policy.map(ruleOf) }),
      },
    ];
  });
  const types = Object.entries(raw.runTypes ?? {});
  return { version, path, modules: byName(modules), runTypes: byName(types) };
}

/** Files that are declared, and each `./x` in the command that exists beside the module file or the configuration. */
function filesOf(def: RawDef, folders: readonly string[]): string[] {
  const declared = (def.files ?? []).map((file) => located(file, folders) ?? resolve(folders.at(-1) ?? '.', file));
  const found = scriptsIn(def.run ?? '').flatMap((script) => located(script, folders) ?? []);
  return [...new Set([...declared, ...found])];
}

function located(file: string, folders: readonly string[]): string | undefined {
  return folders.map((folder) => resolve(folder, file)).find((path) => existsSync(path));
}

/** What only the whole file shows to be wrong. */
function wholeProblems(raw: RawModules, yaml: YamlFile, runTypes: readonly string[]): Problem[] {
  const names = Object.keys(raw.modules);
  const problems: Problem[] = [];
  const say = (path: Path, message: string, hint?: string): void => {
    problems.push({ file: yaml.file, ...yaml.at(path), message, ...(hint ? { hint } : {}) });
  };
  for (const [name, def] of Object.entries(raw.modules)) {
    for (const need of def.needs ?? []) {
      if (!names.includes(need)) {
        say(['modules', name, 'needs'], `${name} needs ${need}: ${noSuch('module', need, names)}`);
      }
    }
    const outputs = Object.entries(outputsOf(def));
    for (const [type, suffix] of outputs) {
      const problem = outputProblem(type, suffix, outputs);
      if (problem) say(['modules', name, 'outputs', type], `${name}: ${problem}`);
    }
    if (outputs.length === 0) say(['modules', name, 'outputs'], `${name} declares no output`);
    for (const { key, message, hint } of shapeProblems(name, def, raw)) say(['modules', name, key], message, hint);
    for (const { path, message, hint } of ruleFindings(def.policy ?? [], ['modules', name, 'policy'])) {
      say(path, `${name}: ${message}`, hint);
    }
  }
  for (const [type, asked] of Object.entries(raw.runTypes ?? {})) {
    if (type !== 'any' && !runTypes.includes(type)) {
      problems.push({
        file: yaml.file,
        ...yaml.atKey(['runTypes'], type),
        message: noSuch('run type', type, ['any', ...runTypes]),
      });
    }
    for (const name of asked) {
      if (!names.includes(name)) {
        say(['runTypes', type], noSuch('module', name, names));
      }
    }
  }
  const cycle = circleOf(Object.keys(raw.modules), (name) => raw.modules[name]?.needs ?? []);
  if (cycle) say(['modules', cycle[0] ?? '', 'needs'], `modules need each other in a circle: ${cycle.join(' -> ')}`);
  return problems;
}

interface Shape {
  readonly key: string;
  readonly message: string;
  readonly hint?: string;
}

/** Parts of one module that do not go together. */
function shapeProblems(name: string, def: RawDef, raw: RawModules): Shape[] {
  const problems: Shape[] = [];
  if (def.run === undefined && def.macro === undefined) {
    problems.push({ key: 'run', message: `${name} has neither run nor macro` });
  }
  if (def.macro === undefined && def.run?.includes('{macro}')) {
    problems.push({ key: 'run', message: `${name} runs {macro}, but names no macro`, hint: 'macro: FILE' });
  }
  if (def.level === 'run_zdab' && def.raw === false) {
    problems.push({ key: 'raw', message: `${name}: level run_zdab needs raw files, but raw is false` });
  }
  if (def.level !== 'run_root') return problems;
  const needed = (def.needs ?? []).map((need) => raw.modules[need]);
  if (!needed.some((need) => need && rootTypes(outputsOf(need)).length > 0)) {
    const hint = 'an output whose suffix ends in `root`';
    problems.push({ key: 'level', message: `${name}: level run_root needs a module with a ROOT output`, hint });
  }
  if (def.raw) problems.push({ key: 'raw', message: `${name}: level run_root reads no raw files` });
  return problems;
}

function outputProblem(type: string, suffix: string, all: readonly (readonly [string, string])[]): string | undefined {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(type) || isTaken(type)) {
    return `output type ${type} must be letters, digits and \`_\`: the command sees it as $OUT_${type}`;
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9_.+-]*$/.test(suffix)) {
    return `output ${type}: \`${suffix}\` is not a file-name suffix (letters, digits and \`. _ + -\`)`;
  }
  const other = all.find(([name, value]) => name !== type && value === suffix);
  return other && other[0] < type ? `outputs ${other[0]} and ${type} have the same suffix ${suffix}` : undefined;
}

// Module files, modules/VERSION.yaml: read, checked as a whole, made into the domain's ModuleFile.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { ModuleDef, ModuleFile } from '../../domain/modules.ts';
import { ConfigError, codeOf, messageOf } from '../../util/errors.ts';
import { suggestion } from '../../util/near.ts';
import { check } from './check.ts';
import { type Path, type Problem, readYaml, type YamlFile } from './document.ts';
import { moduleSchema, type RawModules } from './schema.ts';
import { listOf } from './values.ts';

export interface ModulesRead {
  readonly modules: Record<string, ModuleFile>;
  readonly problems: Problem[];
  /** Text of every file read, for the configuration's hash. */
  readonly texts: string[];
}

/** Reads every module file beside the configuration. A file without content (all comments) is none. */
export function readModules(folder: string, runTypes: readonly string[]): ModulesRead {
  const read: ModulesRead = { modules: {}, problems: [], texts: [] };
  for (const file of moduleFiles(folder)) {
    const yaml = readYaml(file, readText(file));
    if (yaml.value === null && yaml.syntax.length === 0) continue;
    read.texts.push(yaml.text);
    const checked = check(moduleSchema, yaml);
    if ('problems' in checked) {
      read.problems.push(...checked.problems);
      continue;
    }
    read.problems.push(...wholeProblems(checked.value, yaml, runTypes));
    const version = basename(file).replace(/\.ya?ml$/, '');
    read.modules[version] = moduleFile(checked.value, version, file, folder);
  }
  return read;
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
      hint: messageOf(error),
    });
  }
}

/** @throws ConfigError when the file cannot be read */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const why = codeOf(error) === 'EACCES' ? 'no permission' : messageOf(error);
    throw new ConfigError(`the file cannot be read: ${why}`, { where: file, cause: error });
  }
}

function moduleFile(raw: RawModules, version: string, path: string, folder: string): ModuleFile {
  const modules = Object.entries(raw.modules).map(([name, def]): [string, ModuleDef] => {
    const needs = listOf(def.needs);
    return [
      name,
      {
        name,
        run: def.run,
        level: def.level ?? 'sub_run',
        outputs: def.outputs,
        needs,
        raw: def.raw ?? needs.length === 0,
        inputs: def.inputs ?? 'stream',
        files: filesOf(def, [dirname(path), folder]),
        cpus: def.cpus ?? 1,
        tries: def.tries ?? 3,
        env: def.env ?? {},
        ...(def.time === undefined ? {} : { time: def.time }),
        ...(def.memory === undefined ? {} : { memory: def.memory }),
      },
    ];
  });
  const types = Object.entries(raw.runTypes ?? {}).map(([type, names]) => [type, listOf(names)]);
  return { version, path, modules: Object.fromEntries(modules), runTypes: Object.fromEntries(types) };
}

/** Files that are declared, and each `./x` in the command that exists beside the module file or the configuration. */
function filesOf(def: RawModules['modules'][string], folders: readonly string[]): string[] {
  const declared = listOf(def.files).map((file) => located(file, folders) ?? resolve(folders.at(-1) ?? '.', file));
  const named = [...def.run.matchAll(/(?:^|[\s;|&("'=`])(\.\/[^\s;|&)"'`$<>]+)/g)];
  const found = named.flatMap((match) => located(match[1] ?? '', folders) ?? []);
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
    for (const need of listOf(def.needs)) {
      if (!names.includes(need)) {
        say(['modules', name, 'needs'], `${name} needs ${need}, which is not defined`, suggestion(need, names));
      }
    }
    for (const [type, suffix] of Object.entries(def.outputs)) {
      const problem = outputProblem(type, suffix, Object.entries(def.outputs));
      if (problem) say(['modules', name, 'outputs', type], `${name}: ${problem}`);
    }
    if (Object.keys(def.outputs).length === 0) say(['modules', name, 'outputs'], `${name} declares no output`);
  }
  for (const [type, asked] of Object.entries(raw.runTypes ?? {})) {
    if (type !== 'any' && !runTypes.includes(type)) {
      problems.push({
        file: yaml.file,
        ...yaml.atKey(['runTypes'], type),
        message: `no run type is called ${type}`,
        hint: suggestion(type, ['any', ...runTypes]),
      });
    }
    for (const name of listOf(asked)) {
      if (!names.includes(name)) {
        say(['runTypes', type], `runTypes.${type} asks for ${name}, which is not defined`, suggestion(name, names));
      }
    }
  }
  const cycle = cycleOf(raw);
  if (cycle) say(['modules', cycle[0] ?? '', 'needs'], `modules need each other in a circle: ${cycle.join(' -> ')}`);
  return problems;
}

function outputProblem(type: string, suffix: string, all: readonly (readonly [string, string])[]): string | undefined {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(type)) {
    return `output type ${type} must be letters, digits and \`_\`: the command sees it as $OUT_${type}`;
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9_.+-]*$/.test(suffix)) {
    return `output ${type}: \`${suffix}\` is no file-name suffix (letters, digits and \`. _ + -\`)`;
  }
  const other = all.find(([name, value]) => name !== type && value === suffix);
  return other && other[0] < type ? `outputs ${other[0]} and ${type} have the same suffix ${suffix}` : undefined;
}

/** The first circle of prerequisites, as the names along it. */
function cycleOf(raw: RawModules): string[] | undefined {
  const done = new Set<string>();
  const walk = (name: string, trail: readonly string[]): string[] | undefined => {
    if (trail.includes(name)) return [...trail.slice(trail.indexOf(name)), name];
    if (done.has(name)) return undefined;
    for (const need of listOf(raw.modules[name]?.needs)) {
      const found = walk(need, [...trail, name]);
      if (found) return found;
    }
    done.add(name);
    return undefined;
  };
  for (const name of Object.keys(raw.modules)) {
    const found = walk(name, []);
    if (found) return found;
  }
  return undefined;
}

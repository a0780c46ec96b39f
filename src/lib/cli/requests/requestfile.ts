// The file of a request (`reprocess --file`): read, checked as a whole, every mistake with its line.
import { dirname, resolve } from 'node:path';
import { requestId } from '../../domain/ids.ts';
import type { RequestDoc } from '../../domain/jobs/request.ts';
import { noSuch } from '../../domain/named.ts';
import type { RunSet } from '../../domain/selection.ts';
import { readTag } from '../../flow/jobs/tables/tags.ts';
import type { Ports } from '../../flow/ports.ts';
import { idsWith } from '../../store.ts';
import { UsageError } from '../../util/errors.ts';
import { readBytes, readInput } from '../arguments/input.ts';
import { runsToSwitch } from '../arguments/selection.ts';
import { check } from '../config/yaml/check.ts';
import { type Path, type Problem, problemAt, problemsError, readYaml, type YamlFile } from '../config/yaml/document.ts';
import { type RawRequest, requestSchema } from '../config/yaml/schema/request.ts';

export interface AskedByFile {
  readonly raw: RawRequest;
  readonly runs: RunSet;
}

/** @throws UsageError, ConfigError: each mistake with file, line and key */
export async function readRequest(ports: Ports, name: string): Promise<AskedByFile> {
  const file = name === '-' ? 'standard input' : name;
  const text = name === '-' ? await readInput() : (await readBytes(name)).toString('utf8');
  if (text.trim() === '') throw new UsageError('the request is empty', { where: file, hint: 'dflow help request' });
  const yaml = readYaml(file, text);
  const checked = check(requestSchema, yaml);
  if ('problems' in checked) throw problemsError(checked.problems);
  const problems = await nameProblems(ports, checked.value, yaml);
  if (problems.length > 0) throw problemsError(problems);
  return { raw: checked.value, runs: await runsOf(checked.value, name === '-' ? '.' : dirname(name)) };
}

/** The runs; files of runs lie beside the request. */
async function runsOf({ runs }: RawRequest, folder: string): Promise<RunSet> {
  return runsToSwitch(runs.flat().map((word) => (word.startsWith('@') ? `@${resolve(folder, word.slice(1))}` : word)));
}

/** A problem for each name that is not defined, with its line. */
async function nameProblems(ports: Ports, raw: RawRequest, yaml: YamlFile): Promise<Problem[]> {
  const problems: Problem[] = [];
  const say = (path: Path, message: string): void => {
    problems.push({ file: yaml.file, ...yaml.at(path), message: `${path[0]}: ${message}` });
  };
  const { settings, store } = ports;
  const { modules, automatic, buffers } = settings;
  const version = raw.version ?? automatic.version;
  if (version === undefined) say([], 'version is missing, and the configuration has no automatic one');
  else if (!modules[version] && !settings.badModules.some((bad) => bad.version === version))
    say(['version'], noSuch('version', version, Object.keys(modules)));
  const known = version === undefined ? undefined : modules[version]?.modules;
  for (const [at, module] of raw.modules.entries()) {
    const path = yaml.has(['modules', at]) ? ['modules', at] : ['modules'];
    if (known && !known[module]) say(path, noSuch('module', module, Object.keys(known), `version ${version}`));
  }
  const levels = buffers.map(({ level }) => level);
  if (raw.level !== undefined && !levels.includes(raw.level)) say(['level'], noSuch('level', raw.level, levels));
  if (raw.after !== undefined && !(await store.get([requestId(raw.after)])).has(requestId(raw.after))) {
    const names = (await store.range<RequestDoc>(idsWith(requestId('')))).map((doc) => doc.name);
    say(['after'], noSuch('request', raw.after, names));
  }
  if (raw.tag !== undefined && !ports.ratdb) problems.push(...(await tagProblems(ports, raw.tag, yaml)));
  return problems.toSorted((a, b) => a.line - b.line);
}

async function tagProblems({ store }: Ports, tag: string, yaml: YamlFile): Promise<Problem[]> {
  try {
    await readTag(store, tag);
    return [];
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return [problemAt(yaml, ['tag'], error)];
  }
}

// Finds the configuration, reads it with its module files, and checks the whole.
import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { RUN_TYPES } from '../../domain/runs/runtypes.ts';
import type { Settings } from '../../domain/settings.ts';
import { ConfigError } from '../../util/errors.ts';
import { findConfig, type Sought } from './find.ts';
import { hideSecrets } from './hide.ts';
import { readModules } from './modules.ts';
import { settingsOf } from './settings.ts';
import { check } from './yaml/check.ts';
import { type Problem, problemsError, readYaml, type YamlFile } from './yaml/document.ts';
import { AS_FOUND, AS_NAMED } from './yaml/read.ts';
import { configSchema } from './yaml/schema.ts';

export interface LoadOptions extends Sought {
  readonly host: string;
}

export interface Loaded {
  readonly settings: Settings;
  /** The configuration file with its places, for `config show --origin`. */
  readonly yaml: YamlFile;
  /** Mistakes in module files: they stop what needs those modules, and nothing else. */
  readonly moduleProblems: readonly Problem[];
}

/**
 * The configuration of this folder and host.
 * @throws ConfigError: none found, unreadable, or wrong; every problem with file:line:column, those of module files too
 */
export async function load(options: LoadOptions): Promise<Loaded> {
  const { file, named } = findConfig(options);
  const folder = dirname(file);
  const reading = named ? AS_NAMED : AS_FOUND;
  const yaml = readYaml(file, reading.text(file));
  if (yaml.value === null && yaml.syntax.length === 0) {
    throw new ConfigError('the configuration is empty', { where: file, hint: 'dflow init --from FOLDER' });
  }
  const checked = check(configSchema, yaml);
  const raw = 'value' in checked ? checked.value : undefined;
  const modules = readModules(folder, raw?.runs?.types ?? RUN_TYPES, reading);
  const problems: Problem[] = 'problems' in checked ? [...checked.problems] : [];
  if (!raw) throw problemsError([...problems, ...modules.problems]);
  const hash = createHash('sha256')
    .update([yaml.text, ...modules.texts].join('\0'))
    .digest('hex')
    .slice(0, 12);
  const { settings, findings } = settingsOf(raw, {
    file,
    folder,
    host: options.host,
    cores: availableParallelism(),
    env: options.env,
    modules: modules.modules,
    badModules: modules.bad,
    hash,
  });
  hideSecrets(settings, options.env);
  for (const { path, message, hint } of findings) {
    problems.push({ file, ...yaml.at(path), message, ...(hint ? { hint } : {}) });
  }
  if (problems.length > 0) throw problemsError([...problems, ...modules.problems]);
  return { settings, yaml, moduleProblems: modules.problems };
}

// Settings of tests, as dflow itself makes them: the text of a configuration goes through its reader, its schema and its
// defaults. A configuration that dflow would refuse fails the test.
import type { input } from 'zod/mini';
import { type Surroundings, settingsOf } from '../../src/lib/cli/config/settings.ts';
import { check } from '../../src/lib/cli/config/yaml/check.ts';
import { readYaml } from '../../src/lib/cli/config/yaml/document.ts';
import { configSchema } from '../../src/lib/cli/config/yaml/schema.ts';
import type { Settings } from '../../src/lib/domain/settings.ts';

/** What `dflow.yaml` may say: `{transfer: {lease: '10 min'}}`. */
export type Config = input<typeof configSchema>;

/** Settings of the configuration `config`, as text or as an object, in `folder`. `around` is what is not in the file. */
export function settingsIn(folder: string, config: Config | string, around: Partial<Surroundings> = {}): Settings {
  const file = `${folder}/dflow.yaml`;
  const text = typeof config === 'string' ? config : JSON.stringify(config);
  const checked = check(configSchema, readYaml(file, text));
  if ('problems' in checked) throw new Error(`the test's configuration: ${JSON.stringify(checked.problems)}`);
  const host = { file, folder, host: 'here', cores: 2, env: {}, modules: {}, hash: 'test' };
  const { settings, findings } = settingsOf(checked.value, { ...host, ...around });
  if (findings.length > 0) throw new Error(`the test's configuration: ${JSON.stringify(findings)}`);
  return settings;
}

/** The smallest experiment, in /x: a buffer and one storage element, `disk`. `more` is what its configuration says besides. */
export function smallSettings(more: Partial<Config> = {}, around: Partial<Surroundings> = {}): Settings {
  const buffer = { path: 'raw', pattern: 'run{run}_{subrun}.dat' };
  return settingsIn('/x', { buffer, storage: { disk: 'disk' }, ...more }, around);
}

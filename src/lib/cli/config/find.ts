// Where the configuration is, without reading it: completion asks at each press of TAB.
import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ConfigError } from '../../util/errors.ts';

export const CONFIG_NAME = 'dflow.yaml';

export interface Sought {
  readonly cwd: string;
  /** `--config` */
  readonly flag?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * The configuration: `--config`, `$DFLOW_CONFIG`, or upward from the working directory. Who names one (`named`) vouches for
 * its folder; one that was merely found must be ours.
 */
export function findConfig(options: Sought): { readonly file: string; readonly named: boolean } {
  const said = options.flag ?? options.env.DFLOW_CONFIG;
  if (said) {
    const path = resolve(options.cwd, said);
    if (existsSync(path)) return { file: statSync(path).isDirectory() ? join(path, CONFIG_NAME) : path, named: true };
    const where = options.flag ? '--config' : '$DFLOW_CONFIG';
    throw new ConfigError(`configuration '${path}' does not exist`, { where, hint: 'dflow init --from FOLDER' });
  }
  for (let folder = resolve(options.cwd); ; folder = dirname(folder)) {
    const path = join(folder, CONFIG_NAME);
    if (existsSync(path)) return { file: path, named: false };
    if (dirname(folder) === folder) break;
  }
  throw new ConfigError(`no ${CONFIG_NAME} here or in a folder above`, {
    where: options.cwd,
    hint: 'name the file with --config FILE or DFLOW_CONFIG, or write a new one: dflow init --from FOLDER',
  });
}

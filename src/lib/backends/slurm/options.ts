// The options of a Slurm farm, validated.

import type { FarmSettings } from '../../domain/settings.ts';
import { given } from '../../util/values/given.ts';
import { Options, SCHEDULER_OPTIONS, type SchedulerOptions } from '../shared/options.ts';
import { extraProblem } from './extra.ts';

export interface SlurmOptions extends SchedulerOptions {
  readonly partition?: string;
  readonly account?: string;
  readonly qos?: string;
  /** More words for sbatch. */
  readonly extra: readonly string[];
  /** The folder shared with the worker nodes. */
  readonly folder: string;
  /** Parent of the scratch folders on the worker: an absolute path, perhaps after a variable: `$SLURM_TMPDIR/x`. */
  readonly scratch?: string;
}

const KNOWN = ['partition', 'account', 'qos', 'extra', ...SCHEDULER_OPTIONS];

/** @throws ConfigError an option is unknown or wrong */
export function parseOptions(farm: FarmSettings, defaultFolder: string): SlurmOptions {
  const options = new Options(farm, KNOWN);
  const folder = options.folder('folder') ?? defaultFolder;
  // sbatch would read a backslash in --output as "no patterns here".
  if (/[\\\n]/.test(folder)) options.fail(`Slurm cannot use a folder with this name: ${JSON.stringify(folder)}`);
  const extra = options.words('extra');
  const wrong = extraProblem(extra);
  if (wrong) options.fail(wrong.text, wrong.hint);
  const scratch = options.text('scratch');
  if (scratch && !/^(\/|\$[A-Za-z_][A-Za-z0-9_]*(\/|$))/.test(scratch))
    options.fail(`scratch: '${scratch}' is not an absolute path or a variable`, 'scratch: $SLURM_TMPDIR');
  return {
    ...words(options),
    extra,
    folder,
    ...given({ scratch }),
    ...options.scheduler(),
  };
}

function words(options: Options): Pick<SlurmOptions, 'partition' | 'account' | 'qos'> {
  const [partition, account, qos] = [options.text('partition'), options.text('account'), options.text('qos')];
  return given({ partition, account, qos });
}

// The options of a Slurm farm, validated.

import type { FarmSettings } from '../../domain/settings.ts';
import { DAY, MINUTE } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import { Options } from '../shared/options.ts';
import { extraProblem } from './extra.ts';

export interface SlurmOptions {
  readonly partition?: string;
  readonly account?: string;
  readonly qos?: string;
  /** More words for sbatch. */
  readonly extra: readonly string[];
  /** The folder shared with the worker nodes. */
  readonly folder: string;
  /** Parent of the scratch folders on the worker: an absolute path, perhaps after a variable: `$SLURM_TMPDIR/x`. */
  readonly scratch?: string;
  /** Milliseconds; --time of a module without a limit of its own. */
  readonly time?: number;
  /** Milliseconds that --time leaves beyond the module's own limit, for staging and the record. */
  readonly margin: number;
  /** Milliseconds between two heartbeats of a job. */
  readonly beat: number;
  /** Milliseconds that one command of Slurm may take. */
  readonly timeout: number;
  /** Milliseconds that marks, acknowledged records and logs are kept. */
  readonly keep: number;
}

const KNOWN = [
  'partition',
  'account',
  'qos',
  'extra',
  'folder',
  'scratch',
  'time',
  'margin',
  'beat',
  'timeout',
  'keep',
];

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
  const time = options.duration('time');
  return {
    ...words(options),
    extra,
    folder,
    ...given({ scratch, time }),
    margin: options.duration('margin') ?? 10 * MINUTE,
    beat: options.duration('beat') ?? MINUTE,
    timeout: options.duration('timeout') ?? MINUTE,
    keep: options.duration('keep') ?? 30 * DAY,
  };
}

function words(options: Options): Pick<SlurmOptions, 'partition' | 'account' | 'qos'> {
  const [partition, account, qos] = [options.text('partition'), options.text('account'), options.text('qos')];
  return {
    ...given({ partition, account, qos }),
  };
}

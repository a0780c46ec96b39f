// The options of an HTCondor farm, validated.

import type { FarmSettings } from '../../domain/settings.ts';
import { given } from '../../util/values/given.ts';
import { Options, SCHEDULER_OPTIONS, type SchedulerOptions } from '../shared/options.ts';
import { troubleWith } from './extra.ts';

export interface CondorOptions extends SchedulerOptions {
  /** Schedd, when it is not this host's. */
  readonly schedd?: string;
  /** Central manager, when it is not the configured one. */
  readonly pool?: string;
  readonly accountingGroup?: string;
  readonly accountingUser?: string;
  /** ClassAd expression that the machine must satisfy. */
  readonly requirements?: string;
  /** More lines of the submit description: `rank = Mips`. */
  readonly extra: readonly string[];
  /** No folder is shared with the workers: files travel by HTCondor's own transfer. */
  readonly transfer: boolean;
  /** The folder of job files, records and logs; shared with the workers unless `transfer`. */
  readonly folder: string;
  /** Parent of the scratch folders on the worker; default: the job's own folder there. */
  readonly scratch?: string;
}

const KNOWN = [
  'schedd',
  'pool',
  'accounting_group',
  'accounting_group_user',
  'requirements',
  'extra',
  'transfer',
  ...SCHEDULER_OPTIONS,
];

/** @throws ConfigError an option is unknown or wrong */
export function parseOptions(farm: FarmSettings, defaultFolder: string): CondorOptions {
  const options = new Options(farm, KNOWN);
  const folder = options.folder('folder') ?? defaultFolder;
  const extra = options.words('extra');
  for (const { text, hint } of extra.flatMap((line) => troubleWith(line) ?? [])) options.fail(text, hint);
  const scratch = options.folder('scratch');
  for (const path of [folder, scratch ?? '']) checkPath(options, path);
  const transfer = farm.options.transfer ?? false;
  if (typeof transfer !== 'boolean') options.fail(`transfer is not true or false: ${JSON.stringify(transfer)}`);
  return {
    ...words(options),
    extra,
    transfer: transfer === true,
    folder,
    ...given({ scratch }),
    ...options.scheduler(),
  };
}

/** A submit description has no quoting for these in file names: lists end at commas, `$(x)` is a macro. */
function checkPath(options: Options, path: string): void {
  if (/[$"'\\,;=\n]/.test(path)) options.fail(`HTCondor cannot use a folder with this name: ${JSON.stringify(path)}`);
}

function words(options: Options): Partial<CondorOptions> {
  const [schedd, pool] = [options.text('schedd'), options.text('pool')];
  const [accountingGroup, accountingUser] = [options.text('accounting_group'), options.text('accounting_group_user')];
  const requirements = options.text('requirements');
  return given({ schedd, pool, accountingGroup, accountingUser, requirements });
}

import { Flags } from '@oclif/core';
import { changing, level, module, run, site, storage } from '../lib/cli/arguments/flags.ts';
import { until } from '../lib/cli/arguments/until.ts';
import { Base } from '../lib/cli/base.ts';
import { pauseStep, scopeOf } from '../lib/cli/calls/acts.ts';

export default class Pause extends Base {
  static override summary = 'Hold back jobs or copies, for a time or until `dflow resume`';
  static override description =
    'Makes a hold: covered jobs are not submitted and covered copies are not made until the hold ends. Jobs and files that appear later are covered too. dflow list holds shows holds, dflow resume ends them.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --version 7.0.8 --why "wrong optics" --for 3d',
    '<%= config.bin %> <%= command.id %> --site cedar --why downtime --until 2026-07-15T08:00',
  ];
  static override flags = {
    ...changing,
    ...run,
    ...module,
    ...site,
    ...storage,
    ...level,
    version: Flags.string({
      char: 'V',
      description: 'jobs of this software version; * matches any text',
      helpValue: 'VERSION',
      multiple: true,
      multipleNonGreedy: true,
    }),
    request: Flags.string({
      description: 'jobs of this request',
      helpValue: 'NAME',
      multiple: true,
      multipleNonGreedy: true,
    }),
    label: Flags.string({
      char: 'l',
      description: 'jobs with this label',
      helpValue: 'NAME',
      multiple: true,
      multipleNonGreedy: true,
    }),
    all: Flags.boolean({ description: 'hold back everything' }),
    why: Flags.string({ description: 'reason, shown with the hold', required: true, helpValue: 'TEXT' }),
    ...until,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Pause);
    const scope = await scopeOf(flags);
    const ports = await this.ports(true);
    await this.items(await pauseStep(ports, scope, flags, this.stepOptions(flags, {})));
  }
}

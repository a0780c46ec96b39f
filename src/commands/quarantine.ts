import { Args, Flags } from '@oclif/core';
import { Base } from '../lib/cli/base.ts';
import { changing } from '../lib/cli/flags.ts';
import { runsToSwitch } from '../lib/cli/selection.ts';
import { pause } from '../lib/flow/switches/holds.ts';

export default class Quarantine extends Base {
  static override summary = 'keep runs out of everything, without expiry';
  static override description =
    'Puts a hold on runs: their new files go to quarantine, and no pass of theirs is submitted. It has no end of its own; dflow resume ends it, and the files are taken then.';
  static override examples = ['<%= config.bin %> <%= command.id %> 109100-109105 --why "builder test"'];
  static override strict = false;
  static override args = {
    runs: Args.string({ description: 'runs, ranges, @file', required: true, ignoreStdin: true }),
  };
  static override flags = {
    ...changing,
    why: Flags.string({ description: 'reason', required: true, helpValue: 'TEXT' }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Quarantine);
    const { ranges } = await runsToSwitch(argv as string[]);
    const ports = await this.ports(true);
    const hold = { what: 'quarantine', scope: { runs: ranges }, why: flags.why } as const;
    await this.items(pause(ports, hold, this.stepOptions(flags, {})));
  }
}

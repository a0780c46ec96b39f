import { Args, Flags } from '@oclif/core';
import { changing, yes } from '../../lib/cli/arguments/flags.ts';
import { Base } from '../../lib/cli/base.ts';
import { unlock } from '../../lib/flow/steps/drain/drain.ts';

export default class FarmUnlock extends Base {
  static override summary = 'Give up the jobs of a farm that does not answer';
  static override description =
    'Puts all jobs of the farm back to waiting and forgets its batch system. Jobs that still run there may run twice; only the new attempts count. Use it for a farm that does not come back, or whose batch system was replaced.';
  static override examples = ['<%= config.bin %> <%= command.id %> cedar --why "the cluster was rebuilt" --dry-run'];
  static override args = { farm: Args.string({ description: 'name of the farm', required: true, ignoreStdin: true }) };
  static override flags = {
    ...changing,
    ...yes,
    why: Flags.string({ description: 'reason, kept in the history', required: true, helpValue: 'TEXT' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(FarmUnlock);
    const ports = await this.ports(true);
    if (!flags['dry-run']) await this.confirm(`Give up all jobs that are locked to ${args.farm}?`, flags.yes);
    await this.items(unlock(ports, args.farm, flags.why, this.stepOptions(flags, {})));
  }
}

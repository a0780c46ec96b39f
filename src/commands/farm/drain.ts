import { Args, Flags } from '@oclif/core';
import { switching, untilOf } from '../../lib/cli/arguments/until.ts';
import { Base } from '../../lib/cli/base.ts';
import { drain } from '../../lib/flow/steps/drain/drain.ts';
import { UsageError } from '../../lib/util/errors.ts';
import { given } from '../../lib/util/values/given.ts';

export default class FarmDrain extends Base {
  static override summary = 'Stop submitting to a farm; its running jobs end normally';
  static override description =
    'Makes a hold on the farm: nothing more is submitted to it, running jobs end normally. With --evict, running jobs are stopped and wait for another farm. Repeat the command to change reason or end. The hold ends at the given time, or with dflow resume hold:drain-FARM.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> cedar --why downtime --until 2026-07-15T08:00 --wait',
    '<%= config.bin %> <%= command.id %> cedar --why "disk is failing" --evict',
    '<%= config.bin %> <%= command.id %> --all --why "power cut on Monday" --until 2026-12-24',
  ];
  static override exits = [0, 1, 2, 3, 5];
  static override args = { farm: Args.string({ description: 'name of the farm', ignoreStdin: true }) };
  static override flags = {
    ...switching,
    all: Flags.boolean({ description: 'every farm of the configuration' }),
    wait: Flags.boolean({ description: 'wait until the farm has no active job' }),
    evict: Flags.boolean({ description: 'stop its running jobs and put them back to waiting' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(FarmDrain);
    if ((args.farm === undefined) !== (flags.all === true))
      throw new UsageError(
        flags.all ? `--all drains every farm; '${args.farm}' is named too` : 'a farm or --all is required',
        {
          hint: 'dflow farm drain FARM --why TEXT, or: dflow farm drain --all --why TEXT',
        },
      );
    const ports = await this.ports(true);
    const farms = args.farm === undefined ? ports.settings.farms.map(({ name }) => name) : [args.farm];
    const { why, wait, evict } = flags;
    const end = given({ until: untilOf(flags, await ports.store.now()) });
    await this.items(drain(ports, farms, { ...this.stepOptions(flags, {}), ...end, why, wait, evict }));
  }
}

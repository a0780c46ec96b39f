import { Args, Flags } from '@oclif/core';
import { changing } from '../../lib/cli/arguments/flags.ts';
import { until, untilOf } from '../../lib/cli/arguments/until.ts';
import { Base, given } from '../../lib/cli/base.ts';
import { drain } from '../../lib/flow/steps/drain/drain.ts';

export default class FarmDrain extends Base {
  static override summary = 'Submit nothing more to a farm; what runs there ends normally';
  static override description =
    'Puts a hold on the farm: nothing more is submitted there, what it runs ends. With --evict it is stopped and put back to waiting, for another farm. Said again it takes the new reason and end; an end that is not said anew stays. Ends with dflow resume hold:drain-FARM, or by itself.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> cedar --why downtime --until 2026-07-15T08:00 --wait',
    '<%= config.bin %> <%= command.id %> cedar --why "disk is failing" --evict',
  ];
  static override exits = [0, 1, 2, 3, 5];
  static override args = { farm: Args.string({ description: 'name of the farm', required: true, ignoreStdin: true }) };
  static override flags = {
    ...changing,
    ...until,
    why: Flags.string({ description: 'reason', required: true, helpValue: 'TEXT' }),
    wait: Flags.boolean({ description: 'stay until nothing of it is active' }),
    evict: Flags.boolean({ description: 'stop what it runs and put it back to waiting' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(FarmDrain);
    const ports = await this.ports(true);
    const { why, wait, evict } = flags;
    const end = given({ until: untilOf(flags, await ports.store.now()) });
    await this.items(drain(ports, args.farm, { ...this.stepOptions(flags, {}), ...end, why, wait, evict }));
  }
}

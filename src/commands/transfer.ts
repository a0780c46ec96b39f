import { Flags } from '@oclif/core';
import { all, changing, level, limit, ofHosts, run, why } from '../lib/cli/arguments/flags.ts';
import { runsToSwitch, runTest } from '../lib/cli/arguments/selection.ts';
import { until, untilOf } from '../lib/cli/arguments/until.ts';
import { Base } from '../lib/cli/base.ts';
import type { HoldScope } from '../lib/domain/hold.ts';
import { cancelTransfers } from '../lib/flow/copies/claims/cancel.ts';
import { beating } from '../lib/flow/farms/beat.ts';
import { idleTransfer } from '../lib/flow/reports/idle.ts';
import { transfer } from '../lib/flow/steps/transfer/transfer.ts';
import { UsageError } from '../lib/util/errors.ts';
import { given } from '../lib/util/values/given.ts';

export default class Transfer extends Base {
  static override summary = 'Copy raw files to the storage elements, the primary first';
  static override description =
    'Copies registered files to the primary storage element, then from a verified copy to each storage element that lacks one. A copy counts only when its checksum at the destination is equal.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --to ral --level L1 --dry-run',
    '<%= config.bin %> <%= command.id %> --now --to sfu',
    '<%= config.bin %> <%= command.id %> --cancel --to ral --why "tape library is moved"',
  ];
  static override exits = [0, 1, 2, 3, 4, 5];
  static override flags = {
    ...changing,
    ...ofHosts,
    ...limit,
    ...run,
    ...level,
    from: Flags.string({ description: 'copy only from here: `buffer` or a storage element', helpValue: 'NAME' }),
    to: Flags.string({
      description: 'copy only to these storage elements',
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ',',
      helpValue: 'NAME',
    }),
    now: Flags.boolean({ description: 'try copies that failed again at once, before their next try is due' }),
    cancel: Flags.boolean({ description: 'stop these copies; they stay canceled until `dflow resume`' }),
    ...all,
    ...until,
    ...why,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Transfer);
    const ports = await (flags.cancel ? this.ports(true) : this.stepPorts());
    if (flags.cancel) {
      const runs = flags.run ? (await runsToSwitch(flags.run)).ranges : undefined;
      const scope: HoldScope = given({ runs, levels: flags.level, storages: flags.to });
      if (Object.keys(scope).length === 0 && !flags.all) {
        throw new UsageError('a selection or --all is required', {
          hint: 'dflow transfer --cancel --run 109134 --to ral',
        });
      }
      const end = untilOf(flags, await ports.store.now());
      const options = this.stepOptions(flags, { until: end });
      return this.items(cancelTransfers(ports, scope, { ...options, why: flags.why ?? 'canceled by an operator' }));
    }
    const runs = await runTest(flags.run);
    const { from, to, level: levels, now } = flags;
    const options = this.stepOptions(flags, { from, to, levels, runs, now: now || undefined });
    this.idleText = () => idleTransfer(ports);
    await this.items(beating(ports, 'transfer', transfer(ports, options), options));
  }
}

import { Args, Flags } from '@oclif/core';
import { changing } from '../../lib/cli/arguments/flags.ts';
import { mustEnd, until } from '../../lib/cli/arguments/until.ts';
import { Base } from '../../lib/cli/base.ts';
import { disable } from '../../lib/flow/switches/storageswitch.ts';

export default class StorageDisable extends Base {
  static override summary = 'Switch a storage element off for a while';
  static override description =
    'Transfer, verify and purge leave the storage element alone, and its copies do not count for purge. The storage element is enabled again at the given time, or by dflow resume.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> ral --until 2026-07-15T08:00 --why "tape library is moved"',
  ];
  static override args = {
    name: Args.string({ description: 'name of the storage element', required: true, ignoreStdin: true }),
  };
  static override flags = {
    ...changing,
    ...until,
    why: Flags.string({ description: 'reason, shown with the hold', required: true, helpValue: 'TEXT' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(StorageDisable);
    const ports = await this.ports(true);
    const end = mustEnd(flags, await ports.store.now());
    await this.items(disable(ports, args.name, { ...this.stepOptions(flags, {}), why: flags.why, until: end }));
  }
}

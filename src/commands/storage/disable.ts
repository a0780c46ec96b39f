import { element } from '../../lib/cli/arguments/flags.ts';
import { mustEnd, switching } from '../../lib/cli/arguments/until.ts';
import { Base } from '../../lib/cli/base.ts';
import { disable } from '../../lib/flow/switches/storageswitch.ts';

export default class StorageDisable extends Base {
  static override summary = 'Switch a storage element off for a while';
  static override description =
    'Transfer, verify and purge leave the storage element alone, and its copies do not count for purge. The storage element is enabled again at the given time, or by dflow resume.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> ral --until 2026-07-15T08:00 --why "tape library is moved"',
  ];
  static override args = element;
  static override flags = switching;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(StorageDisable);
    const ports = await this.ports(true);
    const end = mustEnd(flags, await ports.store.now());
    await this.items(disable(ports, args.name, { ...this.stepOptions(flags, {}), why: flags.why, until: end }));
  }
}

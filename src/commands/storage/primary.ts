import { element } from '../../lib/cli/arguments/flags.ts';
import { mustEnd, switching } from '../../lib/cli/arguments/until.ts';
import { Base } from '../../lib/cli/base.ts';
import { setPrimary } from '../../lib/flow/switches/storageswitch.ts';

export default class StoragePrimary extends Base {
  static override summary = 'Choose the storage element that new files go to first';
  static override description =
    'New files are copied to the primary storage element first, and from there to the others. Without this command the first one in dflow.yaml is the primary. The choice ends at the given time, or with dflow resume. A new choice replaces the old one.';
  static override examples = ['<%= config.bin %> <%= command.id %> fnal --for 2d --why "network trouble at sfu"'];
  static override args = element;
  static override flags = switching;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(StoragePrimary);
    const ports = await this.ports(true);
    const end = mustEnd(flags, await ports.store.now());
    await this.items(setPrimary(ports, args.name, { ...this.stepOptions(flags, {}), why: flags.why, until: end }));
  }
}

import { changing } from '../../../lib/cli/arguments/flags.ts';
import { Base } from '../../../lib/cli/base.ts';
import { migrateStore } from '../../../lib/flow/steps/keeping/migrate.ts';

export default class StoreMigrate extends Base {
  static override summary = 'Write documents of an older form in the form of this dflow';
  static override description =
    'Run it when every host has the new version: an older dflow passes over documents of a newer form. Commands read older forms without it, and loops may run meanwhile. A command that was stopped goes on when it is repeated.';
  static override examples = ['<%= config.bin %> <%= command.id %> --dry-run', '<%= config.bin %> <%= command.id %>'];
  static override flags = { ...changing };

  protected override idle = 'every document has the form of this dflow';

  async run(): Promise<void> {
    const { flags } = await this.parse(StoreMigrate);
    const { everything } = await this.ports(true);
    await this.items(migrateStore(everything, this.stepOptions(flags, {})));
  }
}

import { Flags } from '@oclif/core';
import { changing } from '../../lib/cli/arguments/flags.ts';
import { Base } from '../../lib/cli/base.ts';
import { deploy } from '../../lib/flow/steps/keeping/deploy.ts';

export default class StoreDeploy extends Base {
  static override summary = 'Build the views of this version of dflow in the store';
  static override description =
    'Builds the views beside those of other versions of dflow, which go on working meanwhile, and repairs views that were edited. Run it before other hosts get a new version: no query has to wait then. A SQLite store needs no deploy.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --prune --dry-run',
    '<%= config.bin %> <%= command.id %> --prune',
  ];
  static override exits = [0, 2, 3, 4];
  static override flags = {
    ...changing,
    prune: Flags.boolean({ description: 'then remove the views of other versions, when no host uses them any more' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(StoreDeploy);
    const { everything } = await this.ports(true);
    await this.items(deploy(everything, this.stepOptions(flags, { prune: flags.prune || undefined })));
  }
}

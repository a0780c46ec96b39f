import { Args } from '@oclif/core';
import { changing } from '../../lib/cli/arguments/flags.ts';
import { Base } from '../../lib/cli/base.ts';
import { revoke } from '../../lib/flow/steps/keeping/rights.ts';

export default class StoreRevoke extends Base {
  static override summary = 'Remove the rights of a user to the store';
  static override description =
    'Removes the roles of the user and the name in `_security`. The account stays, since it may serve other databases. It needs an admin of the server.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> farm1 --dry-run',
    '<%= config.bin %> <%= command.id %> farm1',
  ];
  static override exits = [0, 1, 2, 3, 4];
  static override args = { user: Args.string({ description: 'name of the user', required: true, ignoreStdin: true }) };
  static override flags = { ...changing };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(StoreRevoke);
    const { everything } = await this.ports(true);
    await this.items(revoke(everything, args.user, this.stepOptions(flags, {})));
  }
}

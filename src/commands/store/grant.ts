import { Args, Flags } from '@oclif/core';
import { changing } from '../../lib/cli/arguments/flags.ts';
import { readPassword } from '../../lib/cli/arguments/password.ts';
import { Base } from '../../lib/cli/base.ts';
import { ROLES } from '../../lib/domain/roles.ts';
import { grant } from '../../lib/flow/steps/keeping/rights.ts';

export default class StoreGrant extends Base {
  static override summary = 'Give a user of the store a role';
  static override description =
    'A reader may look. A site may run the loops: claim, copy, submit, report. An operator may also cancel, delete, hold, reprocess and release. CouchDB itself enforces this. A user has one role in each database. With --password-file the user is made; the password is the first line of the file, of standard input (-), or is asked for on a terminal. It needs an admin of the server.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> farm1 --role site',
    '<%= config.bin %> <%= command.id %> farm1 --role site --password-file farm1.password',
  ];
  static override exits = [0, 1, 2, 3, 4];
  static override args = { user: Args.string({ description: 'name of the user', required: true, ignoreStdin: true }) };
  static override flags = {
    ...changing,
    role: Flags.option({ options: ROLES, description: 'what the user may do', required: true })(),
    'password-file': Flags.string({
      description: 'make the user, with the password in this file, or - for standard input',
      helpValue: 'FILE',
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(StoreGrant);
    const file = flags['password-file'];
    const password = file === undefined ? undefined : await readPassword(file, args.user);
    const { everything } = await this.ports(true);
    const options = { role: flags.role, ...(password !== undefined && { password }) };
    await this.items(grant(everything, args.user, this.stepOptions(flags, options)));
  }
}

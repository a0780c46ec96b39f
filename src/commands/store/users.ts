import { Base } from '../../lib/cli/base.ts';
import { users } from '../../lib/flow/steps/keeping/rights.ts';

export default class StoreUsers extends Base {
  static override summary = 'List the users of the store and their roles';
  static override description =
    'Lists who may read the CouchDB database, with the role of each, and says whether the rules of roles are in force. It needs an admin of the server.';
  static override examples = ['<%= config.bin %> <%= command.id %>'];
  static override exits = [0, 2, 3, 4];

  protected override idle = 'only admins of the server have rights to this store';

  async run(): Promise<void> {
    await this.parse(StoreUsers);
    const { everything } = await this.ports(false);
    await this.items(users(everything));
  }
}

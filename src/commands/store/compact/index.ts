import { changing } from '../../../lib/cli/arguments/flags.ts';
import { Base } from '../../../lib/cli/base.ts';
import { compactStore } from '../../../lib/flow/steps/keeping/replicate.ts';

export default class StoreCompact extends Base {
  static override summary = 'Give back the room of old revisions and removed documents';
  static override description =
    'Compacts the documents and the views, and prints their sizes before and after. CouchDB goes on meanwhile; it needs an admin of the database. A SQLite store waits for a pause of the other commands, which wait for the compaction; twice the size of the file must be free.';
  static override examples = ['<%= config.bin %> <%= command.id %> --dry-run', '<%= config.bin %> <%= command.id %>'];
  static override exits = [0, 2, 3, 4];
  static override flags = { ...changing };

  async run(): Promise<void> {
    const { flags } = await this.parse(StoreCompact);
    const { everything } = await this.ports(true);
    await this.items(compactStore(everything, this.stepOptions(flags, {})));
  }
}

import { Base } from '../../../lib/cli/base.ts';
import { conflicts } from '../../../lib/flow/steps/keeping/conflicts.ts';

export default class StoreConflictsList extends Base {
  static override summary = 'List documents that have replication conflicts';
  static override description =
    'Lists documents of a CouchDB store that two databases changed at the same time. Nothing changes such a document until somebody keeps one of its revisions.';
  static override examples = ['<%= config.bin %> <%= command.id %>'];

  protected override idle = 'no document is in conflict';

  async run(): Promise<void> {
    await this.parse(StoreConflictsList);
    const { everything } = await this.ports(false);
    await this.items(conflicts(everything));
  }
}

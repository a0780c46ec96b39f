import { Flags } from '@oclif/core';
import { Base } from '../../lib/cli/base.ts';
import { exportStore } from '../../lib/flow/steps/archive/archive.ts';

export default class StoreExport extends Base {
  static override summary = 'Print every document of the store as a JSON line';
  static override description =
    'Use it for backups, and to move from SQLite to CouchDB. Revisions are left out: they belong to the store.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> > backup.jsonl',
    '<%= config.bin %> <%= command.id %> --kind table,tablebody > tables.jsonl',
  ];
  static override flags = {
    kind: Flags.string({
      description: 'only documents of this kind: run, data, job, table...',
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ',',
      helpValue: 'KIND',
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(StoreExport);
    const { everything: store } = await this.ports(false);
    for await (const doc of exportStore(store, flags.kind)) {
      if (!this.out.exactJson(doc)) break;
    }
  }
}

import { Args } from '@oclif/core';
import { Base } from '../../../lib/cli/base.ts';
import { shownFields } from '../../../lib/flow/reports/records.ts';
import { revisions } from '../../../lib/flow/steps/keeping/conflicts.ts';

export default class StoreConflictsShow extends Base {
  static override summary = 'Show the revisions of a document in conflict';
  static override description =
    'Shows every revision of a document of a CouchDB store as JSON. The first is the one that every command sees.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> run:0000000012',
    '<%= config.bin %> <%= command.id %> run:0000000012 --json | jq -c "[.rev, .document.history[-1]]"',
  ];
  static override args = { id: Args.string({ description: 'id of the document', required: true, ignoreStdin: true }) };

  async run(): Promise<void> {
    const { args } = await this.parse(StoreConflictsShow);
    const { everything } = await this.ports(false);
    for (const { rev, doc } of await revisions(everything, args.id)) {
      this.out.json({ rev, document: shownFields(doc) }, this.out.format === 'json' ? 0 : 2);
    }
  }
}

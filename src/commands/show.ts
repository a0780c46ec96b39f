import { refs } from '../lib/cli/arguments/flags.ts';
import { readRefs } from '../lib/cli/arguments/selection.ts';
import { Base } from '../lib/cli/base.ts';
import { documentsOf, shownFields } from '../lib/flow/reports/records.ts';
import { UsageError } from '../lib/util/errors.ts';

export default class Show extends Base {
  static override summary = 'Show everything that is known of a run, a pass or a document';
  static override description =
    'Shows the documents that a REF names: a run with its data, the last pass of a module, one pass, or any document by its id.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> 109134',
    '<%= config.bin %> <%= command.id %> 109134/Analysis40/2 --json | jq .subjobs',
  ];
  static override strict = false;
  static override args = refs;

  async run(): Promise<void> {
    const { argv } = await this.parse(Show);
    if (argv.length === 0) throw new UsageError('a REF is required', { hint: 'dflow show 109134' });
    const ports = await this.ports(false);
    for (const ref of await readRefs(argv.map(String))) {
      for (const doc of await documentsOf(ports, ref)) {
        this.out.json(shownFields(doc), this.out.format === 'json' ? 0 : 2);
      }
    }
  }
}

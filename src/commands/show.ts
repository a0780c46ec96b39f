import { refs } from '../lib/cli/arguments/flags.ts';
import { readRefs } from '../lib/cli/arguments/selection.ts';
import { Base } from '../lib/cli/base.ts';
import { documentsOf, requestWord, shownFields } from '../lib/flow/reports/records.ts';
import { pagesOf } from '../lib/flow/reports/show.ts';
import { showText } from '../lib/render/show/show.ts';
import { UsageError } from '../lib/util/errors.ts';

export default class Show extends Base {
  static override summary = 'Show everything that is known of a run, a pass, a request or a document';
  static override description =
    'Shows what a REF names: a run with its files and passes, the last pass of a module, one pass with inputs, outputs and tries, a request by its name with progress and time left, or any document by its id. A terminal gets a page; a pipe gets the documents as JSON.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> 109134',
    '<%= config.bin %> <%= command.id %> 109134/Analysis40/2 --json | jq .subjobs',
    '<%= config.bin %> <%= command.id %> tl-july',
  ];
  static override strict = false;
  static override args = refs;

  async run(): Promise<void> {
    const { argv } = await this.parse(Show);
    if (argv.length === 0) throw new UsageError('a REF is required', { hint: 'dflow show 109134' });
    const ports = await this.ports(false);
    const words = await Promise.all(argv.map((word) => requestWord(ports.store, String(word))));
    for (const ref of await readRefs(words)) {
      const docs = await documentsOf(ports, ref);
      if (this.out.format === 'table') {
        for (const page of await pagesOf(ports, docs)) this.page(showText(page, this.out.width));
      } else for (const doc of docs) this.out.json(shownFields(doc), this.out.format === 'json' ? 0 : 2);
    }
  }

  private first = true;

  private page(text: string): void {
    this.out.line(this.first ? text : `\n${text}`);
    this.first = false;
  }
}

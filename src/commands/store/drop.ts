import { Args, Flags } from '@oclif/core';
import { changing } from '../../lib/cli/arguments/flags.ts';
import { readWords } from '../../lib/cli/arguments/selection.ts';
import { Base } from '../../lib/cli/base.ts';
import { dropUnreadable } from '../../lib/flow/steps/archive/drop.ts';

export default class StoreDrop extends Base {
  static override summary = 'Remove documents that dflow cannot read from the store';
  static override description =
    'Removes documents whose fields do not fit their kind, for example after an import or a change by hand. Their content is kept in a receipt in .dflow/receipts; corrected, dflow store import takes it. Documents that dflow can read are refused.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> run:0000000009 --why "test entry"',
    '<%= config.bin %> <%= command.id %> run:0000000009 --why "test entry" --dry-run',
  ];
  static override strict = false;
  static override args = {
    ids: Args.string({
      description: 'ids of documents, @FILE, or - for standard input',
      required: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...changing,
    why: Flags.string({ description: 'reason, kept in the receipt', helpValue: 'TEXT', required: true }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(StoreDrop);
    const ids = await readWords(argv.map(String));
    const ports = await this.ports(true);
    await this.items(
      dropUnreadable(ports, ports.everything, [...new Set(ids)], flags.why, this.stepOptions(flags, {})),
    );
  }
}

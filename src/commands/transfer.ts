import { Flags } from '@oclif/core';
import { Base } from '../lib/cli/base.ts';
import { changing, level, limit, run } from '../lib/cli/flags.ts';
import { readRuns } from '../lib/cli/selection.ts';
import { hasRun } from '../lib/domain/selection.ts';
import { transfer } from '../lib/flow/transfer.ts';

export default class Transfer extends Base {
  static override summary = 'to the primary, then fan out';
  static override description =
    'Copies registered files to the primary storage element, then from any verified copy to every other that lacks one. A copy counts only after the checksum at the destination was equal.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --to ral --level L1 --dry-run',
  ];
  static override exits = [0, 1, 2, 3, 4, 5];
  static override flags = {
    ...changing,
    ...limit,
    ...run,
    ...level,
    from: Flags.string({ description: 'only from here: `buffer` or a storage element', helpValue: 'NAME' }),
    to: Flags.string({
      description: 'only to these',
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ',',
      helpValue: 'NAME',
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Transfer);
    const ports = await this.ports(true);
    const set = flags.run ? await readRuns(flags.run) : undefined;
    const runs = set && ((number: number) => hasRun(set, number));
    const { from, to, level: levels } = flags;
    await this.items(transfer(ports, this.stepOptions(flags, { from, to, levels, runs })));
  }
}

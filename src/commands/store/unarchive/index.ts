import { Args, Flags } from '@oclif/core';
import { changing } from '../../../lib/cli/arguments/flags.ts';
import { readRuns, readWords } from '../../../lib/cli/arguments/selection.ts';
import { unarchive } from '../../../lib/cli/backup/archivestore.ts';
import { Base } from '../../../lib/cli/base.ts';
import { parseRuns } from '../../../lib/domain/selection.ts';
import { UsageError } from '../../../lib/util/errors.ts';

export default class StoreUnarchive extends Base {
  static override summary = 'Put archived runs back into the store';
  static override description =
    'Takes runs, or a file of dflow store archive for all of its runs. The file is read to its end first. What is in the store already stays as it is. The file stays, too; it can go when no run needs it. A call that was stopped goes on when it is repeated.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> 109134',
    '<%= config.bin %> <%= command.id %> 109100-109200 --dry-run',
    '<%= config.bin %> <%= command.id %> /archive/dflow/snop-20261127T091500123Z.archive.jsonl',
    '<%= config.bin %> <%= command.id %> 109134 --file /tape/snop-20261127T091500123Z.archive.jsonl',
  ];
  static override exits = [0, 1, 2, 3, 75];
  static override strict = false;
  static override args = {
    what: Args.string({
      description: 'runs (109134, 109100-109200, @FILE, - for standard input), or the file of an archive',
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...changing,
    file: Flags.string({ description: 'where the file of these runs is by now', helpValue: 'FILE' }),
  };

  protected override idle = 'nothing to do: none of these runs is archived';

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(StoreUnarchive);
    if (argv.length === 0)
      throw new UsageError('runs or a file are required', { hint: 'dflow store unarchive 109134' });
    const words = await readWords(argv.map(String));
    const runs = words.filter((word) => parseRuns(word) !== undefined);
    const files = words.filter((word) => parseRuns(word) === undefined);
    const dry = flags['dry-run'];
    const ports = await this.ports(!dry);
    const set = runs.length > 0 ? { set: await readRuns(runs) } : {};
    const from = flags.file === undefined ? {} : { from: flags.file };
    await this.items(unarchive(ports, { ...set, ...from, files }, dry));
  }
}

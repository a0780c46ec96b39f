import { Args, Flags } from '@oclif/core';
import { changing } from '../../lib/cli/arguments/flags.ts';
import { backupStore } from '../../lib/cli/backup/backup.ts';
import { Base } from '../../lib/cli/base.ts';

export default class StoreBackup extends Base {
  static override summary = 'Write the whole store into a new file, while everything runs';
  static override description =
    'A SQLite store becomes a SQLite file (.db), or JSON lines where the name ends with .jsonl. Any other store becomes JSON lines. The file is read back before it gets its name, and nothing is overwritten. dflow store restore takes the file.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> /backup/dflow/ --keep 14',
    '<%= config.bin %> <%= command.id %> before-upgrade.db',
    '<%= config.bin %> <%= command.id %> /backup/dflow/ --dry-run',
  ];
  static override args = {
    target: Args.string({
      description: 'new file, or a folder in which each backup gets a name of its own',
      required: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...changing,
    keep: Flags.integer({
      description: 'in a folder: remove the oldest backups of this experiment beyond N, once the new one is whole',
      helpValue: 'N',
      min: 1,
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(StoreBackup);
    const ports = await this.ports(false);
    await this.items(backupStore(ports, args.target, this.stepOptions(flags, { keep: flags.keep })));
  }
}

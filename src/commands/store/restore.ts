import { Args } from '@oclif/core';
import { changing, yes } from '../../lib/cli/arguments/flags.ts';
import { planRestore } from '../../lib/cli/backup/restore.ts';
import { Base } from '../../lib/cli/base.ts';
import { byOf } from '../../lib/cli/ports.ts';

export default class StoreRestore extends Base {
  static override summary = 'Give the store the content of a backup';
  static override description =
    'Takes a file of dflow store backup or dflow store rescue, and reads it to its end before anything is changed. The content of a SQLite store is replaced, and the former one is kept beside it; commands that run meanwhile stop. Any other store must be empty. Afterwards a hold keeps every farm from submitting, since jobs that were submitted after the backup would run twice. Run dflow monitor for each farm, which stops such jobs; dflow resume ends the hold.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> /backup/dflow/snop-20261127T091500123Z.db',
    '<%= config.bin %> <%= command.id %> backup.jsonl --dry-run',
    '<%= config.bin %> <%= command.id %> backup.jsonl --yes',
  ];
  static override args = {
    file: Args.string({ description: 'file of a backup', required: true, ignoreStdin: true }),
  };
  static override flags = { ...changing, ...yes };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(StoreRestore);
    const dry = flags['dry-run'];
    const { question, run } = await planRestore(await this.settings(), args.file, byOf('store restore'));
    if (question !== undefined && !dry) await this.confirm(question, flags.yes);
    await this.items(run(dry));
  }
}

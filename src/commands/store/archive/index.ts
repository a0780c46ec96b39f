import { Args, Flags } from '@oclif/core';
import { changing, yes } from '../../../lib/cli/arguments/flags.ts';
import { dateOf } from '../../../lib/cli/arguments/selection.ts';
import { planArchiving } from '../../../lib/cli/backup/archivestore.ts';
import { Base } from '../../../lib/cli/base.ts';

export default class StoreArchive extends Base {
  static override summary = 'Put runs that ended long ago into a file';
  static override description =
    'A run leaves the store when it has not changed since --before: all passes have ended, the originals are purged, all copies are verified, and nothing is held, requested or in quarantine. Each other run is named with what keeps it. The file is read back before a document leaves. One small document for each run stays, so that no pass is made again and its files stay known. Its copies are not verified until the run is back in the store. A call that was stopped goes on when it is repeated, or without --before when FILE exists.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --before 2025-01-01 /archive/dflow/ --dry-run',
    '<%= config.bin %> <%= command.id %> --before 2025-01-01 /archive/dflow/ --yes',
    '<%= config.bin %> <%= command.id %> /archive/dflow/snop-20261127T091500123Z.archive.jsonl',
  ];
  static override exits = [0, 1, 2, 3, 75];
  static override args = {
    target: Args.string({
      description: 'new file, a folder in which each archive gets a name of its own, or a file whose move was stopped',
      required: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...changing,
    ...yes,
    before: Flags.string({ description: 'runs that have not changed since then', helpValue: 'DATE' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(StoreArchive);
    const dry = flags['dry-run'];
    const before = flags.before === undefined ? undefined : dateOf(flags.before, '--before', '--before 2025-01-01');
    const ports = await this.ports(!dry);
    const { question, run } = await planArchiving(ports, args.target, before);
    if (question !== undefined && !dry) await this.confirm(question, flags.yes);
    await this.items(run(dry));
  }
}

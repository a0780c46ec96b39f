import { Args } from '@oclif/core';
import { rescueStore } from '../../lib/cli/backup/rescue.ts';
import { Base } from '../../lib/cli/base.ts';
import { iso } from '../../lib/util/time.ts';

export default class StoreRescue extends Base {
  static override summary = 'Copy what can be read out of a damaged SQLite store';
  static override description =
    'Reads the pages of the file past all damage, and writes every document that is whole into a backup of JSON lines. Documents that are lost are named. The damaged file stays as it is. dflow store restore puts the rescued documents back. Afterwards dflow store import takes lost ones from an older backup.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> rescued.jsonl',
    '<%= config.bin %> <%= command.id %> /backup/dflow/',
  ];
  static override args = {
    target: Args.string({
      description: 'new file, or a folder in which the file gets a name of its own',
      required: true,
      ignoreStdin: true,
    }),
  };

  async run(): Promise<void> {
    const { args } = await this.parse(StoreRescue);
    await this.items(rescueStore(await this.settings(), args.target, iso(Date.now())));
  }
}

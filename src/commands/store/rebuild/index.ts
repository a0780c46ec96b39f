import { Flags } from '@oclif/core';
import { changing } from '../../../lib/cli/arguments/flags.ts';
import { Base } from '../../../lib/cli/base.ts';
import { rebuild } from '../../../lib/flow/steps/rebuild/rebuild.ts';

export default class StoreRebuild extends Base {
  static override summary = 'Make the documents of a lost store again, from storage and result records';
  static override description =
    'For a loss without a backup, or with an old one. The store is a new one, as dflow store setup makes it. Raw files at storage elements and buffers become runs and data, and outputs and result records become passes, so that no pass is made or submitted twice. Checksums are asked for again, so it may take long. Each run and pass is named with its evidence. A pass whose outputs are not whole becomes failed. Afterwards a hold keeps every farm from submitting, and dflow verify looks at the copies first that were never compared. A call that was stopped goes on when it is repeated.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --dry-run',
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --force snoplus',
  ];
  static override exits = [0, 1, 2, 3, 4, 5];
  static override flags = {
    ...changing,
    force: Flags.string({
      description: 'name of the experiment: what is missing is added to a store that has runs, as after an old backup',
      helpValue: 'EXPERIMENT',
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(StoreRebuild);
    const ports = await this.ports(true);
    await this.items(rebuild(ports, this.stepOptions(flags, { force: flags.force })));
  }
}

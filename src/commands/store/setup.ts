import { Flags } from '@oclif/core';
import { Base } from '../../lib/cli/base.ts';
import { counted } from '../../lib/util/text/counted.ts';

export default class StoreSetup extends Base {
  static override summary = 'Set up the document store of the experiment';
  static override description =
    'Creates the store when it does not exist, installs the views, and marks the store as the writable one. A replica has no mark and stays read-only. An admin of the database is enough where the database exists. The command may be repeated.';
  static override examples = ['<%= config.bin %> <%= command.id %>'];
  static override exits = [0, 2, 3, 4];
  static override flags = {
    force: Flags.string({
      description:
        'name of the experiment: makes a filled replica or copy the writable store, when the old one is lost',
      helpValue: 'EXPERIMENT',
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(StoreSetup);
    const { store, settings } = await this.ports('setup');
    const info = await store.setup(settings.experiment, flags.force);
    const text = `${info.engine}, experiment ${info.experiment ?? settings.experiment}, ${counted(info.documents, 'document')}`;
    this.out.item({ kind: 'store', ref: info.where, did: 'set-up', text, ...info });
  }
}

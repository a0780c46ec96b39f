import { Flags } from '@oclif/core';
import { changing, limit, run, storage } from '../../lib/cli/arguments/flags.ts';
import { runTest } from '../../lib/cli/arguments/selection.ts';
import { Base } from '../../lib/cli/base.ts';
import { catalogueImport } from '../../lib/flow/steps/catalogue/import.ts';

export default class CatalogueImport extends Base {
  static override summary = 'Load what the catalogue (Rucio) knows of raw files into the documents';
  static override description =
    'Reads the files of a scope. A copy that dflow does not have becomes one of its documents when every byte was read and size and checksum are those of the catalogue. Copies that differ are named and left out. Nothing in the catalogue or at a storage element is changed, and a repeated call adds what is missing. dflow register then decides which runs are complete.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --dry-run',
    '<%= config.bin %> <%= command.id %> --scope snoplus --run 109100-109200',
    '<%= config.bin %> <%= command.id %> --storage sfu',
  ];
  static override exits = [0, 1, 2, 3, 4, 5];
  static override flags = {
    ...changing,
    ...limit,
    ...run,
    ...storage,
    scope: Flags.string({
      description: 'only files of this scope (default: the scopes that dflow registers in)',
      helpValue: 'SCOPE',
      multiple: true,
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(CatalogueImport);
    const ports = await this.ports(!flags['dry-run']);
    const runs = await runTest(flags.run);
    const { scope: scopes, storage: storages } = flags;
    await this.items(catalogueImport(ports, this.stepOptions(flags, { scopes, storages, runs })));
  }
}

import { changing, limit, ofHosts, run } from '../../lib/cli/arguments/flags.ts';
import { runTest } from '../../lib/cli/arguments/selection.ts';
import { Base } from '../../lib/cli/base.ts';
import { beating } from '../../lib/flow/farms/beat.ts';
import { catalogueSync } from '../../lib/flow/steps/catalogue/catalogue.ts';

export default class CatalogueSync extends Base {
  static override summary = 'Tell the catalogue of the collaboration (Rucio) about files and copies';
  static override description =
    'Tells the catalogue what the documents say and the catalogue does not know yet. Each file is compared before it is registered. Datasets of complete runs and passes are closed, and a rule pins their copies. While the catalogue is away nothing is lost: the next call goes on.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --dry-run',
    '<%= config.bin %> <%= command.id %> --run 109100-109200',
    '<%= config.bin %> loop -- <%= command.id %>',
  ];
  static override exits = [0, 1, 2, 3, 4, 5];
  static override flags = { ...changing, ...ofHosts, ...limit, ...run };

  async run(): Promise<void> {
    const { flags } = await this.parse(CatalogueSync);
    const ports = await this.stepPorts();
    const runs = await runTest(flags.run);
    const options = this.stepOptions(flags, { runs });
    await this.items(beating(ports, 'catalogue', catalogueSync(ports, options), options));
  }
}

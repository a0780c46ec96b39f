import { changing, limit, ofHosts } from '../../lib/cli/arguments/flags.ts';
import { Base } from '../../lib/cli/base.ts';
import { beating } from '../../lib/flow/farms/beat.ts';
import { tables } from '../../lib/flow/steps/tables/tables.ts';

export default class Tables extends Base {
  static override summary = 'Make the run tables of complete runs that lack them';
  static override description =
    'Runs the command of tables.command once for each run that lacks a required table, and loads the tables that it prints.';
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --dry-run'];
  static override flags = { ...changing, ...ofHosts, ...limit };

  async run(): Promise<void> {
    const { flags } = await this.parse(Tables);
    const ports = await this.stepPorts();
    const options = this.stepOptions(flags, {});
    await this.items(beating(ports, 'tables', tables(ports, options), options));
  }
}

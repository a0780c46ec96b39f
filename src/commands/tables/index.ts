import { changing, limit, ofHosts } from '../../lib/cli/arguments/flags.ts';
import { Base } from '../../lib/cli/base.ts';
import { beating } from '../../lib/flow/farms/beat.ts';
import { tables } from '../../lib/flow/steps/tables/tables.ts';

export default class Tables extends Base {
  static override summary = 'Run the first pass: jobs that make the run tables of complete runs';
  static override description =
    'Runs the jobs of tables.jobs once for each complete run, in the order of their needs, and loads the tables that they print. In place of jobs, tables.command runs for each run that lacks a required table. Then looks whether run types and tables were corrected.';
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --dry-run'];
  static override flags = { ...changing, ...ofHosts, ...limit };

  protected override idle = 'nothing to do: no complete run waits for its first pass';

  async run(): Promise<void> {
    const { flags } = await this.parse(Tables);
    const ports = await this.stepPorts();
    const options = this.stepOptions(flags, {});
    await this.items(beating(ports, 'tables', tables(ports, options), options));
  }
}

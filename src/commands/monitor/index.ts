import { Flags } from '@oclif/core';
import { changing, ofHosts } from '../../lib/cli/arguments/flags.ts';
import { Base } from '../../lib/cli/base.ts';
import { beating } from '../../lib/flow/farms/beat.ts';
import { monitor } from '../../lib/flow/steps/monitor/monitor.ts';

export default class Monitor extends Base {
  static override summary = 'Watch submitted jobs and catalogue their outputs';
  static override description =
    'Asks the batch system once about all active jobs and acts on the answer. Verified outputs are catalogued, failures are judged by the policy, jobs to be canceled are stopped. A job of unknown state does not count as failed.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> poll | <%= config.bin %> <%= command.id %> apply',
  ];
  static override exits = [0, 1, 2, 3, 4, 5, 75];
  static override flags = {
    ...changing,
    ...ofHosts,
    site: Flags.string({ description: 'farm (default: that of this host)', helpValue: 'NAME' }),
  };

  protected override idle = 'nothing to do: no job has changed at its farm';

  async run(): Promise<void> {
    const { flags } = await this.parse(Monitor);
    const ports = await this.stepPorts();
    const options = this.stepOptions(flags, { site: flags.site });
    await this.items(beating(ports, 'monitor', monitor(ports, options), options));
  }
}

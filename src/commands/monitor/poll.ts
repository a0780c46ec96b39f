import { Flags } from '@oclif/core';
import { ofHosts } from '../../lib/cli/arguments/flags.ts';
import { Base } from '../../lib/cli/base.ts';
import { poll } from '../../lib/flow/steps/monitor/monitor.ts';

export default class MonitorPoll extends Base {
  static override summary = 'Print the state of all active jobs at the batch system';
  static override description =
    'Changes no job. A job without a line is unknown; a job that is gone has a line that says so.';
  static override examples = ['<%= config.bin %> <%= command.id %> | <%= config.bin %> monitor apply'];
  static override exits = [0, 2, 3, 4, 5, 75];
  static override flags = {
    ...ofHosts,
    site: Flags.string({ description: 'farm (default: that of this host)', helpValue: 'NAME' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(MonitorPoll);
    const ports = await this.stepPorts();
    for await (const seen of poll(ports, flags.site)) this.out.exactJson(seen);
  }
}

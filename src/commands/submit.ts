import { Flags } from '@oclif/core';
import { changing, limit, ofHosts } from '../lib/cli/arguments/flags.ts';
import { Base } from '../lib/cli/base.ts';
import { beating } from '../lib/flow/farms/beat.ts';
import { idleSubmit } from '../lib/flow/reports/idle.ts';
import { submit } from '../lib/flow/steps/submit/submit.ts';

export default class Submit extends Base {
  static override summary = 'Submit waiting jobs to the batch system, each exactly once';
  static override description =
    'Claims jobs that are ready, submits them held, records their ids, then releases them. A command that is killed at any moment starts nothing twice.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --order newest --limit 100',
  ];
  static override exits = [0, 1, 2, 3, 4, 5, 75];
  static override flags = {
    ...changing,
    ...ofHosts,
    ...limit,
    site: Flags.string({ description: 'farm (default: that of this host)', helpValue: 'NAME' }),
    order: Flags.option({
      options: ['priority', 'newest', 'lowest', 'fifo'] as const,
      description: 'which jobs first: by priority, newest run, lowest run, or oldest request (fifo)',
    })(),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Submit);
    const ports = await this.stepPorts();
    const options = this.stepOptions(flags, { site: flags.site, order: flags.order });
    this.idleText = () => idleSubmit(ports);
    await this.items(beating(ports, 'submit', submit(ports, options), options));
  }
}

import { resolve } from 'node:path';
import { Flags } from '@oclif/core';
import { ofHosts, spool } from '../../lib/cli/arguments/flags.ts';
import { Base } from '../../lib/cli/base.ts';
import { writeSpool } from '../../lib/cli/loop/spool.ts';
import { farmSettings } from '../../lib/flow/farms/farm.ts';
import { type Observation, poll } from '../../lib/flow/steps/monitor/monitor.ts';

export default class MonitorPoll extends Base {
  static override summary = 'Print the state of all active jobs at the batch system';
  static override description =
    'With --spool, the lines go to a file of this folder, in place of an earlier one of the same farm. Changes no job. A job without a line is unknown; a job that is gone has a line that says so.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> | <%= config.bin %> monitor apply',
    '<%= config.bin %> loop -- <%= command.id %> --spool /var/spool/dflow',
  ];
  static override exits = [0, 2, 3, 4, 5, 75];
  static override flags = {
    ...ofHosts,
    ...spool,
    site: Flags.string({ description: 'farm (default: that of this host)', helpValue: 'NAME' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(MonitorPoll);
    const ports = await this.stepPorts();
    if (flags.spool === undefined) {
      for await (const seen of poll(ports, flags.site)) this.out.exactJson(seen);
      return;
    }
    const all: Observation[] = [];
    for await (const seen of poll(ports, flags.site)) all.push(seen);
    const { name } = farmSettings(ports, flags.site);
    await this.items([await writeSpool(resolve(flags.spool), name, all)]);
  }
}

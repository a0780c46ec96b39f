import { Flags } from '@oclif/core';
import { changing, ofHosts, secondLook } from '../lib/cli/arguments/flags.ts';
import { Base } from '../lib/cli/base.ts';
import { chain } from '../lib/flow/steps/chain/chain.ts';

export default class Chain extends Base {
  static override summary = 'Run every step that this host does, once';
  static override description =
    'Runs the steps that the configuration gives to this host: register, transfer, enqueue, submit, monitor and so on. With --until-idle the round is repeated until nothing is due and no job is active.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --until-idle',
  ];
  static override exits = [0, 1, 2, 3, 4, 5, 75];
  static override flags = {
    ...changing,
    ...ofHosts,
    ...secondLook,
    'until-idle': Flags.boolean({ description: 'repeat until nothing is due and no job is active' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Chain);
    const ports = await this.stepPorts();
    const options = { untilIdle: flags['until-idle'] || undefined, wait: flags.wait };
    await this.items(chain(ports, this.stepOptions(flags, options)));
  }
}

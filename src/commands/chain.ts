import { Flags } from '@oclif/core';
import { changing, secondLook } from '../lib/cli/arguments/flags.ts';
import { Base } from '../lib/cli/base.ts';
import { chain } from '../lib/flow/steps/chain/chain.ts';

export default class Chain extends Base {
  static override summary = 'Run one round of all steps that this host does';
  static override description =
    'Runs the steps that the configuration gives this host, once; with --until-idle, again and again until nothing is due and nothing is active.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --until-idle',
  ];
  static override exits = [0, 1, 2, 3, 4, 5, 75];
  static override flags = {
    ...changing,
    ...secondLook,
    'until-idle': Flags.boolean({ description: 'until nothing is due and nothing is active' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Chain);
    const ports = await this.ports(true);
    const options = { untilIdle: flags['until-idle'] || undefined, wait: flags.wait };
    await this.items(chain(ports, this.stepOptions(flags, options)));
  }
}

import { changing, ofHosts } from '../../lib/cli/arguments/flags.ts';
import { loopNames } from '../../lib/cli/arguments/loopnames.ts';
import { patience } from '../../lib/cli/arguments/patience.ts';
import { durationOf } from '../../lib/cli/arguments/until.ts';
import { Base } from '../../lib/cli/base.ts';
import { screensWorld } from '../../lib/cli/hosts/screensworld.ts';
import { alone } from '../../lib/flow/steps/screens/alone.ts';
import { start, stop } from '../../lib/flow/steps/screens/screens.ts';

export default class ScreensRestart extends Base {
  static override summary = 'Stop the loops of this host, then start them again';
  static override description =
    'Does what screens stop and screens start do, one after the other. A new configuration or a new version of dflow needs no restart: loops take them up between two rounds.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> transfer',
    '<%= config.bin %> <%= command.id %> --dry-run',
  ];
  static override exits = [0, 1, 2, 5, 75];
  static override strict = false;
  static override args = loopNames;
  static override flags = { ...changing, ...ofHosts, ...patience };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(ScreensRestart);
    const world = screensWorld(await this.settings(), this.config.root, flags);
    const names = argv.map(String);
    await this.items(alone(world, stop(world, names, durationOf(flags.timeout, '--timeout')), start(world, names)));
  }
}

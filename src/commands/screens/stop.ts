import { changing } from '../../lib/cli/arguments/flags.ts';
import { loopNames } from '../../lib/cli/arguments/loopnames.ts';
import { patience } from '../../lib/cli/arguments/patience.ts';
import { durationOf } from '../../lib/cli/arguments/until.ts';
import { Base } from '../../lib/cli/base.ts';
import { screensWorld } from '../../lib/cli/hosts/screensworld.ts';
import { stop } from '../../lib/flow/steps/screens/screens.ts';

export default class ScreensStop extends Base {
  static override summary = 'Stop the loops of this host after the item in hand';
  static override description =
    'Tells each loop to end, and waits. A loop that has not ended after --timeout is cut off; what it had in hand is given back. Jobs at the batch system run on.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> transfer --timeout 10m',
  ];
  static override exits = [0, 2, 5];
  static override strict = false;
  static override args = loopNames;
  static override flags = { ...changing, ...patience };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(ScreensStop);
    const world = screensWorld(await this.settings(), this.config.root, flags);
    await this.items(stop(world, argv.map(String), durationOf(flags.timeout, '--timeout')));
  }
}

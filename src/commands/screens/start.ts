import { changing, ofHosts } from '../../lib/cli/arguments/flags.ts';
import { loopNames } from '../../lib/cli/arguments/loopnames.ts';
import { Base } from '../../lib/cli/base.ts';
import { screensWorld } from '../../lib/cli/hosts/screensworld.ts';
import { alone } from '../../lib/flow/steps/screens/alone.ts';
import { start } from '../../lib/flow/steps/screens/screens.ts';

export default class ScreensStart extends Base {
  static override summary = 'Start the loops of this host, each in a window of one tmux session';
  static override description =
    'Opens a window for each loop that `hosts` in the configuration plans for this host. A loop that runs goes on, so the command may be repeated. A loop that dies is started again, with pauses that grow up to a minute. A loop with `on: false` is not started.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> submit --dry-run',
  ];
  static override exits = [0, 1, 2, 5, 75];
  static override strict = false;
  static override args = loopNames;
  static override flags = { ...changing, ...ofHosts };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(ScreensStart);
    const world = screensWorld(await this.settings(), this.config.root, flags);
    await this.items(alone(world, start(world, argv.map(String))));
  }
}

import { ofHosts } from '../../lib/cli/arguments/flags.ts';
import { Base } from '../../lib/cli/base.ts';
import { screensWorld } from '../../lib/cli/hosts/screensworld.ts';
import { screenRows } from '../../lib/flow/reports/screenrows.ts';
import { planOf, tmuxOf } from '../../lib/flow/steps/screens/screens.ts';
import { messageOf } from '../../lib/util/errors.ts';

export default class ScreensStatus extends Base {
  static override summary = 'Show the loops of this host and their windows';
  static override description =
    'Shows for each loop that is planned for this host whether its window runs, and how its last round ended. Without the store the windows are shown all the same. For the loops of all hosts: dflow list loops.';
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --json'];
  static override exits = [0, 2, 5];
  static override flags = { ...ofHosts };

  async run(): Promise<void> {
    const { flags } = await this.parse(ScreensStatus);
    const world = screensWorld(await this.settings(), this.config.root, flags);
    const windows = await tmuxOf(world).windows();
    const ports = await this.ports(false).catch((error: unknown) => {
      this.say(`rounds are not shown: ${messageOf(error)}`);
      return undefined;
    });
    await this.rows('screens', screenRows(planOf(world), windows, ports));
  }
}

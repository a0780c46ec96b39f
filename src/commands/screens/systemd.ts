import { userInfo } from 'node:os';
import { Flags } from '@oclif/core';
import { changing, ofHosts } from '../../lib/cli/arguments/flags.ts';
import { Base } from '../../lib/cli/base.ts';
import { plainVariables, screensWorld, storeRemark } from '../../lib/cli/hosts/screensworld.ts';
import { launches, unitFiles } from '../../lib/flow/steps/screens/screens.ts';
import { units } from '../../lib/flow/steps/screens/units.ts';

export default class ScreensSystemd extends Base {
  static override summary = 'Print unit files of systemd for the loops of this host';
  static override description =
    'Prints a service for each loop and a target for all of them, or writes them into the folder of --out. With --user they are units of a user: ~/.config/systemd/user.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --user --out ~/.config/systemd/user',
  ];
  static override exits = [0, 2, 5];
  static override flags = {
    ...changing,
    ...ofHosts,
    user: Flags.boolean({ description: 'units of a user, not of the system' }),
    out: Flags.string({ description: 'write the files into this folder', helpValue: 'FOLDER' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(ScreensSystemd);
    const settings = await this.settings();
    const world = screensWorld(settings, this.config.root, flags);
    const env = plainVariables();
    const remark = storeRemark();
    if (remark) this.say(remark);
    const { experiment, folder } = settings;
    const user = flags.user || userInfo().username;
    const made = units(launches(world), { experiment, folder, host: world.host, user, env });
    if (flags.out !== undefined) return this.items(unitFiles(world, made, flags.out));
    this.out.line(made.map(({ name, text }) => `# ${name}\n${text}`).join('\n'));
  }
}

import { ofHosts } from '../../lib/cli/arguments/flags.ts';
import { Base } from '../../lib/cli/base.ts';
import { plainVariables, screensWorld, storeRemark } from '../../lib/cli/hosts/screensworld.ts';
import { crontab } from '../../lib/flow/steps/screens/crontab.ts';
import { launches } from '../../lib/flow/steps/screens/screens.ts';

export default class ScreensCron extends Base {
  static override summary = 'Print crontab lines for the loops of this host';
  static override description =
    'Prints one line for each loop, with full paths. Each line runs one round; a round that still runs keeps the next one from beginning. Changes nothing: crontab takes the lines.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '(crontab -l; <%= config.bin %> <%= command.id %>) | crontab -',
  ];
  static override exits = [0, 2];
  static override flags = { ...ofHosts };

  async run(): Promise<void> {
    const { flags } = await this.parse(ScreensCron);
    const settings = await this.settings();
    const world = screensWorld(settings, this.config.root, flags);
    const title = `dflow ${settings.experiment} on ${world.host}`;
    const remark = storeRemark();
    if (remark) this.say(remark);
    this.out.line(crontab(title, launches(world, true), plainVariables()));
  }
}

import { spawnSync } from 'node:child_process';
import { Args } from '@oclif/core';
import { Base } from '../../lib/cli/base.ts';
import { screensWorld } from '../../lib/cli/hosts/screensworld.ts';
import { attachment } from '../../lib/flow/steps/screens/screens.ts';
import { UsageError } from '../../lib/util/errors.ts';

export default class ScreensAttach extends Base {
  static override summary = 'Show the windows of the loops in this terminal';
  static override description =
    'Attaches this terminal to the tmux session of the loops, at the window of the named loop. Ctrl-B D leaves it; the loops go on.';
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> transfer'];
  static override exits = [0, 2, 5];
  static override args = { name: Args.string({ description: 'loop', ignoreStdin: true }) };

  async run(): Promise<void> {
    const { args } = await this.parse(ScreensAttach);
    const world = screensWorld(await this.settings(), this.config.root);
    const words = await attachment(world, args.name, process.env.TMUX !== undefined);
    if (!process.stdout.isTTY) throw new UsageError('this is not a terminal', { hint: ['tmux', ...words].join(' ') });
    const { status } = spawnSync('tmux', words, { stdio: 'inherit' });
    process.exitCode = status ?? 1;
  }
}

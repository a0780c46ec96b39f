import { Args, Command } from '@oclif/core';
import { SHELLS } from '../lib/cli/completion/candidates.ts';
import { SCRIPTS } from '../lib/cli/completion/scripts.ts';
import { named } from '../lib/domain/named.ts';

export default class Completion extends Command {
  static exits = [0, 2];
  static override summary = 'Print a script that completes commands when you press TAB';
  static override description =
    'The script completes commands, flags, and the names of your experiment: runs, modules, versions, farms, storage elements, causes, holds and requests. Names are asked of the store and kept for 30 seconds in ~/.cache/dflow. bash: add `source <(dflow completion bash)` to ~/.bashrc. zsh: add `source <(dflow completion zsh)` to ~/.zshrc, after compinit. fish: write the script to ~/.config/fish/completions/dflow.fish.';
  static override examples = [
    'source <(<%= config.bin %> <%= command.id %> bash)',
    '<%= config.bin %> <%= command.id %> fish > ~/.config/fish/completions/dflow.fish',
  ];
  static override args = {
    shell: Args.string({ description: `${SHELLS.join(', ')}`, required: true, ignoreStdin: true }),
  };

  async run(): Promise<void> {
    const { args } = await this.parse(Completion);
    process.stdout.write(SCRIPTS[named('shell', args.shell, SHELLS)]);
  }
}

import { Args, Command, loadHelpClass } from '@oclif/core';
import { TOPICS } from '../lib/cli/help/topics.ts';

export default class Help extends Command {
  static exits = [0, 2];
  static override summary = 'Show help of a command or a topic';
  static override description = `Without a word it shows the first page. Topics: ${TOPICS.join(', ')}.`;
  static override examples = [
    '<%= config.bin %> <%= command.id %> selections',
    '<%= config.bin %> <%= command.id %> farm drain',
  ];
  static override strict = false;
  static override args = {
    topic: Args.string({ description: 'words of a command, or a topic', ignoreStdin: true }),
  };

  async run(): Promise<void> {
    const { argv } = await this.parse(Help);
    const Shown = await loadHelpClass(this.config);
    await new Shown(this.config).showHelp(argv.map(String));
  }
}

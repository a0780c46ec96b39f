import { join, resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import chalk from 'chalk';
import { Base } from '../lib/cli/base.ts';
import { makeExperiment } from '../lib/cli/demo/experiment.ts';
import { nextSteps, STORY, type Telling, tell } from '../lib/cli/demo/story.ts';

export default class Demo extends Base {
  static override summary = 'Make a small example experiment and run all its steps';
  static override description =
    'Writes a folder with raw files of some twenty runs, three storage elements (folders), run tables and two modules. Then it runs the real commands on them and shows each as you would type it. A folder that holds a demo is made again; any other folder must be empty.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> /tmp/snoplus --make',
  ];
  static override args = {
    folder: Args.string({ description: 'folder of the demo', default: 'demo', ignoreStdin: true }),
  };
  static override flags = {
    seed: Flags.integer({
      description: 'start of the random numbers: another number makes other events',
      default: 1,
      helpValue: 'N',
    }),
    make: Flags.boolean({ description: 'make the experiment and run no command' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Demo);
    const started = performance.now();
    const folder = resolve(args.folder);
    const made = makeExperiment(folder, { seed: flags.seed });
    const telling: Telling = {
      folder,
      program: join(this.config.root, 'bin', 'run.js'),
      colour: chalk.level > 0,
      columns: process.stdout.isTTY ? this.out.columns : 160,
      print: (line) => this.out.line(line),
    };
    const size = `${made.files} raw files of ${made.runs.length} runs, ${(made.bytes / 1e6).toFixed(1)} MB`;
    telling.print(`${chalk.bold('A small experiment')} in ${folder}: ${size}.`);
    if (!flags.make) await tell(STORY, telling);
    for (const line of nextSteps(telling)) telling.print(line);
    this.remark(`${((performance.now() - started) / 1000).toFixed(1)} s`);
  }
}

import { Args, Flags } from '@oclif/core';
import { Base } from '../../lib/cli/base.ts';
import { outputFolder, runTrial } from '../../lib/cli/trial.ts';
import { trialItems } from '../../lib/flow/steps/trial/trial.ts';
import { withScratch } from '../../lib/util/files/scratch.ts';
import { given } from '../../lib/util/values/given.ts';

export default class ModuleTest extends Base {
  static override summary = 'Run a module here on the data of one run, as a test';
  static override description =
    'Runs the job wrapper in a temporary folder on the inputs of one run, without a batch system. Prerequisites are the newest completed passes. Shows the result record, the outputs and the end of the log. Store and storage elements are only read. With --keep the outputs stay in a folder.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> Processing --run 109134',
    '<%= config.bin %> <%= command.id %> Analysis40 --run 109134 --subrun 2 --version 7.0.9 --keep ./try',
  ];
  static override exits = [0, 1, 2, 3, 5];
  static override args = {
    module: Args.string({ description: 'name of the module', required: true, ignoreStdin: true }),
  };
  static override flags = {
    run: Flags.integer({ char: 'r', description: 'number of the run', required: true, helpValue: 'RUN', min: 0 }),
    subrun: Flags.integer({ description: 'number of the subrun (default: the first)', helpValue: 'N', min: 0 }),
    version: Flags.string({
      char: 'V',
      description: 'software version (default: the automatic one)',
      helpValue: 'VERSION',
    }),
    keep: Flags.string({ description: 'keep the outputs in this folder', helpValue: 'FOLDER' }),
    lines: Flags.integer({ description: 'at most N lines of the log', default: 20, min: 0, helpValue: 'N' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ModuleTest);
    const ports = await this.ports(false);
    const { run, lines } = flags;
    await withScratch(async (folder) => {
      const output = outputFolder(flags.keep, folder);
      const options = { module: args.module, run, output, ...given({ subrun: flags.subrun, version: flags.version }) };
      const log: string[] = [];
      await this.items(
        trialItems(ports, options, async (spec) => {
          const trial = await runTrial(folder, spec);
          log.push(...trial.log.trimEnd().split('\n').slice(-lines));
          return trial.record;
        }),
      );
      if (lines > 0 && this.out.format !== 'json') this.out.output(`== log\n${log.join('\n')}`, false);
    });
  }
}

import { Args, Flags } from '@oclif/core';
import { changing } from '../lib/cli/arguments/flags.ts';
import { nothingNamed, readWords, runsToSwitch } from '../lib/cli/arguments/selection.ts';
import { Base } from '../lib/cli/base.ts';
import { restore } from '../lib/flow/copies/removal/trash.ts';
import { pause } from '../lib/flow/switches/holds.ts';
import { UsageError } from '../lib/util/errors.ts';

export default class Quarantine extends Base {
  static override summary = 'Keep runs out of all steps, or bring files back from the trash';
  static override description =
    'Makes a hold on runs: their new files go to quarantine, and their passes are not submitted. dflow resume ends the hold; then the files are registered. With --restore, brings files back from the trash of the buffer (dflow list quarantine --trash). Existing files are not overwritten.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> 109100-109105 --why "builder test"',
    '<%= config.bin %> <%= command.id %> --restore later/run001.dat',
  ];
  static override strict = false;
  static override args = {
    runs: Args.string({
      description: 'runs, ranges, @FILE; with --restore: REFs or names of files, @FILE, or - for standard input',
      required: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...changing,
    why: Flags.string({ description: 'reason, shown with the hold', helpValue: 'TEXT', exclusive: ['restore'] }),
    restore: Flags.boolean({ description: 'bring files back from the trash of the buffer' }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Quarantine);
    if (flags.restore) {
      const words = await readWords(argv.map(String));
      if (words.length === 0) throw nothingNamed(argv.map(String), 'file', 'dflow list quarantine --trash');
      return this.items(restore(await this.ports(true), words, this.stepOptions(flags, {})));
    }
    if (flags.why === undefined) throw new UsageError('a reason is required', { hint: 'add --why TEXT' });
    const { ranges } = await runsToSwitch(argv.map(String));
    const ports = await this.ports(true);
    const hold = { what: 'quarantine', scope: { runs: ranges }, why: flags.why } as const;
    await this.items(pause(ports, hold, this.stepOptions(flags, {})));
  }
}

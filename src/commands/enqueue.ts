import { Flags } from '@oclif/core';
import { changing, limit, run, why } from '../lib/cli/arguments/flags.ts';
import { readRuns } from '../lib/cli/arguments/selection.ts';
import { Base } from '../lib/cli/base.ts';
import { beating } from '../lib/flow/farms/beat.ts';
import { selectRuns } from '../lib/flow/jobs/select.ts';
import { idleEnqueue } from '../lib/flow/reports/idle.ts';
import { enqueue } from '../lib/flow/steps/enqueue/enqueue.ts';
import { declareComplete } from '../lib/flow/steps/register/register.ts';

export default class Enqueue extends Base {
  static override summary = 'Make the jobs of complete runs';
  static override description =
    'Makes the passes that the type of each run asks for. A run must be complete and must have its run tables. Two commands at once make no duplicates. With --run, each run that is not ready is named with its reason.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --run 109134 --dry-run',
    '<%= config.bin %> <%= command.id %> --complete 109134 --why "file 001 is lost"',
  ];
  static override flags = {
    ...changing,
    ...limit,
    ...run,
    complete: Flags.integer({
      description: 'declare this run complete as it is, then make its jobs',
      helpValue: 'RUN',
    }),
    level: Flags.string({ description: 'with --complete: declare only this raw data level' }),
    ...why,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Enqueue);
    const ports = await this.ports(true);
    if (flags.complete !== undefined) {
      const declared = declareComplete(ports, flags.complete, flags.level, flags.why, this.stepOptions(flags, {}));
      return this.items(declared, enqueue(ports, this.stepOptions(flags, { runs: [flags.complete] })));
    }
    const options = this.stepOptions(flags, {});
    this.idleText = () => idleEnqueue(ports);
    if (!flags.run) return this.items(beating(ports, 'enqueue', enqueue(ports, options), options));
    const { runs, problems } = await selectRuns(ports.store, { runs: await readRuns(flags.run) });
    const numbers = runs.map((doc) => doc.run);
    await this.items(problems, enqueue(ports, this.stepOptions(flags, { runs: numbers })));
  }
}

import { all, changing, limit, refs, selection, why } from '../lib/cli/arguments/flags.ts';
import { Base } from '../lib/cli/base.ts';
import { retryStep } from '../lib/cli/calls/acts.ts';
import { idleRetry } from '../lib/flow/reports/idle.ts';

export default class Retry extends Base {
  static override summary = 'Run failed jobs again, as the same pass';
  static override description =
    'Puts failed, canceled and held subjobs back to waiting, with all their tries. Without --state: failed and partFail passes. A job of the first pass is named as RUN/JOB. With --cause: only subjobs that failed or are held with that cause. A JSON line from a pipe is refused when the job has changed since.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --cause db-no-route --dry-run',
    "<%= config.bin %> list jobs -s failed --json | jq -c 'select(.tries < 5)' | <%= config.bin %> <%= command.id %> -",
  ];
  static override strict = false;
  static override args = refs;
  static override flags = { ...changing, ...limit, ...selection, ...all, ...why };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Retry);
    const ports = await this.ports(true);
    const { problems, step } = await retryStep(ports, argv.map(String), flags, this.stepOptions(flags, {}));
    this.idleText = () => idleRetry(ports);
    await this.items(problems, step);
  }
}

import { all, changing, limit, refs, selection, why, yes } from '../lib/cli/arguments/flags.ts';
import { select } from '../lib/cli/arguments/selection.ts';
import { Base } from '../lib/cli/base.ts';
import { isActive } from '../lib/domain/jobs/states.ts';
import { STATE_SETS } from '../lib/domain/selection.ts';
import { cancel } from '../lib/flow/jobs/operate.ts';

export default class Cancel extends Base {
  static override summary = 'Stop jobs, in the queue of dflow and in the batch system';
  static override description =
    'Cancels waiting and held passes at once. Jobs at the batch system are marked; the next dflow monitor stops them there and confirms the end. Without --state, only active passes are selected.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --request tl-july --dry-run',
    '<%= config.bin %> <%= command.id %> 109134/Analysis40 --why "wrong tag"',
  ];
  static override strict = false;
  static override args = refs;
  static override flags = { ...changing, ...limit, ...yes, ...selection, ...all, ...why };

  protected override idle = 'nothing to do: no selected job waits or runs. Next: dflow list jobs --state all';

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Cancel);
    const ports = await this.ports(true);
    const selected = await select(ports, { refs: argv.map(String), flags, states: STATE_SETS.active, needed: true });
    const jobs = selected.jobs.slice(0, flags.limit);
    const active = jobs.filter((job) => job.subjobs.some((subjob) => isActive(subjob.state))).length;
    if (active > 0 && !flags['dry-run']) {
      await this.confirm(`${active} of ${jobs.length} passes are at the batch system. Stop them?`, flags.yes);
    }
    const options = this.stepOptions(flags, { why: flags.why, subjobs: selected.subjobs });
    await this.items(selected.problems, cancel(ports, jobs, options));
  }
}

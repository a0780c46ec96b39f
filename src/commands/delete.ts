import { Flags } from '@oclif/core';
import { all, changing, limit, refs, selection, why, yes } from '../lib/cli/arguments/flags.ts';
import { select } from '../lib/cli/arguments/selection.ts';
import { Base } from '../lib/cli/base.ts';
import type { PassState } from '../lib/domain/jobs/states.ts';
import { deleteOutputs } from '../lib/flow/steps/delete/delete.ts';

/** Without `--state`: passes that have come to an end. */
const ENDED: readonly PassState[] = ['completed', 'failed', 'partFail', 'canceled'];

export default class Delete extends Base {
  static override summary = 'Delete outputs of jobs; a receipt lists what was deleted';
  static override description =
    'Deletes outputs of passes: all of them, or some types. A receipt in .dflow/receipts is written first. A pass without outputs becomes deleted; dflow retry makes its outputs again. Outputs that an open pass needs are kept. With --state deleted the command finishes a deletion that was interrupted.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --request tl-july --type ratds --dry-run',
    '<%= config.bin %> <%= command.id %> 109134/Analysis40/1 --yes --why "wrong optics"',
  ];
  static override exits = [0, 1, 2, 3, 4, 5];
  static override strict = false;
  static override args = refs;
  static override flags = {
    ...changing,
    ...limit,
    ...yes,
    ...selection,
    ...all,
    ...why,
    type: Flags.string({
      description: 'delete only outputs of these types',
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ',',
      helpValue: 'NAME',
    }),
  };

  protected override idle = 'nothing to do: no selected job has outputs. Next: dflow list jobs --state all';

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Delete);
    const ports = await this.ports(!flags['dry-run']);
    const selected = await select(ports, { refs: argv.map(String), flags, states: ENDED, needed: true });
    const jobs = selected.jobs.slice(0, flags.limit);
    if (jobs.length > 0 && !flags['dry-run']) {
      const what = flags.type ? `the ${flags.type.join(', ')} outputs` : 'all outputs';
      await this.confirm(`Delete ${what} of ${jobs.length} ${jobs.length === 1 ? 'pass' : 'passes'}?`, flags.yes);
    }
    const options = this.stepOptions({ 'dry-run': flags['dry-run'] }, { types: flags.type, why: flags.why });
    await this.items(selected.problems, deleteOutputs(ports, jobs, options));
  }
}

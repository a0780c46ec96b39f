import { Flags } from '@oclif/core';
import { changing, refs, selection, why, yes } from '../lib/cli/arguments/flags.ts';
import { select } from '../lib/cli/arguments/selection.ts';
import { Base } from '../lib/cli/base.ts';
import { refOf } from '../lib/domain/ids.ts';
import type { JobDoc } from '../lib/domain/jobs/job.ts';
import { isActive } from '../lib/domain/jobs/states.ts';
import { beating } from '../lib/flow/farms/beat.ts';
import { checkNamed } from '../lib/flow/jobs/names/checknamed.ts';
import { putBackSelected, untouched } from '../lib/flow/jobs/operate.ts';
import type { Step } from '../lib/flow/ports.ts';
import { reset } from '../lib/flow/steps/reset/reset.ts';

export default class Reset extends Base {
  static override summary = 'Put stuck or lost jobs back into the queue';
  static override description =
    'Puts back claims that submit did not finish, wakes jobs whose waiting time is over, and ends expired holds. With a selection or `-`, puts back exactly those jobs; active ones are stopped at the batch system first.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> 109134/Analysis40 --dry-run',
  ];
  static override strict = false;
  static override args = refs;
  static override flags = {
    ...changing,
    ...yes,
    ...selection,
    ...why,
    site: Flags.string({ description: 'only this farm', helpValue: 'NAME' }),
  };

  protected override idle = 'nothing to do: nothing is stuck, and no waiting time has passed';

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Reset);
    const ports = await this.ports(true);
    const { site, why, ...rest } = flags;
    const some =
      argv.length > 0 || Object.keys(selection).some((name) => rest[name as keyof typeof rest] !== undefined);
    const own = this.stepOptions(flags, { site });
    if (site !== undefined) await checkNamed(ports, { sites: [site] });
    if (!some) return this.items(beating(ports, 'reset', reset(ports, own), own));
    const states = ['failed', 'partFail', 'held', 'submitting', 'submitted', 'running'] as const;
    const selected = await select(ports, {
      refs: argv.map(String),
      flags: { ...rest, ...(site ? { site: [site] } : {}) },
      states,
    });
    const active = selected.jobs.filter((job) => job.subjobs.some((subjob) => isActive(subjob.state))).length;
    if (active > 0 && !flags['dry-run']) {
      await this.confirm(
        `${selected.jobs.length} passes are selected, ${active} of them active. Stop them and put them back?`,
        flags.yes,
      );
    }
    const options = this.stepOptions(flags, { why, subjobs: selected.subjobs });
    await this.items(selected.problems, withUntouched(selected.jobs, putBackSelected(ports, selected.jobs, options)));
  }
}

/** The items of a step, and one for each pass of which it says nothing. */
async function* withUntouched(jobs: readonly JobDoc[], step: Step): Step {
  const said = new Set<string>();
  for await (const item of step) {
    said.add(item.ref.replace(/\.\d+$/, ''));
    yield item;
  }
  for (const job of jobs) if (!said.has(refOf(job.run, job.module, job.pass))) yield untouched(job);
}

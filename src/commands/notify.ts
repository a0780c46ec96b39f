import { Flags } from '@oclif/core';
import { changing } from '../lib/cli/arguments/flags.ts';
import { Base } from '../lib/cli/base.ts';
import type { Step } from '../lib/flow/ports.ts';
import { problemsOf } from '../lib/flow/reports/notify/problems.ts';
import { tailOf } from '../lib/flow/reports/notify/tail.ts';
import { notify } from '../lib/flow/steps/notify/notify.ts';

export default class Notify extends Base {
  static override summary = 'Tell people what needs them, by mail or a command';
  static override description =
    'Compares what needs a person (the lines of dflow status) with what each rule of notify in dflow.yaml has told, and sends what is new: one message a rule, one paragraph for each cause, with the end of a log and the next command. A problem that lasts is told again after repeat (a day), its end once. A rule sends at most one message in every (15m); in its quiet hours only urgent kinds pass, the rest follows after them. The store remembers what was told, so several hosts may run it. A message that could not be sent was not told: the next round tries again. Run it as a loop or by cron.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --dry-run',
    '<%= config.bin %> <%= command.id %> --test shifters',
  ];
  static override exits = [0, 1, 2, 3, 4, 5];
  static override flags = {
    ...changing,
    test: Flags.string({ description: 'send a test message by this rule', helpValue: 'RULE', exclusive: ['dry-run'] }),
  };
  protected override idle = 'nothing new to tell';

  async run(): Promise<void> {
    const { flags } = await this.parse(Notify);
    const ports = await this.ports(true);
    const options = { look: problemsOf, tail: tailOf, test: flags.test };
    await this.items(this.shown(notify(ports, this.stepOptions(flags, options))));
  }

  /** The message of a dry run, for people as it would be sent. */
  private async *shown(step: Step): Step {
    for await (const item of step) {
      yield item;
      if (item.kind === 'notify' && item.message !== undefined && this.out.format !== 'json')
        this.out.output(item.message, false);
    }
  }
}

import { Flags } from '@oclif/core';
import { changing } from '../lib/cli/arguments/flags.ts';
import { Base } from '../lib/cli/base.ts';
import { machine } from '../lib/cli/machine.ts';
import { hostOf } from '../lib/cli/ports.ts';
import { mailer } from '../lib/cli/watching/mail.ts';
import type { Step } from '../lib/flow/ports.ts';
import { problemsOf } from '../lib/flow/reports/notify/problems.ts';
import { tailOf } from '../lib/flow/reports/notify/tail.ts';
import { type AwayPorts, tellOfStore, wasAway } from '../lib/flow/steps/notify/away.ts';
import { notify } from '../lib/flow/steps/notify/notify.ts';
import { BusyError, ReadOnlyStoreError, StoreError } from '../lib/util/errors.ts';
import { iso } from '../lib/util/time.ts';
import { given } from '../lib/util/values/given.ts';

export default class Notify extends Base {
  static override summary = 'Tell people what needs them, by mail or a command';
  static override description =
    'Compares what needs a person (the lines of dflow status) with what each rule of notify in dflow.yaml has told, and sends what is new: one message a rule, one paragraph for each cause, with the end of a log and the next command. A problem that lasts is told again after repeat (a day), its end once. A rule sends at most one message in every (15m); in its quiet hours only urgent kinds pass, the rest follows after them. The store remembers what was told, so several hosts may run it. A message that could not be sent was not told: the next round tries again. When the store cannot be used, rules with store or silent tell it, and exit code 3 follows. Run it as a loop or by cron.';
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
    const settings = await this.settings();
    const options = { look: problemsOf, tail: tailOf, ...given({ test: flags.test }) };
    const dry = flags['dry-run'] ? ({ dry: true } as const) : {};
    const alone: AwayPorts = { ...machine, settings, mail: mailer(settings), host: hostOf(), ...dry };
    try {
      const ports = await this.ports(true);
      if (options.test !== undefined) return await this.items(notify(ports, options));
      await this.items(this.shown(tellOfStore(alone, undefined, now())));
      const calm = await wasAway(alone, now());
      await this.items(this.shown(notify(ports, this.stepOptions(flags, { ...options, calm }))));
    } catch (error) {
      // Another host has the turn of an exclusive loop, so the store is there.
      if (error instanceof BusyError) await this.items(this.shown(tellOfStore(alone, undefined, now())));
      if ((error instanceof StoreError || error instanceof ReadOnlyStoreError) && options.test === undefined)
        await this.items(this.shown(tellOfStore(alone, error, now())));
      throw error;
    }
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

/** The store's clock is not asked: it may be away. */
const now = () => iso(Date.now());

import { Args } from '@oclif/core';
import { failureLines } from '../../lib/cli/arguments/failures.ts';
import { all } from '../../lib/cli/arguments/flags.ts';
import { Base } from '../../lib/cli/base.ts';
import { verdictRow, verdicts } from '../../lib/flow/reports/policy.ts';
import { UsageError } from '../../lib/util/errors.ts';

export default class PolicyTest extends Base {
  static override summary = 'Show how the failure policy judges recorded failures';
  static override description =
    'Reads failures as JSON lines with the fields exit, signal, phase, text, site, module, version and failures; each field may be absent. With --all, takes the failures in the store. Prints the cause of each, the action and the rule that decides. Changes nothing.';
  static override examples = [
    `echo '{"exit":2,"text":"No route to host"}' | <%= config.bin %> <%= command.id %> -`,
    '<%= config.bin %> <%= command.id %> failures.jsonl',
    '<%= config.bin %> <%= command.id %> --all',
  ];
  static override exits = [0, 2, 3];
  static override args = {
    file: Args.string({ description: 'file of JSON lines, or - for standard input', ignoreStdin: true }),
  };
  static override flags = { ...all };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(PolicyTest);
    if ((args.file === undefined) === !flags.all) {
      throw new UsageError('a file of failures, - or --all is required', { hint: 'dflow policy test --all' });
    }
    if (args.file === undefined) return this.rows('verdict', verdicts(await this.ports(false)));
    const settings = await this.settings();
    const failures = await failureLines(args.file);
    await this.rows(
      'verdict',
      failures.map((failure) => verdictRow(settings, failure)),
    );
  }
}

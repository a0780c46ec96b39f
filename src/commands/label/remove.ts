import { labelArgs, labelFlags, labelNamed } from '../../lib/cli/arguments/runsorpasses.ts';
import { Base } from '../../lib/cli/base.ts';
import { label } from '../../lib/flow/switches/labels.ts';

export default class LabelRemove extends Base {
  static override summary = 'Remove a label from runs or passes';
  static override description =
    'A run loses the label together with its passes, also those that got it alone or by a request. A pass loses it alone: name one, or use a selection flag other than --run. What does not have the label stays as it is.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> gold 109134 --why "trip at 03:10"',
    '<%= config.bin %> list runs --label gold --format ids | <%= config.bin %> <%= command.id %> gold -',
  ];
  static override strict = false;
  static override args = labelArgs;
  static override flags = labelFlags;

  protected override idle = 'nothing to do: no run or pass is selected. Next: dflow list runs';

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(LabelRemove);
    const [name = '', ...words] = argv.map(String);
    const ports = await this.ports(true);
    const { problems, ...found } = await labelNamed(ports, name, words, flags);
    const options = { label: name, change: 'remove' as const, why: flags.why };
    await this.items(problems, label(ports, found, this.stepOptions(flags, options)));
  }
}

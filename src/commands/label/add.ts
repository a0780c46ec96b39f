import { labelArgs, labelFlags, labelNamed } from '../../lib/cli/arguments/runsorpasses.ts';
import { Base } from '../../lib/cli/base.ts';
import { label } from '../../lib/flow/switches/labels.ts';

export default class LabelAdd extends Base {
  static override summary = 'Give runs or passes a label, such as gold';
  static override description =
    'A run gets the label together with its passes. Passes of that run that are made later get the label too. A pass gets it alone: name one, or use a selection flag other than --run. What has the label already stays as it is. A pass that is made in the same second may miss the label: the same command adds it. Labels work in every selection (--label), in pause --label and in routing. dflow list labels counts them.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> gold 109134 109140-109150',
    '<%= config.bin %> <%= command.id %> gold --run @gold.txt --why "physics list of July"',
    '<%= config.bin %> <%= command.id %> checked --module Analysis40 --version 7.0.9 --state completed',
  ];
  static override strict = false;
  static override args = labelArgs;
  static override flags = labelFlags;

  protected override idle = 'nothing to do: no run or pass is selected. Next: dflow list runs';

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(LabelAdd);
    const [name = '', ...words] = argv.map(String);
    const ports = await this.ports(true);
    const { problems, ...found } = await labelNamed(ports, name, words, flags);
    const options = { label: name, change: 'add' as const, why: flags.why };
    await this.items(problems, label(ports, found, this.stepOptions(flags, options)));
  }
}

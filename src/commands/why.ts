import { Base } from '../lib/cli/base.ts';
import { all, refs } from '../lib/cli/flags.ts';
import { readRefs } from '../lib/cli/selection.ts';
import { whyAll } from '../lib/flow/why/all.ts';
import { why } from '../lib/flow/why.ts';
import { whyText } from '../lib/render/why.ts';
import { UsageError } from '../lib/util/errors.ts';

export default class Why extends Base {
  static override summary = 'gates, evidence, cause, remedy';
  static override description =
    'Why a run or a pass is where it is: each gate met or not, since when, with its evidence, and the command that clears it. It asks the same rules that enqueue and submit act on. With --all: everything that does not go on by itself, by reason.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> 109134 Analysis40',
    '<%= config.bin %> <%= command.id %> 109134/Analysis40/2 --json',
    '<%= config.bin %> <%= command.id %> --all',
  ];
  static override strict = false;
  static override args = refs;
  static override flags = { ...all };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Why);
    const words = joined(argv as string[]);
    if (words.length === 0 && !flags.all) {
      throw new UsageError('no REF is named', { hint: 'dflow why 109134, dflow why 109134 Analysis40, or --all' });
    }
    const ports = await this.ports(false);
    if (flags.all) return this.rows('reasons', whyAll(ports));
    let first = true;
    for (const ref of await readRefs(words)) {
      for (const report of await why(ports, ref)) {
        if (this.out.format === 'json') this.out.line(JSON.stringify({ kind: 'why', ...report }));
        else this.out.line(`${first ? '' : '\n'}${whyText(report)}`);
        first = false;
      }
    }
  }
}

/** `109134 Analysis40` is the same as `109134/Analysis40`. */
function joined(words: readonly string[]): string[] {
  const [run, module] = words;
  if (words.length === 2 && /^\d+$/.test(run ?? '') && /^[A-Za-z]/.test(module ?? '')) return [`${run}/${module}`];
  return [...words];
}

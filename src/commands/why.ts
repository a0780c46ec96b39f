import { all, refs } from '../lib/cli/arguments/flags.ts';
import { Base } from '../lib/cli/base.ts';
import { explained } from '../lib/cli/calls/explained.ts';
import { whyAll } from '../lib/flow/reports/why/all/whyall.ts';
import type { WhyReport } from '../lib/flow/reports/why/whyreport.ts';
import { together, whyText } from '../lib/render/why.ts';

export default class Why extends Base {
  static override summary = 'Explain why a run or a job is not done, and what to type';
  static override description =
    'The first line is the verdict. Then comes each condition of a run or a pass with its evidence, since when it holds, and the command that clears it; prerequisites are followed to the one that stops everything. The rules are those of enqueue and submit. Farms, storage elements, hosts, requests, holds, files and quarantine entries are explained by their name, and what fills the buffer by `buffer`. Without a REF, or with --all: everything that needs a person, by reason, the biggest first.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> 109134 Analysis40',
    '<%= config.bin %> <%= command.id %> 109134/Analysis40/2 --json',
    '<%= config.bin %> <%= command.id %> buffer',
    '<%= config.bin %> <%= command.id %> ral',
    '<%= config.bin %> <%= command.id %> login1',
    '<%= config.bin %> <%= command.id %> tl-july',
    '<%= config.bin %> <%= command.id %> SNOP_0000109134_002.zdab',
    '<%= config.bin %> <%= command.id %> --all',
  ];
  static override strict = false;
  static override args = refs;
  static override flags = { ...all };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Why);
    const words = joined(argv.map(String));
    const ports = await this.ports(false);
    if (flags.all || words.length === 0) return this.rows('reasons', whyAll(ports));
    this.report(await explained(ports, words));
  }

  private report(reports: readonly WhyReport[]): void {
    if (this.out.format === 'json') for (const report of reports) this.out.json({ kind: 'why', ...report });
    else {
      const texts = together(reports).map(({ report, refs: all }) => whyText(report, this.out.width, all));
      if (texts.length > 0) this.out.line(texts.join('\n\n'));
    }
  }
}

/** `109134 Analysis40` is the same as `109134/Analysis40`. */
function joined(words: readonly string[]): string[] {
  const [run, module] = words;
  if (words.length === 2 && /^\d+$/.test(run ?? '') && /^[A-Za-z]/.test(module ?? '')) return [`${run}/${module}`];
  return [...words];
}

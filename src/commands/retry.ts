import { Base } from '../lib/cli/base.ts';
import { all, changing, limit, refs, selection, why } from '../lib/cli/flags.ts';
import { select } from '../lib/cli/selection.ts';
import { retry } from '../lib/flow/operate.ts';

export default class Retry extends Base {
  static override summary = 'same passes again';
  static override description =
    'Puts failed, canceled and held subjobs back to waiting with all their tries. Without a state: failed and partFail. A piped JSON line whose state has changed meanwhile is refused and named.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --cause db-no-route --dry-run',
    "<%= config.bin %> list jobs -s failed --json | jq -c 'select(.tries < 5)' | <%= config.bin %> <%= command.id %> -",
  ];
  static override strict = false;
  static override args = refs;
  static override flags = { ...changing, ...limit, ...selection, ...all, ...why };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Retry);
    const ports = await this.ports(true);
    const states = ['failed', 'partFail'] as const;
    const selected = await select(ports, { refs: argv as string[], flags, states, needed: true });
    const options = this.stepOptions(flags, { why: flags.why, subjobs: selected.subjobs });
    await this.items(selected.problems, retry(ports, selected.jobs.slice(0, flags.limit), options));
  }
}

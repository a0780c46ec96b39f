import { Flags } from '@oclif/core';
import { Base } from '../lib/cli/base.ts';
import { changing, level, limit, run, yes } from '../lib/cli/flags.ts';
import { readRuns } from '../lib/cli/selection.ts';
import { hasRun } from '../lib/domain/selection.ts';
import { beating } from '../lib/flow/farms/beat.ts';
import { purge } from '../lib/flow/steps/purge/purge.ts';
import { UsageError } from '../lib/util/errors.ts';

export default class Purge extends Base {
  static override summary = 'Delete raw files from the buffer that have enough verified copies';
  static override description =
    'Deletes originals from the buffer of this host, oldest run first, when enough copies are good now: each is checked again, at least one read byte by byte. A receipt in .dflow/receipts is on disk before anything goes. Never the last copy.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --dry-run',
    '<%= config.bin %> <%= command.id %> --until-free 30% --yes',
    '<%= config.bin %> <%= command.id %> --junk',
  ];
  static override exits = [0, 1, 2, 3, 4, 5, 75];
  static override flags = {
    ...changing,
    ...limit,
    ...yes,
    ...run,
    ...level,
    'until-free': Flags.string({ description: 'stop when so much of the disk is free', helpValue: '30%' }),
    junk: Flags.boolean({ description: 'quarantined junk (empty, damaged, misnamed, doubled), and nothing else' }),
    late: Flags.boolean({ description: 'also runs to which files came late' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Purge);
    const untilFree = flags['until-free'] === undefined ? undefined : shareOf(flags['until-free']);
    const set = flags.run ? await readRuns(flags.run) : undefined;
    const runs = set && ((number: number) => hasRun(set, number));
    const ports = await this.ports(!flags['dry-run']);
    if (!flags['dry-run']) await this.confirm(question(flags.junk, ports.host), flags.yes);
    const { level: levels, junk, late } = flags;
    const options = this.stepOptions(flags, { untilFree, levels, runs, junk, late });
    await this.items(beating(ports, 'purge', purge(ports, options), options));
  }
}

function question(junk: boolean, host: string): string {
  return `Delete ${junk ? 'quarantined junk' : 'originals that have enough good copies'} from the buffer of ${host}?`;
}

function shareOf(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*%$/.exec(text);
  const share = Number(match?.[1]) / 100;
  if (match && share <= 1) return share;
  throw new UsageError(`--until-free ${text} is no share`, { hint: '--until-free 30%' });
}

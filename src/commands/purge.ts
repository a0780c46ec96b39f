import { Args, Flags } from '@oclif/core';
import { changing, level, limit, ofHosts, run, why, yes } from '../lib/cli/arguments/flags.ts';
import { nothingNamed, readWords, runTest } from '../lib/cli/arguments/selection.ts';
import { Base } from '../lib/cli/base.ts';
import { checkAsked } from '../lib/domain/data/junkrules.ts';
import { beating } from '../lib/flow/farms/beat.ts';
import { purge } from '../lib/flow/steps/purge/purge.ts';
import { UsageError } from '../lib/util/errors.ts';

export default class Purge extends Base {
  static override summary = 'Delete raw files from the buffer that have enough verified copies';
  static override description =
    'Deletes original files from the buffer of this host, oldest run first. Each file must have enough good copies now: every copy is checked again, and at least one is read byte by byte. A receipt in .dflow/receipts is written first. With --junk, moves quarantined files to the trash of the buffer: empty files and proven duplicates. Other quarantined files may be data: name them by REF or --reason, and give --why. Files in the trash are deleted after purge.trash (30 days).';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --dry-run',
    '<%= config.bin %> <%= command.id %> --until-free 30% --yes',
    '<%= config.bin %> <%= command.id %> --junk',
    '<%= config.bin %> <%= command.id %> --junk --reason out-of-range --why "bad builder on 14 July"',
    '<%= config.bin %> <%= command.id %> --empty-trash',
  ];
  static override exits = [0, 1, 2, 3, 4, 5, 75];
  static override flags = {
    ...changing,
    ...ofHosts,
    ...limit,
    ...yes,
    ...run,
    ...level,
    'until-free': Flags.string({ description: 'stop when this share of the disk is free', helpValue: '30%' }),
    junk: Flags.boolean({ description: 'only move quarantined junk to the trash' }),
    reason: Flags.string({
      description: 'with --junk: all quarantined files with this reason',
      helpValue: 'REASON',
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ',',
      dependsOn: ['junk'],
    }),
    ...why,
    'empty-trash': Flags.boolean({
      description: 'only delete the files in the trash, now',
      exclusive: ['junk'],
    }),
    late: Flags.boolean({ description: 'also purge runs that got late files' }),
  };

  static override strict = false;
  static override args = {
    ref: Args.string({
      description: 'with --junk: only these quarantined files: REFs, names, @FILE, or - for standard input',
      ignoreStdin: true,
    }),
  };

  protected override idle = 'nothing to do: no original may be deleted now. Next: dflow why buffer';

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Purge);
    const words = await namedFiles(argv.map(String), flags.junk);
    checkAsked({ words: words ?? [], reasons: flags.reason ?? [] }, flags.why, flags['dry-run']);
    const untilFree = flags['until-free'] === undefined ? undefined : shareOf(flags['until-free']);
    const runs = await runTest(flags.run);
    const ports = await (flags['dry-run'] ? this.ports(false) : this.stepPorts());
    const emptyTrash = flags['empty-trash'] || undefined;
    if (!flags['dry-run']) await this.confirm(question(flags.junk, emptyTrash === true, ports.host), flags.yes);
    const { level: levels, junk, late, reason: reasons, why } = flags;
    const options = this.stepOptions(flags, { untilFree, levels, runs, junk, late, words, reasons, why, emptyTrash });
    await this.items(beating(ports, 'purge', purge(ports, options), options));
  }
}

/** Quarantined files named on the command line; an empty list of names must not become all junk. */
async function namedFiles(argv: readonly string[], junk: boolean): Promise<string[] | undefined> {
  if (argv.length === 0) return undefined;
  if (!junk)
    throw new UsageError(`'${argv[0]}': purge takes a file name only with --junk`, {
      hint: 'dflow purge --junk REF --why TEXT',
    });
  const words = await readWords(argv);
  if (words.length === 0) throw nothingNamed(argv, 'file', 'dflow list quarantine');
  return words;
}

function question(junk: boolean, emptyTrash: boolean, host: string): string {
  if (emptyTrash) return `Delete everything in the trash of the buffer of ${host}?`;
  if (junk) return `Move quarantined junk to the trash of the buffer of ${host}?`;
  return `Delete from the buffer of ${host} the originals that have enough good copies?`;
}

function shareOf(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*%$/.exec(text);
  const share = Number(match?.[1]) / 100;
  if (match && share <= 1) return share;
  throw new UsageError(`--until-free: '${text}' is not a share of the disk`, { hint: 'dflow purge --until-free 30%' });
}

import { Flags } from '@oclif/core';
import { changing, level, limit, run, storage } from '../lib/cli/arguments/flags.ts';
import { readRuns } from '../lib/cli/arguments/selection.ts';
import { durationOf } from '../lib/cli/arguments/until.ts';
import { Base } from '../lib/cli/base.ts';
import { hasRun } from '../lib/domain/selection.ts';
import { verify } from '../lib/flow/steps/verify/verify.ts';

export default class Verify extends Base {
  static override summary = 'Compare the catalogue with the storage elements; repair copies';
  static override description =
    'Checks every copy, longest unchecked first: it exists, and size and checksum are right. Bad copies are marked. When too many copies are bad at once, the storage element is at fault: its check stops and nothing is marked. Without a selection, files that are not in the catalogue are named too.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --since-verified 7d',
    '<%= config.bin %> <%= command.id %> --read --storage ral --run 109100-109200',
    '<%= config.bin %> <%= command.id %> --repair',
  ];
  static override exits = [0, 1, 2, 3, 4, 5];
  static override flags = {
    ...changing,
    ...limit,
    ...run,
    ...level,
    ...storage,
    read: Flags.boolean({ description: 'read every byte instead of asking for the checksum' }),
    repair: Flags.boolean({ description: 'make bad copies again from good ones' }),
    'since-verified': Flags.string({
      description: 'leave out copies that were checked within this time',
      helpValue: '7d',
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Verify);
    const ports = await this.ports(!flags['dry-run']);
    const set = flags.run ? await readRuns(flags.run) : undefined;
    const runs = set && ((number: number) => hasRun(set, number));
    const { read, repair, level: levels, storage: storages, 'since-verified': since } = flags;
    const sinceVerified = since === undefined ? undefined : durationOf(since, '--since-verified');
    await this.items(verify(ports, this.stepOptions(flags, { read, repair, levels, storages, runs, sinceVerified })));
  }
}

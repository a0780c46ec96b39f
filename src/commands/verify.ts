import { Flags } from '@oclif/core';
import { changing, level, limit, run, storage } from '../lib/cli/arguments/flags.ts';
import { runTest } from '../lib/cli/arguments/selection.ts';
import { durationOf } from '../lib/cli/arguments/until.ts';
import { Base } from '../lib/cli/base.ts';
import { verifyCatalogue } from '../lib/flow/steps/catalogue/against.ts';
import { verify } from '../lib/flow/steps/verify/verify.ts';
import { UsageError } from '../lib/util/errors.ts';

/** Flags that mean nothing for the catalogue. */
const OF_COPIES = ['read', 'level', 'since-verified', 'limit'] as const;

export default class Verify extends Base {
  static override summary = 'Compare the catalogue with the storage elements; repair copies';
  static override description =
    'Checks every copy, longest unchecked first: it exists, and size and checksum are right. Bad copies are marked. When too many copies are bad at once, the storage element is at fault: its check stops and nothing is marked. Without a selection, files that are not in the catalogue are named too. With --catalogue, dflow is compared with the catalogue of the collaboration (Rucio) instead, in both directions.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --since-verified 7d',
    '<%= config.bin %> <%= command.id %> --read --storage ral --run 109100-109200',
    '<%= config.bin %> <%= command.id %> --repair',
    '<%= config.bin %> <%= command.id %> --catalogue --repair --dry-run',
  ];
  static override exits = [0, 1, 2, 3, 4, 5];
  static override flags = {
    ...changing,
    ...limit,
    ...run,
    ...level,
    ...storage,
    catalogue: Flags.boolean({ description: 'compare dflow with the catalogue of the collaboration (Rucio)' }),
    read: Flags.boolean({ description: 'read every byte instead of asking for the checksum' }),
    repair: Flags.boolean({
      description: 'make bad copies again from good ones; with --catalogue, put differences right',
    }),
    'since-verified': Flags.string({
      description: 'leave out copies that were checked within this time',
      helpValue: '7d',
    }),
  };

  protected override idle = 'nothing to do: no selected copy is to be checked or repaired';

  async run(): Promise<void> {
    const { flags } = await this.parse(Verify);
    const ports = await this.ports(!flags['dry-run']);
    const runs = await runTest(flags.run);
    const { read, repair, level: levels, storage: storages, 'since-verified': since } = flags;
    const sinceVerified = since === undefined ? undefined : durationOf(since, '--since-verified');
    if (flags.catalogue) {
      const wrong = OF_COPIES.find((name) => flags[name] !== undefined && flags[name] !== false);
      if (wrong) throw new UsageError(`--catalogue does not go with --${wrong}`, { hint: 'dflow verify --catalogue' });
      await this.items(verifyCatalogue(ports, this.stepOptions(flags, { repair, storages, runs })));
      return;
    }
    await this.items(verify(ports, this.stepOptions(flags, { read, repair, levels, storages, runs, sinceVerified })));
  }
}

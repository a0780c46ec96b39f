import { Args, Flags } from '@oclif/core';
import { changing } from '../../../lib/cli/arguments/flags.ts';
import { Base } from '../../../lib/cli/base.ts';
import { keepRevision } from '../../../lib/flow/steps/keeping/conflicts.ts';

export default class StoreConflictsKeep extends Base {
  static override summary = 'Keep one revision of a document in conflict';
  static override description =
    'Makes one revision the document and removes the others. A receipt in .dflow/receipts keeps what was removed. Steps work on the document again afterwards.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> run:0000000012 3-0a1b2c3d4e --why "the other is of the replica" --dry-run',
    '<%= config.bin %> <%= command.id %> run:0000000012 3-0a1b2c3d4e --why "the other is of the replica"',
  ];
  static override args = {
    id: Args.string({ description: 'id of the document', required: true, ignoreStdin: true }),
    rev: Args.string({ description: 'revision to keep', required: true, ignoreStdin: true }),
  };
  static override flags = {
    ...changing,
    why: Flags.string({ description: 'reason, kept in the receipt', helpValue: 'TEXT', required: true }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(StoreConflictsKeep);
    const ports = await this.ports(true);
    const options = { ...args, why: flags.why, dryRun: flags['dry-run'] };
    await this.items(keepRevision(ports, ports.everything, options));
  }
}

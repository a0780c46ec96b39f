import { Flags } from '@oclif/core';
import { changing } from '../../../lib/cli/arguments/flags.ts';
import { Base } from '../../../lib/cli/base.ts';
import { checkStore } from '../../../lib/flow/steps/keeping/check.ts';

export default class StoreCheck extends Base {
  static override summary = 'Find documents that are wrong, or name documents that do not exist';
  static override description =
    'Reads every document of the store, also while loops run. Finds documents that cannot be read, that name missing documents, that are in conflict, that have a state which no step makes, and copies that nobody makes any more. Compares the rows of the views with the documents. Each finding says what to type, and makes the exit code 1. Nothing is changed without --mend. The file of a SQLite store is checked by dflow store info --check.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --json | jq -c "select(.failed)"',
    '<%= config.bin %> <%= command.id %> --mend --dry-run',
  ];
  static override flags = {
    ...changing,
    mend: Flags.boolean({ description: 'give each pass the state that its subjobs make' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(StoreCheck);
    const { everything, files, host } = await this.ports(flags.mend);
    const isThere = async (archive: { host: string; file: string }) =>
      archive.host !== host || (await files.realPath(archive.file)) !== undefined;
    await this.items(checkStore(everything, this.stepOptions(flags, { mend: flags.mend || undefined, isThere })));
  }
}

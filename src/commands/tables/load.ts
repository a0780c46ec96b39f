import { Args, Flags } from '@oclif/core';
import { changing, limit } from '../../lib/cli/arguments/flags.ts';
import { readBytes, readInputBytes } from '../../lib/cli/arguments/input.ts';
import { Base } from '../../lib/cli/base.ts';
import { loadTables } from '../../lib/flow/steps/load/load.ts';
import { UsageError } from '../../lib/util/errors.ts';

export default class TablesLoad extends Base {
  static override summary = 'Load run tables from RATDB files';
  static override description =
    'Loads every table of the files. A file with an error is named with line and column, and none of its tables is loaded. Tables that are loaded already are left alone.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> RUN_109134.ratdb',
    '<%= config.bin %> <%= command.id %> *.ratdb --tag partialfill-physics-v2',
  ];
  static override strict = false;
  static override args = {
    file: Args.string({ description: 'RATDB files, or - for standard input', ignoreStdin: true }),
  };
  static override flags = {
    ...changing,
    ...limit,
    tag: Flags.string({ description: 'freeze all tables under this name afterwards', helpValue: 'NAME' }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(TablesLoad);
    const files = argv.map(String);
    if (files.length === 0) throw new UsageError('a file is required', { hint: 'dflow tables load FILE' });
    const sources = [];
    for (const name of files) sources.push({ name, text: await (name === '-' ? readInputBytes() : readBytes(name)) });
    const ports = await this.ports(true);
    await this.items(loadTables(ports, sources, this.stepOptions(flags, { tag: flags.tag })));
  }
}

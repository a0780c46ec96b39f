import { Flags } from '@oclif/core';
import { refs } from '../lib/cli/arguments/flags.ts';
import { readRefs, sinceOf } from '../lib/cli/arguments/selection.ts';
import { Base } from '../lib/cli/base.ts';
import { documentsOf, historyRows, passesOf } from '../lib/flow/reports/records.ts';
import { UsageError } from '../lib/util/errors.ts';
import { given } from '../lib/util/values/given.ts';

export default class History extends Base {
  static override summary = 'Show what changed, when, by whom and why';
  static override description =
    'Shows the changes of the documents that a REF names, oldest first. A run includes the changes of its passes.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> 109134/Analysis40',
    '<%= config.bin %> <%= command.id %> 109134 --since 12h --by retry',
  ];
  static override strict = false;
  static override args = refs;
  static override flags = {
    by: Flags.string({ description: 'only changes by this command or host', helpValue: 'TEXT' }),
    since: Flags.string({ description: 'only changes since this time: 12h, or a date', helpValue: 'TIME' }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(History);
    if (argv.length === 0) throw new UsageError('a REF is required', { hint: 'dflow history 109134' });
    const ports = await this.ports(false);
    const since = flags.since === undefined ? undefined : sinceOf(flags.since, await ports.store.now());
    const docs = [];
    for (const ref of await readRefs(argv.map(String))) {
      docs.push(...(await documentsOf(ports, ref)));
      if (ref.run !== undefined && ref.module === undefined && ref.id === undefined) {
        docs.push(...(await passesOf(ports, ref.run)));
      }
    }
    await this.rows('history', historyRows(docs, given({ by: flags.by, since })));
  }
}

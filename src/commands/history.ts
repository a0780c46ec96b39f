import { Flags } from '@oclif/core';
import { refs } from '../lib/cli/arguments/flags.ts';
import { readRefs, sinceOf } from '../lib/cli/arguments/selection.ts';
import { Base } from '../lib/cli/base.ts';
import { type Doc, HISTORY_LIMIT } from '../lib/domain/doc.ts';
import type { Ports } from '../lib/flow/ports.ts';
import { changedDocs, historyRows, shortened } from '../lib/flow/reports/history.ts';
import { documentsOf, passesOf } from '../lib/flow/reports/records.ts';
import { UsageError } from '../lib/util/errors.ts';
import { DAY, plus } from '../lib/util/time.ts';
import { given } from '../lib/util/values/given.ts';

export default class History extends Base {
  static override summary = 'Show what changed, when, by whom and why';
  static override description =
    'Shows the changes of the documents that a REF names, oldest first. A run includes the changes of its passes. The same change of several subjobs is one line. Without a REF: the passes, holds and requests that changed, over the last day or --since. Each document keeps its first change and the last ones; what is left out is said.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> 109134/Analysis40',
    '<%= config.bin %> <%= command.id %> 109134 --since 12h --by retry',
    '<%= config.bin %> <%= command.id %> --by anna --since 8h',
  ];
  static override strict = false;
  static override args = refs;
  static override flags = {
    by: Flags.string({ description: 'only changes by this person, host or command', helpValue: 'NAME' }),
    since: Flags.string({ description: 'only changes since this time: 12h, or a date', helpValue: 'TIME' }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(History);
    const words = argv.map(String);
    if (words.length === 0 && flags.by === undefined && flags.since === undefined)
      throw new UsageError('a REF, --by or --since is required', { hint: 'dflow history 109134' });
    const ports = await this.ports(false);
    const now = await ports.store.now();
    const since = flags.since === undefined ? undefined : sinceOf(flags.since, now);
    const docs = words.length > 0 ? await named(ports, words) : await changedDocs(ports, since ?? plus(now, -DAY));
    const from = words.length > 0 ? since : (since ?? plus(now, -DAY));
    await this.rows('history', historyRows(docs, given({ by: flags.by, since: from })));
    const left = shortened(docs);
    if (left.length > 0) this.remark(leftOut(left));
    if (words.length === 0) this.remark('changes of runs and raw files are left out: name their runs');
  }
}

async function named(ports: Ports, words: readonly string[]): Promise<Doc[]> {
  const docs: Doc[] = [];
  for (const ref of await readRefs(words)) {
    docs.push(...(await documentsOf(ports, ref)));
    if (ref.run !== undefined && ref.module === undefined && ref.id === undefined) {
      docs.push(...(await passesOf(ports, ref.run)));
    }
  }
  return docs;
}

function leftOut(names: readonly string[]): string {
  const some = names.slice(0, 3).join(', ');
  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  return `of ${some}${more} only the first change and the last ${HISTORY_LIMIT - 1} are kept; those between are gone`;
}

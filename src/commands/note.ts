import { Args } from '@oclif/core';
import { changing } from '../lib/cli/arguments/flags.ts';
import { readRefs } from '../lib/cli/arguments/selection.ts';
import { Base } from '../lib/cli/base.ts';
import { nameOf } from '../lib/flow/reports/history.ts';
import { documentsOf } from '../lib/flow/reports/records.ts';
import { note } from '../lib/flow/switches/notes.ts';
import { UsageError } from '../lib/util/errors.ts';
import { nth } from '../lib/util/values/have.ts';

export default class Note extends Base {
  static override summary = 'Write a note for the next shift, about runs, passes or anything else';
  static override description =
    'A note has a time and a name (the login name, or DFLOW_USER). dflow status --since shows the notes of a shift, dflow show those of a run or a pass. A note is not changed afterwards: write another one.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> "cedar is slow since noon, ticket 4711"',
    '<%= config.bin %> <%= command.id %> "optics look odd, ask anna" 109134/Analysis40',
  ];
  static override strict = false;
  static override args = {
    text: Args.string({ description: 'the note, in quotes', required: true, ignoreStdin: true }),
    ref: Args.string({ description: 'what it is about: runs, passes, documents', ignoreStdin: true }),
  };
  static override flags = { ...changing };

  async run(): Promise<void> {
    const { argv, args, flags } = await this.parse(Note);
    const text = args.text.trim();
    if (text === '') throw new UsageError('the note is empty', { hint: 'dflow note "cedar is slow since noon"' });
    const ports = await this.ports(true);
    const refs: string[] = [];
    for (const ref of await readRefs(argv.map(String).slice(1))) {
      refs.push(nameOf(nth(await documentsOf(ports, ref), 0)));
    }
    await this.items(note(ports, text, refs, this.stepOptions(flags, {})));
  }
}

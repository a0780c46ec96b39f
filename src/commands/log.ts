import { Flags } from '@oclif/core';
import { refs } from '../lib/cli/arguments/flags.ts';
import { select } from '../lib/cli/arguments/selection.ts';
import { Base } from '../lib/cli/base.ts';
import { PASS_STATES } from '../lib/domain/jobs/states.ts';
import { logsOf } from '../lib/flow/reports/records.ts';
import { oneLine } from '../lib/util/text/terminal.ts';

export default class Log extends Base {
  static override summary = 'Show what a job printed';
  static override description =
    'Shows the end of what the last attempt of each subjob printed, standard output and errors together. A terminal gets no control sequences, a pipe gets every byte.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> 109134/Analysis40',
    '<%= config.bin %> <%= command.id %> 109134/Analysis40/2.007 --bytes 100000',
  ];
  static override exits = [0, 1, 2, 3, 5];
  static override strict = false;
  static override args = refs;
  static override flags = {
    raw: Flags.boolean({ description: 'on a terminal: every byte as the job wrote it, with colours' }),
    bytes: Flags.integer({ description: 'at most N bytes of each subjob', default: 20_000, min: 1, helpValue: 'N' }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Log);
    const ports = await this.ports(false);
    const selected = await select(ports, { refs: argv.map(String), flags: {}, states: PASS_STATES, needed: true });
    let count = 0;
    for (const job of selected.jobs) {
      for (const log of await logsOf(ports, job, selected.subjobs.get(job._id), flags.bytes)) {
        count++;
        if (this.out.format === 'json') this.out.json({ kind: 'log', ...log });
        else {
          this.out.line(oneLine(`== ${log.ref} ${log.state} at ${log.site}`));
          this.out.output(log.text?.trimEnd() ?? '(no output was kept)', flags.raw);
        }
      }
    }
    if (selected.problems.length > 0) await this.items(selected.problems);
    if (selected.jobs.length === 0 && selected.problems.length === 0)
      this.remark('no job matches. Next: dflow list jobs --state all');
    if (count === 0 && selected.jobs.length > 0)
      this.remark('these jobs were never submitted, so they printed nothing. Next: dflow list jobs');
  }
}

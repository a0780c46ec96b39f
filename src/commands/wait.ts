import { Flags } from '@oclif/core';
import { refs } from '../lib/cli/arguments/flags.ts';
import { readRefs, readRuns } from '../lib/cli/arguments/selection.ts';
import { durationOf } from '../lib/cli/arguments/until.ts';
import { Base } from '../lib/cli/base.ts';
import { Block } from '../lib/cli/output/block.ts';
import { isWatched } from '../lib/cli/output/live.ts';
import type { OpenPorts } from '../lib/cli/ports.ts';
import { refOf } from '../lib/domain/ids.ts';
import type { JobRef } from '../lib/domain/selection.ts';
import { selectRuns } from '../lib/flow/jobs/select.ts';
import { GOALS } from '../lib/flow/reports/wait/goals.ts';
import { waitFor } from '../lib/flow/reports/wait/wait.ts';
import { EXIT, UsageError } from '../lib/util/errors.ts';
import { giveBack } from '../lib/util/processes/stopping.ts';
import { oneLine } from '../lib/util/text/terminal.ts';
import { plus, SECOND } from '../lib/util/time.ts';
import { given } from '../lib/util/values/given.ts';

export default class Wait extends Base {
  static override summary = 'Wait until runs, passes or a request are done';
  static override description =
    'Waits until everything that the REFs name is there, for scripts. A REF is a run, a range of runs, a pass or request:NAME. --for completed: the last pass of each module is completed. --for ended: it has ended, well or not. --for complete: all raw files of the run are registered. --for verified: they have as many verified copies as copies.raw says. What will never get there by itself (failed and not tried again, held until a person acts) is named at once with the exit code 1; it is not waited for. An outage of the store is waited out.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> 109134 --for completed --timeout 12h && ./plot.sh 109134',
    '<%= config.bin %> <%= command.id %> request:tl-july --for ended',
    '<%= config.bin %> <%= command.id %> 109100-109200 --for verified',
  ];
  static override exits = [0, 1, 2, 3, EXIT.timedOut];
  static override strict = false;
  static override args = refs;
  static override flags = {
    for: Flags.option({ options: GOALS, default: 'completed' as const, description: 'what to wait for' })(),
    timeout: Flags.string({ description: 'end with 124 after this time (default: no limit)', helpValue: '12h' }),
    every: Flags.string({ description: 'time between two looks', default: '5s', helpValue: '30s' }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Wait);
    if (argv.length === 0) throw new UsageError('a REF is required', { hint: 'dflow wait 109134 --for completed' });
    const timeout = flags.timeout === undefined ? undefined : durationOf(flags.timeout, '--timeout');
    const every = Math.max(SECOND / 10, durationOf(flags.every, '--every'));
    const ports = await this.ports(false);
    const wanted = (await Promise.all(argv.map((word) => refsOf(ports, String(word))))).flat();
    const until = timeout === undefined ? undefined : plus(await ports.store.now(), timeout);
    const watching = {
      sleep: (milliseconds: number) => ports.sleep(milliseconds, ports.stopping),
      say: (text: string) => this.say(text),
      over: () => ports.stopping?.aborted === true,
    };
    const line = isWatched(flags.quiet) ? new Block() : undefined;
    const progress = (text: string): void => line?.draw([oneLine(text).slice(0, line.width)]);
    const options = { goal: flags.for, every, ...given({ until }), progress };
    const done = giveBack();
    try {
      let exit: number = EXIT.done;
      for await (const item of waitFor(ports, wanted, options, watching)) {
        this.out.item(item);
        if (item.failed && exit !== EXIT.itemsFailed)
          exit = item.did === 'timed-out' ? EXIT.timedOut : EXIT.itemsFailed;
      }
      process.exitCode = exit;
    } finally {
      line?.end([]);
      done();
    }
  }
}

/** Of a range of runs, those that are registered. */
async function refsOf(ports: OpenPorts, word: string): Promise<JobRef[]> {
  if (!/^\d+-\d*$/.test(word)) return readRefs([word]);
  const { runs } = await selectRuns(ports.store, { runs: await readRuns([word]) });
  if (runs.length === 0) throw new UsageError(`no run of ${word} is registered`, { hint: 'dflow list runs' });
  return runs.map(({ run }) => ({ text: refOf(run), run }));
}

import { resolve } from 'node:path';
import { changing, spool } from '../../lib/cli/arguments/flags.ts';
import { inputLines } from '../../lib/cli/arguments/input.ts';
import { Base } from '../../lib/cli/base.ts';
import { applySpool } from '../../lib/cli/loop/spool.ts';
import { beating } from '../../lib/flow/farms/beat.ts';
import { applyObservations, type Observation, parseObservation } from '../../lib/flow/steps/monitor/monitor.ts';

export default class MonitorApply extends Base {
  static override summary = 'Apply the job states that `dflow monitor poll` printed';
  static override description =
    'Reads the lines of dflow monitor poll from standard input and changes the jobs accordingly. With --spool, the lines come from the files that dflow monitor poll --spool wrote there. A file is removed when the store has all of its lines. A damaged file is kept under another name.';
  static override examples = [
    '<%= config.bin %> monitor poll | <%= config.bin %> <%= command.id %> --dry-run',
    '<%= config.bin %> loop -- <%= command.id %> --spool /var/spool/dflow',
  ];
  static override exits = [0, 1, 2, 3, 5, 75];
  static override flags = { ...changing, ...spool };

  async run(): Promise<void> {
    const { flags } = await this.parse(MonitorApply);
    const ports = await this.ports(true);
    const options = this.stepOptions(flags, {});
    const step =
      flags.spool === undefined
        ? applyObservations(ports, observations(), options)
        : applySpool(ports, resolve(flags.spool), options);
    await this.items(beating(ports, 'monitor', step, options));
  }
}

async function* observations(): AsyncGenerator<Observation, void, void> {
  let number = 0;
  for await (const line of inputLines()) {
    number++;
    if (line.trim() !== '') yield parseObservation(line, number);
  }
}

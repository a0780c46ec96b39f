import { changing } from '../../lib/cli/arguments/flags.ts';
import { inputLines } from '../../lib/cli/arguments/input.ts';
import { Base } from '../../lib/cli/base.ts';
import { beating } from '../../lib/flow/farms/beat.ts';
import { applyObservations, type Observation, parseObservation } from '../../lib/flow/steps/monitor/monitor.ts';

export default class MonitorApply extends Base {
  static override summary = 'Apply the job states that `dflow monitor poll` printed';
  static override description =
    'Reads the lines of dflow monitor poll from standard input and changes the jobs accordingly.';
  static override examples = ['<%= config.bin %> monitor poll | <%= config.bin %> <%= command.id %> --dry-run'];
  static override exits = [0, 1, 2, 3, 5, 75];
  static override flags = { ...changing };

  async run(): Promise<void> {
    const { flags } = await this.parse(MonitorApply);
    const ports = await this.ports(true);
    const options = this.stepOptions(flags, {});
    await this.items(beating(ports, 'monitor', applyObservations(ports, observations(), options), options));
  }
}

async function* observations(): AsyncGenerator<Observation, void, void> {
  let number = 0;
  for await (const line of inputLines()) {
    number++;
    if (line.trim() !== '') yield parseObservation(line, number);
  }
}

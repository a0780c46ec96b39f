import { resolve } from 'node:path';
import { Flags } from '@oclif/core';
import { Base } from '../lib/cli/base.ts';
import { single } from '../lib/flow/reports/metrics/family.ts';
import { metrics } from '../lib/flow/reports/metrics/metrics.ts';
import { metricsText } from '../lib/render/metrics.ts';
import { EXIT, StoreError } from '../lib/util/errors.ts';
import { replaceFile } from '../lib/util/files/replace.ts';

export default class Metrics extends Base {
  static override summary = 'Write the numbers of the experiment for Prometheus';
  static override description =
    "Writes runs, passes, copies, buffers, loops, farms and requests as OpenMetrics text, from counts of the store. With --out the file is replaced as a whole (mode 0644), so that node_exporter's textfile collector can read it at any moment; cron or dflow loop writes it again. When the store cannot be reached the file says only dflow_up 0, and the exit code is 3. Labels are names, states and hosts, never runs.";
  static override examples = [
    '<%= config.bin %> <%= command.id %> | grep dflow_passes',
    '<%= config.bin %> <%= command.id %> --out /var/lib/node_exporter/textfile/dflow.prom',
  ];
  static override exits = [0, 1, 2, 3, 4];
  static override flags = {
    out: Flags.string({ description: 'replace this file (default: standard output)', helpValue: 'FILE' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Metrics);
    await this.settings();
    try {
      const families = await metrics(await this.ports(false), this.config.version);
      if (this.out.format === 'json' && flags.out === undefined) for (const one of families) this.out.json(one);
      else await this.write(await metricsText(families), flags.out);
    } catch (error) {
      if (flags.out !== undefined && error instanceof StoreError && error.exit === EXIT.storeUnreachable)
        await this.write(
          await metricsText([single('dflow_up', 'Whether the store could be read (0: nothing else is known).', 0)]),
          flags.out,
        );
      throw error;
    }
  }

  private async write(text: string, path: string | undefined): Promise<void> {
    if (path === undefined) this.out.line(text.trimEnd());
    else await replaceFile(resolve(path), text, 'the file of metrics');
  }
}

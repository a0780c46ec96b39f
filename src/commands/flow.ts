import { resolve } from 'node:path';
import { Flags } from '@oclif/core';
import { Base } from '../lib/cli/base.ts';
import { isUtf8 } from '../lib/cli/output/locale.ts';
import { parseRuns } from '../lib/domain/selection.ts';
import { flow } from '../lib/flow/reports/flow/flow.ts';
import type { FlowPicture } from '../lib/flow/reports/flow/picture.ts';
import { runFlow } from '../lib/flow/reports/flow/runflow.ts';
import { flowText } from '../lib/render/flow/terminal.ts';
import { UsageError } from '../lib/util/errors.ts';
import { replaceFile } from '../lib/util/files/replace.ts';

export default class Flow extends Base {
  static override summary = 'Show the chain from detector to storage as a picture with live counts';
  static override description =
    'Draws the chain as boxes: detector, buffer, run tables, storage elements, enqueue, queue, farms, second pass, third pass, storage. Each box has live counts and what passed in the last day. A box with a mark (!) stands still; the reasons are below the picture, each with a command to begin with. With --run: where each file and each pass of this run is. The second pass is of modules that need no other module, the third pass of those that do. The picture fits the terminal, and is ASCII where the locale is not UTF-8. With --svg it is one SVG file for a web page or a talk, in dark or light as the system is.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --run 109134',
    '<%= config.bin %> <%= command.id %> --svg --out /var/www/html/dflow.svg',
    "<%= config.bin %> <%= command.id %> --json | jq '.boxes[] | select(.stands != [])'",
  ];
  static override flags = {
    run: Flags.string({ description: 'draw only this run', helpValue: 'RUN' }),
    svg: Flags.boolean({ description: 'print the picture as SVG' }),
    out: Flags.string({ description: 'replace this file with the SVG', helpValue: 'FILE', dependsOn: ['svg'] }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Flow);
    const run = flags.run === undefined ? undefined : runOf(flags.run);
    const ports = await this.ports(false);
    const picture = run === undefined ? await flow(ports) : await runFlow(ports, run);
    if (flags.svg) await this.draw(picture, flags.out);
    else this.show(picture);
  }

  private async draw(picture: FlowPicture, path: string | undefined): Promise<void> {
    const { flowSvg } = await import('../lib/render/flow/svg.ts');
    const text = flowSvg(picture);
    if (path === undefined) this.out.line(text.trimEnd());
    else await replaceFile(resolve(path), text, 'the picture');
  }

  private show(picture: FlowPicture): void {
    if (this.out.format === 'json') this.out.json({ kind: 'flow', ...picture });
    else this.out.line(flowText(picture, { columns: this.out.width, ascii: !isUtf8(process.env) }));
  }
}

/** @throws UsageError not one run */
function runOf(text: string): number {
  const [span, ...more] = parseRuns(text)?.ranges ?? [];
  if (span && more.length === 0 && span[0] === span[1]) return span[0];
  throw new UsageError(`--run: '${text}' is not one run`, { hint: 'dflow flow --run 109134' });
}

import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Flags } from '@oclif/core';
import { sinceOf } from '../lib/cli/arguments/selection.ts';
import { Base } from '../lib/cli/base.ts';
import type { Ports } from '../lib/flow/ports.ts';
import type { ReportPage } from '../lib/flow/reports/report/page.ts';
import { report } from '../lib/flow/reports/report/report.ts';
import { yearFrom } from '../lib/flow/reports/report/sums.ts';
import { requestNamed, requestPage } from '../lib/flow/reports/request/request.ts';
import { UsageError } from '../lib/util/errors.ts';
import { replaceFile } from '../lib/util/files/replace.ts';

interface Form {
  readonly md: boolean;
  readonly out?: string | undefined;
}

/** @throws UsageError the page would go to a terminal */
function refuseTerminal({ out }: Form, command: string): void {
  if (out === undefined && process.stdout.isTTY)
    throw new UsageError('the report is an HTML page, and a terminal does not show one', {
      hint: `dflow ${command} --out report.html, or: dflow ${command} --md`,
    });
}

export default class Report extends Base {
  static override summary = 'Write a report of the experiment as one HTML page';
  static override description =
    'Writes one HTML file that needs nothing else: what needs a person, the picture of the chain, and charts and tables of the last four weeks. They show runs and bytes a day, copies and space of each storage element, passes by state, CPU and memory of modules, failures by cause, requests and holds. The numbers come from counts of the store and from the samples that transfer and monitor leave each day, so a large store costs no more. What is not known yet is named. With --md: the tables as Markdown. With --svg: each chart as a file. With --request: a page about one request, to be mailed: what was asked for, how far it is and when it ends, failures by cause, CPU time, bytes, and the exactly file.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --out /var/www/html/dflow.html',
    '<%= config.bin %> <%= command.id %> --week --md | mail -s "dflow: the week" shifters',
    '<%= config.bin %> <%= command.id %> --since 2026-01-01 --svg ./charts',
    '<%= config.bin %> <%= command.id %> --request tl-july --out tl-july.html',
  ];
  static override flags = {
    out: Flags.string({ description: 'replace this file (default: standard output)', helpValue: 'FILE' }),
    md: Flags.boolean({ description: 'the tables as Markdown', exclusive: ['svg'] }),
    svg: Flags.string({ description: 'write each chart into this folder', helpValue: 'DIR', exclusive: ['out'] }),
    week: Flags.boolean({ description: 'the last seven days', exclusive: ['since'] }),
    since: Flags.string({ description: 'from then on: 12w, or a date (default: 28d)', helpValue: 'TIME' }),
    request: Flags.string({
      description: 'a report of this request alone, to be mailed',
      helpValue: 'NAME',
      exclusive: ['svg', 'week', 'since'],
    }),
    year: Flags.string({
      description: 'the day on which the year of CPU and wall time begins',
      helpValue: 'MM-DD',
      default: '01-01',
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Report);
    const ports = await this.ports(false);
    if (flags.request !== undefined) return this.ofRequest(ports, flags.request, flags);
    const at = await ports.store.now();
    const from = sinceOf(flags.since ?? (flags.week ? '6d' : '28d'), at).slice(0, 10);
    const page = await report(ports, { from, yearFrom: yearFrom(flags.year, at) });
    if (this.out.format === 'json') this.out.json({ kind: 'report', ...page });
    else if (flags.svg !== undefined) await this.charts(page, flags.svg);
    else await this.write(await this.text(page, flags), flags.out);
  }

  private async ofRequest(ports: Ports, name: string, flags: Form): Promise<void> {
    const page = await requestPage(ports, await requestNamed(ports, name));
    if (this.out.format === 'json') return this.out.json({ kind: 'request-report', ...page });
    const { requestHtml, requestMarkdown } = await import('../lib/render/report/request.ts');
    if (!flags.md) refuseTerminal(flags, `report --request ${name}`);
    await this.write(flags.md ? requestMarkdown(page) : requestHtml(page), flags.out);
  }

  private async text(page: ReportPage, flags: Form): Promise<string> {
    if (flags.md) return (await import('../lib/render/report/markdown.ts')).reportMarkdown(page);
    refuseTerminal(flags, 'report');
    return (await import('../lib/render/report/html.ts')).reportHtml(page);
  }

  private async write(text: string, path: string | undefined): Promise<void> {
    if (path === undefined) this.out.line(text.trimEnd());
    else await replaceFile(resolve(path), `${text.trimEnd()}\n`, 'the report');
  }

  private async charts(page: ReportPage, folder: string): Promise<void> {
    const { charts, chartFile } = await import('../lib/render/report/charts.ts');
    const { flowSvg } = await import('../lib/render/flow/svg.ts');
    await mkdir(resolve(folder), { recursive: true });
    const files = charts(page).map((chart) => [chart.name, chartFile(chart)] as const);
    for (const [name, text] of [...files, ['flow', flowSvg(page.flow)] as const]) {
      const path = join(resolve(folder), `${name}.svg`);
      await replaceFile(path, text, 'the chart');
      this.out.line(path);
    }
  }
}

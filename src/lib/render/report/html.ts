// The report of the experiment as one HTML file.
import { daysText } from '../../domain/storage/inflow.ts';
import type { ReportPage } from '../../flow/reports/report/page.ts';
import { cleaned } from '../../util/text/terminal.ts';
import { escaped } from '../../util/text/xml.ts';
import { flowSvg } from '../flow/svg.ts';
import { humanSize, localTime, localTimes } from '../human.ts';
import { charts } from './charts.ts';
import { CHART_STYLE } from './draw.ts';
import { type Cell, htmlPage, number, section, table } from './htmlpage.ts';
import { endText, hours, percent, recent } from './numbers.ts';

export function reportHtml(found: ReportPage): string {
  const page = cleaned(found);
  const title = `${page.experiment}: report of ${page.to}`;
  const parts = [head, needs, flowPanel, chartPanel, storage, modules, requests, failures, holds, notes, unknown];
  return htmlPage(
    title,
    parts.map((part) => part(page)),
    CHART_STYLE,
  );
}

function head({ experiment, at, from, to, needYou }: ReportPage): string {
  const count = needYou.length;
  const state =
    count === 0
      ? '<span class="good">nothing needs a person</span>'
      : `<span class="bad">${count} ${count === 1 ? 'thing needs' : 'things need'} a person</span>`;
  return `<h1>${escaped(experiment)}</h1>
<p class="sub">${from} to ${to}, made ${escaped(localTime(at))}, ${state}</p>`;
}

function needs({ needYou }: ReportPage): string {
  if (needYou.length === 0) return '';
  const lines = needYou.map(({ text, next }) => {
    const commands = next.split(/; (?=dflow )/).map((command) => `<code>${escaped(command)}</code>`);
    return `<li>${escaped(localTimes(text))}<br>${commands.join('<br>')}</li>`;
  });
  return section('What needs a person', `<ul class="needs">${lines.join('\n')}</ul>`);
}

function flowPanel({ flow }: ReportPage): string {
  const wide = flowSvg(flow, { bare: true });
  const narrow = flowSvg(flow, { bare: true, columns: 2 });
  return section('The chain now', `<div class="wide">${wide}</div><div class="narrow">${narrow}</div>`);
}

function chartPanel(page: ReportPage): string {
  const figures = charts(page).map(({ name, svg }) => `<figure id="chart-${name}">${svg}</figure>`);
  return figures.length === 0 ? '' : section('Over time', `<div class="charts">${figures.join('\n')}</div>`);
}

function storage({ elements }: ReportPage): string {
  const rows = elements.map((element): Cell[] => {
    const { name, primary, files, missing, low, space, daysLeft } = element;
    const last = space.at(-1);
    return [
      `${name}${primary ? ' (primary)' : ''}`,
      number(files),
      number(missing),
      { number: recent(element) },
      { number: last ? `${humanSize(last.free)} of ${humanSize(last.total)}` : 'not known' },
      { number: daysLeft === undefined ? '-' : daysText(daysLeft) },
      { html: low === undefined ? '' : `<span class="bad">${escaped(low)}</span>` },
    ];
  });
  return section(
    'Storage elements',
    table(['name', '#verified', '#to copy', '#worked, last day', '#free', '#full in', ''], rows),
  );
}

function modules({ modules: all, yearFrom }: ReportPage): string {
  const rows = all.map(({ module, version, jobs, cpu, wall, memory }): Cell[] => [
    module,
    version,
    number(jobs),
    { number: hours(cpu) },
    { number: hours(wall) },
    { number: wall > 0 ? percent(cpu / wall) : '-' },
    { number: memory ? humanSize(memory.half) : '-' },
    { number: memory ? humanSize(memory.most) : '-' },
    { number: memory ? humanSize(memory.largest) : '-' },
  ]);
  const titles = [
    'module',
    'version',
    '#jobs',
    '#CPU',
    '#wall clock',
    '#CPU share',
    '#memory: half',
    '#95 of 100',
    '#largest',
  ];
  return section(`Modules since ${yearFrom}`, table(titles, rows));
}

function requests({ requests: all, at }: ReportPage): string {
  const rows = all.map((request): Cell[] => {
    const { name, version, passes, completed, failed } = request;
    const share = passes === 0 ? 0 : completed / passes;
    const bar = `<span class="bar"><i style="width:${Math.round(100 * share)}%"></i></span> ${percent(share)}`;
    return [name, version, { html: bar }, number(completed), number(passes), number(failed), endText(request, at)];
  });
  return section(
    'Requests',
    table(['name', 'version', 'progress', '#completed', '#passes', '#failed', 'ends, at the rate of late'], rows),
  );
}

const HOW: Readonly<Record<string, string>> = {
  failed: 'failed',
  held: 'held until a person acts',
  cooling: 'tried again later',
};

function failures({ failures: all }: ReportPage): string {
  const rows = all.map(({ cause, site, how, subjobs }): Cell[] => [cause, site, HOW[how] ?? how, number(subjobs)]);
  return section('Failures by cause', table(['cause', 'farm', 'state', '#subjobs'], rows));
}

function holds({ holds: all }: ReportPage): string {
  const rows = all.map(({ what, why, by, since, until }): Cell[] => [
    what,
    { html: escaped(localTimes(why)) },
    by,
    localTime(since),
    until === undefined ? 'a person ends it' : localTime(until),
  ]);
  return section('Holds', table(['kind', 'why', 'by', 'since', 'until'], rows));
}

function notes({ notes: all }: ReportPage): string {
  const rows = all.map(({ at, by, text }): Cell[] => [localTime(at), by, { html: escaped(localTimes(text)) }]);
  return section('Notes', table(['written', 'by', 'note'], rows));
}

function unknown({ unknown: all }: ReportPage): string {
  if (all.length === 0) return '';
  return section('Not known yet', `<ul class="dim">${all.map((text) => `<li>${escaped(text)}</li>`).join('')}</ul>`);
}

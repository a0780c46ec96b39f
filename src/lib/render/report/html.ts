// The report as one HTML file that needs nothing else: no script, no font, no picture from elsewhere. Dark and light as the
// system is; a phone shows one column.
import { daysText } from '../../domain/storage/inflow.ts';
import type { ReportPage } from '../../flow/reports/report/page.ts';
import { cleaned } from '../../util/text/terminal.ts';
import { escaped } from '../../util/text/xml.ts';
import { humanLeft, ms } from '../../util/time.ts';
import { flowSvg } from '../flow/svg.ts';
import { humanCount, humanSize, localTime, localTimes } from '../human.ts';
import { charts } from './charts.ts';
import { CHART_STYLE } from './draw.ts';
import { hours, percent, recent } from './numbers.ts';

const STYLE = `
:root{color-scheme:light dark;--ground:#fff;--text:#1f2328;--dim:#59636e;--line:#d6dce2;--card:#f6f8fa;--bad:#b3261e;--warn:#9a6700;--good:#1a7f37;--code:#0b5fae}
@media (prefers-color-scheme:dark){:root{--ground:#0d1117;--text:#e6edf3;--dim:#9aa4af;--line:#30363d;--card:#161b22;--bad:#ff8f86;--warn:#e0aa48;--good:#6bd183;--code:#79b8ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}
main{max-width:1060px;margin:0 auto;padding:24px 20px 48px}
h1{font-size:24px;margin:0}h2{font-size:16px;margin:36px 0 10px;padding-bottom:6px;border-bottom:1px solid var(--line)}
.sub{color:var(--dim);margin:2px 0 0}.bad{color:var(--bad)}.warn{color:var(--warn)}.good{color:var(--good)}.dim{color:var(--dim)}
ul.needs{list-style:none;margin:0;padding:0}ul.needs{border-left:3px solid var(--bad);padding-left:14px}ul.needs li{padding:4px 0;line-height:1.4}
code{font:13px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;color:var(--code);overflow-wrap:anywhere}
svg{display:block;max-width:100%;height:auto}.narrow{display:none}
.charts{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:20px;align-items:start}
.charts figure{margin:0;padding:12px;background:var(--card);border:1px solid var(--line);border-radius:8px}
.charts svg{width:100%}
.wide-table{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:6px 16px 6px 0;border-bottom:1px solid var(--line);white-space:nowrap;vertical-align:top}
th{font-size:12px;color:var(--dim);font-weight:600}td.number,th.number{text-align:right}td.text{white-space:normal;min-width:220px}
.bar{display:inline-block;width:90px;height:8px;background:var(--line);border-radius:4px;overflow:hidden;vertical-align:middle}
.bar i{display:block;height:100%;background:var(--good)}
@media (max-width:720px){main{padding:16px 14px 32px}.charts{grid-template-columns:minmax(0,1fr);gap:14px}.charts figure{padding:8px}.wide{display:none}.narrow{display:block}}
@media print{.charts figure{break-inside:avoid}}`;

export function reportHtml(found: ReportPage): string {
  const page = cleaned(found);
  const title = `${page.experiment}: report of ${page.to}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>${escaped(title)}</title>
<style>${STYLE}${CHART_STYLE}</style>
</head>
<body>
<main>
${[head(page), needs(page), flowPanel(page), chartPanel(page), storage(page), modules(page), requests(page), failures(page), holds(page), unknown(page)].filter((part) => part !== '').join('\n')}
</main>
</body>
</html>
`;
}

function head({ experiment, at, from, to, needYou, request }: ReportPage): string {
  const count = needYou.length;
  const state =
    count === 0
      ? '<span class="good">nothing needs a person</span>'
      : `<span class="bad">${count} ${count === 1 ? 'thing needs' : 'things need'} a person</span>`;
  const of = request === undefined ? '' : `, request ${escaped(request)}`;
  return `<h1>${escaped(experiment)}</h1>
<p class="sub">${from} to ${to}${of}, made ${escaped(localTime(at))}, ${state}</p>`;
}

function section(title: string, body: string): string {
  return body === '' ? '' : `<section><h2>${title}</h2>\n${body}</section>`;
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

type Cell = string | { readonly number: string } | { readonly html: string };

/** `titles` that begin with `#` are those of numbers. */
function table(titles: readonly string[], rows: readonly (readonly Cell[])[]): string {
  if (rows.length === 0) return '';
  const heads = titles.map((title) =>
    title.startsWith('#') ? `<th class="number">${escaped(title.slice(1))}</th>` : `<th>${escaped(title)}</th>`,
  );
  const lines = rows.map((row) => `<tr>${row.map(cellHtml).join('')}</tr>`);
  return `<div class="wide-table"><table><thead><tr>${heads.join('')}</tr></thead><tbody>${lines.join('\n')}</tbody></table></div>`;
}

function cellHtml(cell: Cell): string {
  if (typeof cell === 'string') return `<td>${escaped(cell)}</td>`;
  if ('number' in cell) return `<td class="number">${escaped(cell.number)}</td>`;
  return `<td class="text">${cell.html}</td>`;
}

const number = (value: number): Cell => ({ number: humanCount(value) });

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
  const rows = all.map(({ name, version, passes, completed, failed, expected }): Cell[] => {
    const share = passes === 0 ? 0 : completed / passes;
    const bar = `<span class="bar"><i style="width:${Math.round(100 * share)}%"></i></span> ${percent(share)}`;
    const left =
      completed >= passes ? 'done' : expected === undefined ? 'not known' : `in ${humanLeft(ms(expected) - ms(at))}`;
    return [name, version, { html: bar }, number(completed), number(passes), number(failed), left];
  });
  return section(
    'Requests',
    table(['name', 'version', 'progress', '#completed', '#passes', '#failed', 'ends, at the pace so far'], rows),
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

function unknown({ unknown: all }: ReportPage): string {
  if (all.length === 0) return '';
  return section('Not known yet', `<ul class="dim">${all.map((text) => `<li>${escaped(text)}</li>`).join('')}</ul>`);
}

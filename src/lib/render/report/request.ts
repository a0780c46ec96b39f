// The report of one request: a page that a data manager mails, as HTML and as Markdown. Both say the same.
import type { RequestPage } from '../../flow/reports/request/page.ts';
import { cleaned } from '../../util/text/terminal.ts';
import { escaped } from '../../util/text/xml.ts';
import { humanCount, humanSize, localTime } from '../human.ts';
import { type Cell, htmlPage, number, section, table } from './htmlpage.ts';
import { markdownTable } from './markdown.ts';
import { hours } from './numbers.ts';
import { donePercent, estimateText, leftText, progressParts, rateText, runsText, useText } from './requestwords.ts';

/** Names and values of the facts; a fact without a value is left out. */
function facts(page: RequestPage): [string, string][] {
  const { progress, by, created, level, priority, tag, labels, prerequisite, after } = page;
  const all: [string, string][] = [
    ['For', page.text ?? ''],
    ['Asked for', `${page.modules.join(', ')} of version ${page.version}, ${runsText(page)}, level ${level}`],
    ['Made', `${localTime(created)} by ${by}`],
    ['RATDB tag', tag ?? ''],
    ['Priority', String(priority)],
    ['Labels', labels.join(', ')],
    ['Prerequisite', prerequisite],
    ['After', after ?? ''],
    ['Passes', progressParts(progress).join(', ')],
    ['Rate', rateText(progress)],
    ['Time left', leftText(page)],
    ['Used', useText(page)],
    ['Estimate before', estimateText(page)],
  ];
  return all.filter(([, value]) => value !== '');
}

export function requestHtml(found: RequestPage): string {
  const page = cleaned(found);
  const parts = [head(page), asked(page), modules(page), states(page), failures(page), outputs(page)];
  return htmlPage(`${page.experiment}: request ${page.name}`, parts, STYLE);
}

const STYLE = `
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 20px;margin:16px 0 0}dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}
.whole{width:100%;height:12px;border-radius:6px;margin:14px 0 0}pre{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px;overflow:auto;max-height:420px;font:13px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace}
summary{cursor:pointer}`;

function head(page: RequestPage): string {
  const { experiment, name, at, progress } = page;
  const tone = progress.failed > 0 ? 'bad' : progress.state === 'done' ? 'good' : 'dim';
  const failed = progress.failed > 0 ? `, ${humanCount(progress.failed)} failed` : '';
  return `<h1>Request ${escaped(name)}</h1>
<p class="sub">${escaped(experiment)}, made ${escaped(localTime(at))}, <span class="${tone}">${progress.state}, ${donePercent(progress)} % completed${failed}</span></p>
<span class="bar whole"><i style="width:${donePercent(progress)}%"></i></span>`;
}

function asked(page: RequestPage): string {
  const lines = facts(page).map(([name, value]) => `<dt>${escaped(name)}</dt><dd>${escaped(value)}</dd>`);
  return `<dl>${lines.join('\n')}</dl>`;
}

const MODULE_TITLES = ['module', 'jobs completed', 'CPU', 'wall clock', 'lost in failed tries', 'files', 'bytes'];

function moduleRows({ use: { modules: all, sum } }: RequestPage): [name: string, ...numbers: string[]][] {
  const rows = all.length > 1 ? [...all, { module: 'together', ...sum }] : all;
  return rows.map(({ module, jobs, cpu, wall, lost, outputs: files, bytes }) => [
    module,
    humanCount(jobs),
    hours(cpu),
    hours(wall),
    lost > 0 ? hours(lost) : '-',
    humanCount(files),
    humanSize(bytes),
  ]);
}

function modules(page: RequestPage): string {
  const rows = moduleRows(page).map(([name, ...numbers]): Cell[] => [name, ...numbers.map((one) => ({ number: one }))]);
  const [first = '', ...others] = MODULE_TITLES;
  return section('Modules', table([first, ...others.map((one) => `#${one}`)], rows));
}

function states({ states: all }: RequestPage): string {
  const rows = Object.entries(all).map(([state, count]): Cell[] => [state, number(count)]);
  return section('Passes by state', table(['state', '#passes'], rows));
}

function failures({ failures: all }: RequestPage): string {
  const rows = all.map(({ cause, subjobs }): Cell[] => [cause, number(subjobs)]);
  return section('Failures by cause', table(['cause', '#subjobs'], rows));
}

function outputs(page: RequestPage): string {
  const { exactly } = page;
  const list =
    exactly === undefined
      ? ''
      : `<details><summary>Exactly file: ${humanCount(exactly.length)} lines of module, run, pass</summary><pre>${escaped(exactly.join('\n'))}</pre></details>`;
  const commands = outputCommands(page).map(([text, command]) => `<p>${text}:<br><code>${escaped(command)}</code></p>`);
  return section('Outputs', `${commands.join('\n')}\n${list}`);
}

function outputCommands({ name, exactlyCommand }: RequestPage): [string, string][] {
  return [
    ['Fetch the outputs', `dflow get --request ${name} --to ${name}`],
    ['Write the exactly file', `${exactlyCommand} > ${name}.exactly`],
  ];
}

export function requestMarkdown(found: RequestPage): string {
  const page = cleaned(found);
  const { experiment, name, at, progress, failures: causes, exactly } = page;
  return [
    `# Request ${name}`,
    '',
    `${experiment}, made ${localTime(at)}: ${progress.state}, ${donePercent(progress)} % completed.`,
    '',
    ...facts(page).map(([title, value]) => `- ${title}: ${value}`),
    ...markdownTable('Modules', MODULE_TITLES, moduleRows(page)),
    ...markdownTable(
      'Passes by state',
      ['state', 'passes'],
      Object.entries(page.states).map(([state, count]) => [state, humanCount(count)]),
    ),
    ...markdownTable(
      'Failures by cause',
      ['cause', 'subjobs'],
      causes.map(({ cause, subjobs }) => [cause, humanCount(subjobs)]),
    ),
    '',
    '## Outputs',
    '',
    ...outputCommands(page).map(([text, command]) => `- ${text}: \`${command}\``),
    ...(exactly === undefined ? [] : ['', 'Exactly file:', '', '```', ...exactly, '```']),
  ].join('\n');
}

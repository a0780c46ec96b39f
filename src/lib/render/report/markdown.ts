// The report as Markdown: to paste, or to mail. The same numbers as the page, without charts.
import { daysText } from '../../domain/storage/inflow.ts';
import type { ReportPage } from '../../flow/reports/report/page.ts';
import { cleaned } from '../../util/text/terminal.ts';
import { humanCount, humanSize, localTime, localTimes } from '../human.ts';
import { endText, hours, recent } from './numbers.ts';

export function reportMarkdown(found: ReportPage): string {
  const page = cleaned(found);
  return [
    `# ${page.experiment}, ${page.from} to ${page.to}`,
    ...needs(page),
    ...markdownTable('Days', ['day', 'runs', 'registered', 'copied'], dayRows(page)),
    ...markdownTable(
      'Storage elements',
      ['name', 'verified', 'to copy', 'worked, last day', 'free', 'full in'],
      storageRows(page),
    ),
    ...markdownTable(
      `Modules since ${page.yearFrom}`,
      ['module', 'version', 'jobs', 'CPU', 'wall clock', 'memory, 95 of 100'],
      moduleRows(page),
    ),
    ...markdownTable('Requests', ['name', 'version', 'completed', 'failed', 'ends'], requestRows(page)),
    ...markdownTable(
      'Failures by cause',
      ['cause', 'farm', 'state', 'subjobs'],
      page.failures.map(({ cause, site, how, subjobs }) => [cause, site, how, humanCount(subjobs)]),
    ),
    ...markdownTable(
      'Holds',
      ['kind', 'why', 'by', 'since'],
      page.holds.map(({ what, why, by, since }) => [what, localTimes(why), by, localTime(since)]),
    ),
    ...markdownTable(
      'Notes',
      ['written', 'by', 'note'],
      page.notes.map(({ at, by, text }) => [localTime(at), by, localTimes(text)]),
    ),
    ...list('Not known yet', page.unknown),
  ].join('\n');
}

function needs({ needYou }: ReportPage): string[] {
  if (needYou.length === 0) return ['', 'Nothing needs a person.'];
  return list(
    'What needs a person',
    needYou.map(({ text, next }) => `${localTimes(text)}: \`${next}\``),
  );
}

function list(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', `## ${title}`, '', ...lines.map((line) => `- ${line}`)];
}

const cell = (text: string): string => text.replaceAll('|', '\\|');

export function markdownTable(title: string, heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return ['', `## ${title}`, '', line(heads), line(heads.map(() => '---')), ...rows.map(line)];
}

const sum = (values: Readonly<Record<string, number>>): number =>
  Object.values(values).reduce((total, value) => total + value, 0);

/** Days on which something came. */
function dayRows({ days }: ReportPage): string[][] {
  const busy = days.filter((one) => one.runs > 0 || sum(one.registered) > 0 || sum(one.copied) > 0);
  return busy.map(({ day, runs, registered, copied }) => [
    day,
    humanCount(runs),
    humanSize(sum(registered)),
    humanSize(sum(copied)),
  ]);
}

function storageRows({ elements }: ReportPage): string[][] {
  return elements.map((element) => {
    const { name, primary, files, missing, low, space, daysLeft } = element;
    const last = space.at(-1);
    return [
      `${name}${primary ? ' (primary)' : ''}`,
      humanCount(files),
      humanCount(missing),
      `${recent(element)}${low === undefined ? '' : ` (${low})`}`,
      last ? `${humanSize(last.free)} of ${humanSize(last.total)}` : 'not known',
      daysLeft === undefined ? '-' : daysText(daysLeft),
    ];
  });
}

function moduleRows({ modules }: ReportPage): string[][] {
  return modules.map(({ module, version, jobs, cpu, wall, memory }) => [
    module,
    version,
    humanCount(jobs),
    hours(cpu),
    hours(wall),
    memory ? humanSize(memory.most) : '-',
  ]);
}

function requestRows({ requests, at }: ReportPage): string[][] {
  return requests.map((request) => {
    const { name, version, passes, completed, failed } = request;
    const done = `${humanCount(completed)} of ${humanCount(passes)}`;
    return [name, version, done, humanCount(failed), endText(request, at)];
  });
}

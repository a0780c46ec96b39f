// The status page: what needs a person first, then runs, loops, storage, jobs, farms, requests. Lines without content
// are left out.
import chalk from 'chalk';
import { isCovered } from '../domain/farms/loops.ts';
import { daysText } from '../domain/storage/inflow.ts';
import type { StatusPage } from '../flow/reports/status/page.ts';
import { cleaned } from '../util/text/terminal.ts';
import { between, humanAge, humanDuration, humanLeft, isAhead } from '../util/time.ts';
import { addTo } from '../util/values/group.ts';
import { humanCount, humanSize, localTime, localTimes } from './human.ts';
import { stateColour } from './states.ts';
import { widthOf, wrapped } from './wrap.ts';

/** The page in parts: its head, the lines of each thing that needs a person, and the rest. */
interface StatusParts {
  readonly head: readonly string[];
  readonly needYou: readonly (readonly string[])[];
  readonly rest: readonly string[];
}

/** The page in `columns` columns; in a pipe, where nothing wraps, there are as many as are needed. */
export function statusText(found: StatusPage, columns = Number.POSITIVE_INFINITY): string {
  const { head, needYou, rest } = statusParts(found, columns);
  return [...head, ...needYou.flat(), ...rest].join('\n');
}

export function statusParts(found: StatusPage, columns: number): StatusParts {
  const page = columns === Number.POSITIVE_INFINITY ? cleaned(found) : withLocalTimes(cleaned(found));
  const laid = (lines: readonly string[]): string[] =>
    lines.flatMap((text) => wrapped(columns === Number.POSITIVE_INFINITY ? text : localTimes(text), columns, INDENT));
  return {
    head: head(page, columns),
    needYou: needYou(page, columns),
    rest: [
      ...laid([...runs(page), ...holds(page), ...loops(page), ...buffers(page)]),
      ...storage(page),
      ...jobs(page),
      ...laid([...farms(page), ...requests(page)]),
    ],
  };
}

/** The sentences of the page with the times of this host. */
function withLocalTimes(page: StatusPage): StatusPage {
  const needYou = page.needYou.map((one) => ({ ...one, text: localTimes(one.text) }));
  return { ...page, needYou };
}

/** Under the text of a titled line. */
const INDENT = ' '.repeat(10);

/** Where the line is too short for it, the store's place gives way. */
function head(page: StatusPage, columns: number): string[] {
  const count = page.needYou.length;
  const urgent =
    count === 0 ? chalk.green('nothing needs you') : chalk.yellow(`${count} need${count === 1 ? 's' : ''} you`);
  const first = `${chalk.bold(page.experiment)}  ${localTime(page.at)}`;
  const whole = `${first}  ${page.store}  ${urgent}`;
  return widthOf(whole) <= columns ? [whole] : wrapped(`${first}  ${urgent}`, columns);
}

/** What is wrong, and the command beside it; under it where there are too few columns for both. */
function needYou({ needYou: all }: StatusPage, columns: number): string[][] {
  const width = Math.max(0, ...all.map(({ text }) => text.length));
  const beside = all.every(({ next }) => 2 + width + 2 + next.length <= columns);
  return all.map(({ text, next }) => {
    if (beside) return [`${chalk.yellow('!')} ${text.padEnd(width)}  ${next}`];
    const [first = '', ...rest] = wrapped(text, columns - 2);
    return [`${chalk.yellow('!')} ${first}`, ...rest.map((line) => `  ${line}`), `    ${chalk.cyan(next)}`];
  });
}

function runs({ runs: count, quarantined }: StatusPage): string[] {
  const files = Object.values(quarantined).reduce((sum, number) => sum + number, 0);
  const parts = [
    `${humanCount(count.open)} open`,
    `${humanCount(count.todo)} to enqueue`,
    `${humanCount(count.done)} enqueued`,
    ...(count.late > 0 ? [chalk.yellow(`${humanCount(count.late)} with late files`)] : []),
    ...(files > 0 ? [chalk.yellow(`${humanCount(files)} ${files === 1 ? 'file' : 'files'} quarantined`)] : []),
  ];
  return [line('RUNS', parts.join(' | '))];
}

function holds(page: StatusPage): string[] {
  if (page.holds.length === 0) return [];
  const texts = page.holds.map((hold) => `${hold.what}: ${hold.why} (${age(hold.since, page)})`);
  return [line('HOLDS', texts.slice(0, 4).join(' | '))];
}

function loops(page: StatusPage): string[] {
  const hosts = new Map<string, string[]>();
  for (const doc of page.loops) {
    const { host, loop, at, outcome, plan } = doc;
    const stopped = plan?.stopped === undefined ? '' : 'stopped ';
    const wrong = outcome === 'ok' || stopped !== '' ? '' : chalk.red(' !');
    if (plan || !isCovered(doc, page.loops))
      addTo(hosts, host, `${loop} ${stopped}${age(plan?.at ?? at, page)}${wrong}`);
  }
  for (const { host, state, expires, text } of page.credentials) {
    const left = expires === undefined ? text : `proxy ${humanAge(page.at, expires)}`;
    addTo(hosts, host, state === 'ok' ? left : chalk.red(left));
  }
  const parts = [...hosts].map(([host, list]) => `${host}: ${list.join(', ')}`);
  return parts.length === 0 ? [] : [line('LOOPS', parts.join(' | '))];
}

function buffers(page: StatusPage): string[] {
  const parts = page.buffer.map(({ level, bytes, perDay, disk, daysLeft }) => {
    const full = disk ? ` ${Math.round(100 * (1 - disk.free / disk.total))} % full` : '';
    const days = daysLeft === undefined ? '' : `, ${daysText(daysLeft)} left`;
    return `${level}${full}${days}, ${humanSize(bytes)} raw, ${humanSize(perDay)} a day`;
  });
  return parts.length === 0 ? [] : [line('BUFFER', parts.join(' | '))];
}

function storage(page: StatusPage): string[] {
  const rows = page.storage.map(({ name, primary, states, missing, state }) => {
    const cells = [states.verified, states.copying, states.failed, states.bad, missing];
    const shown = localTimes(state);
    const end = state === 'ok' ? chalk.green(shown) : chalk.yellow(shown);
    return [`${name}${primary ? ' *' : ''}`, ...cells.map((value) => humanCount(value ?? 0)), end];
  });
  return table(['STORAGE', 'VERIFIED', 'COPYING', 'FAILED', 'BAD', 'MISSING', 'STATE'], rows);
}

const STATES = [
  ...['waiting', 'unsatisfied', 'submitting', 'submitted', 'running', 'held', 'failed', 'partFail', 'completed'],
  ...['canceled', 'deleted'],
];

function jobs(page: StatusPage): string[] {
  const used = STATES.filter((state) => page.jobs.some(({ states }) => states[state]));
  const lines: string[] = [];
  for (const version of new Set(page.jobs.map((row) => row.version))) {
    const rows = page.jobs.filter((row) => row.version === version);
    const cells = rows.map(({ module, states }) => {
      return [module, ...used.map((state) => stateColour(states[state] ? state : '')(humanCount(states[state] ?? 0)))];
    });
    lines.push(...table([`JOBS ${version}`, ...used.map((state) => state.toUpperCase())], cells));
  }
  return lines;
}

function farms(page: StatusPage): string[] {
  const parts = page.farms.map(({ site, backend, slots, active, heartbeat, drained }) => {
    const end = drained?.until === undefined ? '' : ` until ${localTime(drained.until)}`;
    const drain = drained ? `, ${chalk.yellow(`drained${end}: ${drained.why}`)} (${drained.next})` : '';
    return `${site} ${backend} ${active} active, ${slots} slots, heartbeat ${age(heartbeat, page)}${drain}`;
  });
  return parts.length === 0 ? [] : [line('FARMS', parts.join(' | '))];
}

function requests(page: StatusPage): string[] {
  const open = page.requests.filter(({ state }) => state !== 'done' && state !== 'ended');
  const parts = open.map(({ name, passes, states, left }) => {
    const failed = (states.failed ?? 0) + (states.partFail ?? 0);
    const wrong = failed > 0 ? chalk.red(`, ${humanCount(failed)} failed`) : '';
    const end = left === undefined ? '' : `, ${humanLeft(left)} left`;
    return `${name} ${humanCount(states.completed ?? 0)}/${humanCount(passes)}${wrong}${end}`;
  });
  const ended = page.requests.length - open.length;
  const all = ended === 0 ? parts : [...parts, `${humanCount(ended)} done`];
  return all.length === 0 ? [] : [line('REQUESTS', all.join(' | '))];
}

function age(at: string, page: StatusPage): string {
  if (isAhead(at, page.at)) return `dated ${humanDuration(between(page.at, at))} ahead`;
  return humanAge(at, page.at);
}

function line(title: string, text: string): string {
  return `${chalk.bold(title.padEnd(9))} ${text}`;
}

/** Columns under their titles: the first to the left, numbers to the right. */
function table(titles: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const width = titles.map((title, at) => Math.max(title.length, ...rows.map((row) => widthOf(row[at] ?? ''))));
  const cell = (text: string, at: number): string => {
    const space = ' '.repeat(Math.max(0, (width[at] ?? 0) - widthOf(text)));
    return at === 0 ? text + space : space + text;
  };
  const header = chalk.bold(titles.map(cell).join('  '));
  return [header, ...rows.map((row) => row.map(cell).join('  '))];
}

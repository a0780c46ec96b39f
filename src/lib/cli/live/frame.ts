// The state as lines of text, one less than the terminal has: a full terminal scrolls and flickers. Pure.
import chalk from 'chalk';
import { LIVE_VIEWS } from '../../flow/reports/live/views.ts';
import { localSecond, localTime } from '../../render/human.ts';
import { GUTTER } from '../../render/live/content.ts';
import { shortened, widthOf, wrapped } from '../../render/wrap.ts';
import { oneLine } from '../../util/text/terminal.ts';
import { type Action, commandLine } from './action.ts';
import { bodyRows, chosen, front, hasTitle, inSight, isList, isView, LISTED, type Page, type State } from './model.ts';

/** The parts of the screen, from top to bottom. No line is wider than the terminal. */
export interface Frame {
  readonly tabs: string;
  /** Lines that stay in place when the page scrolls: a title first. */
  readonly fixed: readonly string[];
  readonly body: readonly FrameLine[];
  readonly foot: string;
}

interface FrameLine {
  readonly text: string;
  readonly chosen: boolean;
}

const accent = chalk.cyan;

export function frameOf(state: State): Frame {
  const page = front(state);
  const over = overlay(state);
  const title = over ? over.title.map((text) => indented(text)) : hasTitle(state) ? [titleLine(state, page)] : [];
  const fixed = over ? [] : [...filterLine(state, page), ...(page.content?.fixed ?? []).map(indented)];
  const body = over ? over.lines.map((text) => ({ text: indented(text), chosen: false })) : bodyLines(state, page);
  const rows = Math.max(1, state.rows - 1 - 2 - title.length - fixed.length);
  const filled = Array.from({ length: rows }, (_, at) => body[at] ?? { text: '', chosen: false });
  return { tabs: tabLine(state), fixed: [...title, ...fixed], body: filled, foot: footLine(state) };
}

interface Overlay {
  readonly title: readonly string[];
  readonly lines: readonly string[];
}

/** What hides the page: help, commands of a shell, or the lines of a dry run. */
function overlay(state: State): Overlay | undefined {
  const { mode } = state;
  if (mode.is === 'help') return { title: [chalk.bold('keys')], lines: helpLines(state).slice(mode.top) };
  if (mode.is === 'commands') return { title: [chalk.bold('the same in a shell')], lines: commandLines(state) };
  if (mode.is !== 'question') return undefined;
  const { verb, words } = mode.action;
  const command = wrapped(commandLine(verb, [...words, '--dry-run']), state.sheet.columns - GUTTER, '  ');
  return { title: command.map((text) => accent(text)), lines: mode.lines.slice(mode.top) };
}

const indented = (text: string): string => `${' '.repeat(GUTTER)}${text}`;

function bodyLines(state: State, page: Page): FrameLine[] {
  if (!page.content) return [{ text: indented(chalk.dim('reading ...')), chosen: false }];
  const item = inSight(state) ? page.item : undefined;
  const mark = `${accent(state.sheet.ascii ? '>' : '▸')} `;
  return page.content.lines.slice(page.top, page.top + bodyRows(state)).map((line, at, all) => {
    const mine = item !== undefined && line.item === item;
    const first = mine && all[at - 1]?.item !== item;
    return { text: first ? mark + line.text : indented(line.text), chosen: mine };
  });
}

/** ` status [flow] runs ...`; on the right, the time of the last look. */
function tabLine(state: State): string {
  const active = state.pages[0].name;
  const tabs = LIVE_VIEWS.map((view) => (view === active ? accent(chalk.bold(`[${view}]`)) : ` ${view} `)).join('');
  const time = state.at === undefined ? '' : localSecond(state.at).slice(-8);
  const { columns } = state.sheet;
  const name = shortened(oneLine(state.experiment), 20);
  const room = columns - widthOf(tabs) - time.length - 2;
  const head = room >= name.length + 4 ? `  ${chalk.bold(name)} ` : ' ';
  const place = hasTitle(state) ? '' : `${placeOf(state)}  `;
  const end = room - widthOf(head) >= place.length ? place + time : time;
  return spread(head + tabs, `${chalk.dim(end)} `, columns);
}

function spread(left: string, right: string, columns: number): string {
  const space = columns - widthOf(left) - widthOf(right);
  return space < 1 ? left : left + ' '.repeat(space) + right;
}

function titleLine(state: State, page: Page): string {
  const { columns } = state.sheet;
  if (state.away) {
    const text = `store away since ${localTime(state.away.since)}, asked again: ${oneLine(state.away.text)}`;
    return indented(chalk.red(shortened(text, columns - GUTTER)));
  }
  return spread(indented(page.content?.title ?? ''), `${chalk.dim(placeOf(state))} `, columns);
}

/** `1-20 of 48`: the lines on the terminal, where the page has more. */
function placeOf(state: State): string {
  const { content, top } = front(state);
  const [rows, all] = [bodyRows(state), content?.lines.length ?? 0];
  return all <= rows ? '' : `${top + 1}-${Math.min(all, top + rows)} of ${all}${content?.more ? '+' : ''}`;
}

function filterLine(state: State, { name, words }: Page): string[] {
  if (!isView(name) || words === '') return [];
  return [indented(`${accent('/')} ${shortened(oneLine(words), state.sheet.columns - GUTTER - 2)}`)];
}

/** The last line: a question, a message, or the keys. */
function footLine(state: State): string {
  const { mode, message } = state;
  const width = state.sheet.columns - 1;
  const prompt = (label: string, text: string): string => {
    const room = width - label.length - 2;
    const seen = text.length > room ? text.slice(text.length - room) : text;
    return `${accent(label)} ${oneLine(seen)}${chalk.dim('_')}`;
  };
  if (message && mode.is === 'filter') return `  ${chalk.red(shortened(oneLine(message.text), width - 2))}`;
  if (mode.is === 'filter') return prompt('  filter:', mode.text);
  if (mode.is === 'why') return prompt('  reason of the pause:', mode.text);
  if (mode.is === 'until') return prompt('  for how long (12h, 3d; empty: until resumed):', mode.text);
  if (mode.is === 'question') return `  ${chalk.bold(question(mode.action))} ${accent('[y/n]')}`;
  if (mode.is === 'busy') return chalk.dim(mode.doing ? '  being done ...' : '  looking at what would be done ...');
  if (message) return `  ${(message.bad ? chalk.red : chalk.bold)(shortened(oneLine(message.text), width - 2))}`;
  if (mode.is !== 'browse') return chalk.dim('  any key goes back');
  return indented(hints(state, state.sheet.columns - GUTTER));
}

const question = ({ verb }: Action): string => `${verb[0]?.toUpperCase()}${verb.slice(1)}, as shown?`;

/** Keys that do something here. On a narrow terminal the last ones are left out. */
function hints(state: State, width: number): string {
  const item = chosen(state);
  const back = state.pages.length > 1;
  const keys: readonly (readonly [key: string, name: string, wanted: boolean])[] = [
    ['Esc', 'back', back],
    ['Enter', 'follow', item?.next !== undefined],
    ['Enter', 'show', item?.next === undefined && item?.show !== undefined && !back],
    ['w', 'why', true],
    ['l', 'log', item?.log !== undefined && front(state).name !== 'log'],
    ['r', 'retry', item?.retry !== undefined],
    ['r', 'resume', item?.resume !== undefined],
    ['p', 'pause', item?.pause !== undefined],
    ['/', 'filter', !back && front(state).name !== 'status'],
    [':', 'shell', true],
  ];
  const end = '? help  q quit'.length;
  const shown: string[] = [];
  let used = end;
  for (const [key, name, wanted] of keys) {
    if (!wanted || used + key.length + name.length + 3 > width) continue;
    used += key.length + name.length + 3;
    shown.push(`${accent(key)} ${name}`);
  }
  return [...shown, `${accent('?')} help`, `${accent('q')} quit`].join('  ');
}

const HELP: readonly (readonly [keys: string, what: string])[] = [
  ['1-7, Tab, left, right', 'another view'],
  ['up, down, j, k', 'the line above, the line below'],
  ['PgUp, PgDn, g, G', 'a page up or down, the first and the last line'],
  ['Enter', 'show the line, or follow the command that it advises'],
  ['Esc', 'back; in a view: without the filter'],
  ['w', 'why: what the line waits for; without a line everything'],
  ['l', 'log of a job, followed while it runs'],
  ['r', 'retry a run or a job, end a hold; asks first'],
  ['R', 'retry all jobs that the filter selects; asks first'],
  ['p', 'pause what the line is of; asks for the reason'],
  ['/', 'filter, as on the command line: -s failed -m Analysis40'],
  [':', 'the same as commands for a shell'],
  ['q, ^C', 'quit'],
];

function helpLines(state: State): string[] {
  const { columns } = state.sheet;
  const width = Math.max(...HELP.map(([keys]) => keys.length));
  const room = columns - GUTTER;
  return HELP.flatMap(([keys, what]) => wrapped(`${accent(keys.padEnd(width))}  ${what}`, room, ' '.repeat(width + 2)));
}

/** Commands of a shell that do the same as the page and its keys. */
function commandLines(state: State): string[] {
  const page = front(state);
  const item = chosen(state);
  const words = (verb: string, ref: string | undefined): string[] =>
    ref === undefined ? [] : [commandLine(verb, [ref])];
  const own = isView(page.name)
    ? `dflow ${isList(page.name) ? `list ${LISTED[page.name]}` : page.name}${page.words === '' ? '' : ` ${page.words}`}`
    : page.name === 'reasons'
      ? 'dflow why --all'
      : commandLine(page.name, [page.words, ...(page.name === 'log' ? ['--follow'] : [])]);
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ['page', [own]],
    ['Enter', item?.next === undefined ? words('show', item?.show) : [item.next]],
    ['w', words('why', item?.why)],
    ['l', words('log', item?.log)],
    ['r', [...words('retry', item?.retry), ...words('resume', item?.resume)]],
    ['p', item?.pause === undefined ? [] : [`${commandLine('pause', item.pause)} --why TEXT`]],
  ];
  return rows.flatMap(([key, [line]]) =>
    line === undefined
      ? []
      : wrapped(`${accent(key.padEnd(5))}  ${oneLine(line)}`, state.sheet.columns - GUTTER, ' '.repeat(7)),
  );
}

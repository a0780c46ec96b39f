// A page of the live screen as lines in the columns of the terminal: a title, fixed lines, and lines that scroll. Some
// lines belong to an item that a person can choose.
import chalk from 'chalk';
import { parseRef } from '../../domain/selection.ts';
import type { Found } from '../../flow/reports/live/found.ts';
import type { LiveFound, Some } from '../../flow/reports/live/views.ts';
import type { Lists } from '../../flow/reports/look/look.ts';
import { counted } from '../../util/text/counted.ts';
import { manyLines, oneLine } from '../../util/text/terminal.ts';
import { flowParts } from '../flow/terminal.ts';
import { reasonsOf } from '../flow/words.ts';
import { rowParts } from '../rows.ts';
import { showText } from '../show/show.ts';
import { statusParts } from '../status.ts';
import { together, whyText } from '../why.ts';
import { shortened, widthOf } from '../wrap.ts';
import { copyTitle, countTitle, farmTitle, holdTitle, runTitle } from './titles.ts';

/** What the keys can do with an item, as words of the command line. */
interface Doable {
  /** REFs or names for `show`, `why`, `log`, `retry`. */
  readonly show?: string;
  readonly why?: string;
  readonly log?: string;
  readonly retry?: string;
  /** Flags of `pause`. */
  readonly pause?: readonly string[];
  /** A hold that `resume` ends. */
  readonly resume?: string;
  /** A command that dflow advises. */
  readonly next?: string;
}

/** A part of a page that a person can choose. */
export interface LiveItem extends Doable {
  /** Names the item, so that the next look finds the same item. */
  readonly key: string;
}

interface Line {
  readonly text: string;
  /** Index of the item that the line belongs to. */
  readonly item?: number;
}

export interface Content {
  /** The page in one line. */
  readonly title: string;
  /** Lines that stay in place when the page scrolls. */
  readonly fixed: readonly string[];
  readonly lines: readonly Line[];
  readonly items: readonly LiveItem[];
  /** The list has more rows than the look has read. */
  readonly more: boolean;
}

/** The terminal that the page is laid out for. */
export interface Sheet {
  readonly columns: number;
  /** The terminal shows only ASCII characters. */
  readonly ascii: boolean;
}

/** Columns before each line, for the mark of the chosen item. */
export const GUTTER = 2;

export function contentOf(found: Found, sheet: Sheet): Content {
  const width = sheet.columns - GUTTER;
  switch (found.view) {
    case 'status':
      return statusContent(found, width);
    case 'flow':
      return flowContent(found, width, sheet.ascii);
    case 'runs':
      return listContent(runTitle(found, width), 'runs', found.some, width, runItem);
    case 'jobs':
      return listContent(countTitle(found.counts, width), 'jobs', found.some, width, jobItem);
    case 'copies':
      return copiesContent(found, width);
    case 'farms':
      return listContent(farmTitle(found.some), 'farms', found.some, width, farmItem);
    case 'holds':
      return listContent(holdTitle(found.some), 'holds', found.some, width, holdItem, 'nothing is held back');
    case 'reasons':
      return listContent(REASONS, 'reasons', found.some, width, reasonItem);
    default:
      return textContent(found, width);
  }
}

const REASONS = 'everything that stands still, the biggest first';

function runItem({ run, ref }: Lists['runs']): LiveItem {
  return { key: ref, show: ref, why: ref, log: ref, retry: ref, pause: ['--run', String(run)] };
}

function jobItem({ run, module, ref }: Lists['jobs']): LiveItem {
  const pause = ['--run', String(run), '--module', module];
  return { key: ref, show: ref, why: ref, log: ref, retry: ref, pause };
}

function farmItem({ ref, state }: Lists['farms']): LiveItem {
  const show = state === 'never seen' ? {} : { show: `farm:${ref}` };
  return { key: ref, ...show, why: ref, pause: ['--site', ref] };
}

function holdItem({ ref }: Lists['holds']): LiveItem {
  return { key: ref, show: ref, why: ref, resume: ref };
}

function reasonItem({ ref, gate, text, next }: Lists['reasons']): LiveItem {
  return { key: `${gate} ${text} ${ref}`, ...doable(ref), next };
}

/** What can be done with the document that a REF names; nothing where the word is not a REF. */
function doable(ref: string): Doable {
  const doc = parseRef(ref);
  if (!doc) return {};
  return { show: ref, why: ref, ...(doc.module === undefined ? {} : { log: ref, retry: ref }) };
}

function statusContent({ page }: Extract<LiveFound, { view: 'status' }>, width: number): Content {
  const { needYou, rest } = statusParts(page, width);
  const count = needYou.length;
  const title =
    count === 0
      ? chalk.green('nothing needs you')
      : chalk.yellow(`${counted(count, 'thing needs', 'things need')} you`);
  const items = page.needYou.map(({ text, next }, at) => hint(next, `${at} ${text}`));
  return { title, fixed: [], lines: [...itemLines(needYou), ...rest.map(toLine)], items, more: false };
}

function flowContent({ picture }: Extract<LiveFound, { view: 'flow' }>, width: number, ascii: boolean): Content {
  const { picture: boxes, stands } = flowParts(picture, { columns: width, ascii });
  const reasons = reasonsOf(picture);
  const of = picture.run === undefined ? '' : `run ${picture.run}: `;
  const title =
    reasons.length === 0
      ? chalk.green(`${of}nothing stands still`)
      : chalk.yellow(`${of}stands still for ${counted(reasons.length, 'reason')}`);
  const items = reasons.map(({ text, next }, at) => hint(next, `${at} ${text}`));
  return { title, fixed: [], lines: [...boxes.map(toLine), ...itemLines(stands)], items, more: false };
}

function copiesContent({ storage, some }: Extract<LiveFound, { view: 'copies' }>, width: number): Content {
  // Addresses are for `show` and `list storage`: here they would double the lines.
  const elements = rowParts(
    'storage',
    storage.map((row) => ({ ...row, url: '' })),
    width,
  );
  const copies = rowParts('replicas', some.rows, width);
  const ofElements = storage.map(({ ref }): LiveItem => {
    return { key: `storage ${ref}`, why: ref, pause: ['--storage', ref] };
  });
  const ofCopies = some.rows.map(({ ref, name, storage: at }): LiveItem => {
    return { key: `${ref} ${name} ${at}`, show: ref, why: name, pause: ['--storage', at] };
  });
  const none = some.problems.length > 0 ? [] : ['', chalk.dim('no other copies')];
  const lines = [
    { text: elements.head },
    ...itemLines(elements.rows),
    ...(some.rows.length === 0 ? none.map(toLine) : [{ text: '' }, { text: copies.head }]),
    ...itemLines(copies.rows, storage.length),
  ];
  return {
    title: copyTitle(storage),
    fixed: [],
    lines: [...lines, ...problemLines(some)],
    items: [...ofElements, ...ofCopies],
    more: some.more,
  };
}

/** A table of rows that a person can choose. */
function listContent<L extends keyof Lists>(
  title: string,
  list: L,
  some: Some<Lists[L]>,
  width: number,
  itemOf: (row: Lists[L]) => LiveItem,
  empty = 'none',
): Content {
  const { head, rows, rest } = rowParts(list, some.rows, width);
  const more = some.more ? [chalk.dim('more follow')] : [];
  const none = rows.length === 0 && some.problems.length === 0 ? [chalk.dim(empty)] : [];
  return {
    title,
    fixed: rows.length === 0 ? [] : [head],
    lines: [...itemLines(rows), ...[...none, ...more, ...rest].map(toLine), ...problemLines(some)],
    items: some.rows.map(itemOf),
    more: some.more,
  };
}

function problemLines({ problems }: Some<unknown>): Line[] {
  return problems.map(({ ref, text }) => ({ text: `${chalk.red('!')} ${oneLine(`${ref}: ${text ?? 'failed'}`)}` }));
}

/** Pages of text about one run, pass, file or farm. */
function textContent(found: Exclude<Found, LiveFound | { view: 'reasons' }>, width: number): Content {
  if (found.view === 'log') return plain(logLines(found.logs, width));
  if (found.view === 'show') return plain(found.pages.flatMap((page) => showText(page, width).split('\n')));
  const texts = together(found.reports).map(({ report, refs }) => whyText(report, width, refs));
  return plain(texts.join('\n\n').split('\n'));
}

function logLines(logs: Extract<Found, { view: 'log' }>['logs'], width: number): string[] {
  if (logs.length === 0) return [chalk.dim('this job was never submitted, so it printed nothing')];
  return logs.flatMap((log, at) => {
    const head = chalk.bold(oneLine(`${log.ref}  try ${log.try}  ${log.state}  at ${log.site}`));
    const text = log.text === undefined ? chalk.dim('(no output was kept)') : manyLines(log.text).trimEnd();
    const body = text
      .replaceAll('\t', '    ')
      .split('\n')
      .flatMap((line) => folded(line, width));
    return [...(at === 0 ? [] : ['']), head, ...body];
  });
}

/** A long line of a log continues in the next line, so that the page shows all of it. */
function folded(line: string, width: number): string[] {
  if (line.length <= width || widthOf(line) <= width) return [line];
  return [line.slice(0, width), ...folded(line.slice(width), width)];
}

/** A page of text. A person can choose the lines that advise a command. */
function plain(texts: readonly string[]): Content {
  const items: LiveItem[] = [];
  const lines = texts.map((text): Line => {
    const next = /^\s*(?:\S*Next:\S*)?\s+(dflow .*)$/.exec(text)?.[1];
    if (next === undefined) return { text };
    items.push(hint(next, `${items.length} ${next}`));
    return { text, item: items.length - 1 };
  });
  return { title: '', fixed: [], lines, items, more: false };
}

/** An advised command as an item, with the keys for the REF in the command. */
function hint(next: string, key: string): LiveItem {
  const [, verb, word = ''] = next.split(/\s+/);
  const why = verb === 'why' && word !== '' ? { why: word } : {};
  return { key, ...doable(word), ...why, next };
}

const toLine = (text: string): Line => ({ text });

function itemLines(all: readonly (readonly string[])[], first = 0): Line[] {
  return all.flatMap((lines, at) => lines.map((text) => ({ text, item: first + at })));
}

/** A page that tells why nothing can be shown. */
export function errorContent(text: string, next: string | undefined, width: number): Content {
  const lines = [text, ...(next === undefined ? [] : [`Next: ${next}`])];
  return plain(lines.map((line) => shortened(oneLine(line), width * 3)).flatMap((line) => folded(line, width)));
}

// The picture of the chain for a terminal: boxes in as many rows as its columns need, and under them what stands still.
import chalk from 'chalk';
import type { FlowBox, FlowFact, FlowPicture } from '../../flow/reports/flow/picture.ts';
import { cleaned } from '../../util/text/terminal.ts';
import { localTime, localTimes } from '../human.ts';
import { shortened, widthOf, wrapped } from '../wrap.ts';
import { rateText, reasonsOf, rowsOf, SHAPES, valueText } from './words.ts';

/** Columns of a pipe. */
const IN_A_PIPE = 120;
const GAP = 3;
/** No box asks for more columns than this; its lines are cut instead. */
const WIDEST = 34;

type Paint = (text: string) => string;

/** Characters of lines and arrows. */
interface Pen {
  readonly line: string;
  readonly side: string;
  readonly corners: readonly [topLeft: string, topRight: string, bottomLeft: string, bottomRight: string];
  readonly right: string;
  readonly down: string;
  /** Where the line to the next row leaves a box. */
  readonly leave: string;
}

const BOXES: Pen = { line: '─', side: '│', corners: ['╭', '╮', '╰', '╯'], right: '▶', down: '▼', leave: '┬' };
const ASCII: Pen = { line: '-', side: '|', corners: ['+', '+', '+', '+'], right: '>', down: 'v', leave: '+' };

export interface FlowTextOptions {
  readonly columns?: number;
  /** Only characters of ASCII: the locale has no others. */
  readonly ascii?: boolean;
}

export function flowText(found: FlowPicture, options: FlowTextOptions = {}): string {
  const { head, picture, stands } = flowParts(found, options);
  return [...head, ...picture, ...(stands.length > 0 ? ['', ...stands.flat()] : [])].join('\n');
}

/** The picture in parts: its head, the boxes, and the lines of each reason why something stands still. */
interface FlowParts {
  readonly head: readonly string[];
  readonly picture: readonly string[];
  readonly stands: readonly (readonly string[])[];
}

export function flowParts(found: FlowPicture, options: FlowTextOptions): FlowParts {
  const picture = cleaned(found);
  const columns = Number.isFinite(options.columns) ? (options.columns ?? IN_A_PIPE) : IN_A_PIPE;
  const pen = options.ascii ? ASCII : BOXES;
  const rows = rowsOf(picture.boxes, shapeFor(picture.boxes, columns));
  const laid = widthsOf(rows, columns);
  const lines = rows.flatMap((row, at) => {
    const widths = laid[at] ?? [];
    const next = at + 1 < rows.length;
    return [...rowLines(row, widths, pen, at > 0, next), ...(next ? [turn(widths, pen)] : [])];
  });
  return { head: wrapped(head(picture), columns, '  '), picture: lines, stands: standLines(picture, columns) };
}

function head(picture: FlowPicture): string {
  const { experiment, at, run } = picture;
  const count = reasonsOf(picture).length;
  const reasons = `${count} ${count === 1 ? 'reason' : 'reasons'}`;
  const end = count === 0 ? chalk.green('nothing stands still') : chalk.red(`stands still for ${reasons}`);
  const of = run === undefined ? '' : `  run ${run}`;
  return `${chalk.bold(experiment)}${of}  ${localTime(at)}  ${end}`;
}

/** The flattest shape whose rows fit. */
function shapeFor(boxes: readonly FlowBox[], columns: number): readonly number[] {
  const fits = (shape: readonly number[]): boolean =>
    rowsOf(boxes, shape).every((row) => needed(row.map((box) => Math.min(WIDEST, natural(box)))) <= columns);
  return SHAPES.find(fits) ?? Array<number>(boxes.length).fill(1);
}

const needed = (widths: readonly number[]): number =>
  widths.reduce((sum, width) => sum + width, 0) + GAP * (widths.length - 1);

/** Columns that a box likes to have, with its frame. */
function natural(box: FlowBox): number {
  const facts = box.facts.map((fact) => factWidth(fact));
  const others = [box.about ?? '', ...box.rates.map(rateText)].map((text) => text.length);
  return 4 + Math.max(titleOf(box).length + 2, ...facts, ...others.map((width) => Math.min(width, 24)));
}

function factWidth(fact: FlowFact): number {
  const value = valueText(fact);
  return fact.name.length + (value === '' ? 0 : 2 + value.length);
}

const titleOf = ({ title, stands }: FlowBox): string => (stands.length > 0 ? `! ${title}` : title);

/**
 * Widths of every box. Where they fit, boxes below each other are equally wide; else each row is laid out by itself. All
 * rows end in the same column.
 */
function widthsOf(rows: readonly (readonly FlowBox[])[], columns: number): number[][] {
  const own = rows.map((row) => row.map(natural));
  const most = Math.max(...own.map((row) => row.length));
  const grid = Array.from({ length: most }, (_, at) => Math.max(...own.map((row) => row[at] ?? 0)));
  const even = own.every((row) => row.length === most || row.length === 1) && needed(grid) <= columns;
  if (even) {
    const wide = stretched(grid, Math.min(columns, needed(grid) + SPARE * most));
    return own.map((row) => wide.slice(0, row.length));
  }
  const end = Math.min(columns, Math.max(...own.map((row) => needed(row) + SPARE * row.length)));
  return own.map((row) => stretched(narrowed(row, columns), end));
}

/** Columns added to a box at most: a name and its number shall not lie far apart. */
const SPARE = 8;

/** Boxes that are too wide together give way, the widest first. */
function narrowed(row: readonly number[], columns: number): number[] {
  const widths = [...row];
  while (needed(widths) > columns && Math.max(...widths) > 12) {
    const widest = widths.indexOf(Math.max(...widths));
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

function stretched(widths: readonly number[], columns: number): number[] {
  const spare = Math.max(0, columns - needed(widths));
  return widths.map((width, at) => width + Math.floor((spare + at) / widths.length));
}

function rowLines(
  row: readonly FlowBox[],
  widths: readonly number[],
  pen: Pen,
  entered: boolean,
  left: boolean,
): string[] {
  const bodies = row.map((box, at) => body(box, (widths[at] ?? 0) - 4));
  const height = Math.max(1, ...bodies.map((lines) => lines.length));
  const boxes = row.map((box, at) => {
    const width = widths[at] ?? 0;
    const enters = entered && at === 0;
    const leaves = left && at === row.length - 1;
    return framed(box, bodies[at] ?? [], { width, height, pen, enters, leaves });
  });
  return Array.from({ length: height + 2 }, (_, line) => {
    const gap = line === 1 ? chalk.dim(pen.line.repeat(GAP - 1) + pen.right) : ' '.repeat(GAP);
    return boxes.map((lines) => lines[line] ?? '').join(gap);
  });
}

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly pen: Pen;
  /** The line of the row above comes in; the line to the row below goes out. */
  readonly enters: boolean;
  readonly leaves: boolean;
}

function framed(box: FlowBox, lines: readonly string[], { width, height, pen, enters, leaves }: Frame): string[] {
  const bad = box.stands.length > 0;
  const frame: Paint = bad ? chalk.red : chalk.dim;
  const paint: Paint = bad ? (text) => chalk.red(chalk.bold(text)) : chalk.bold;
  const [topLeft, topRight, bottomLeft, bottomRight] = pen.corners;
  const title = shortened(titleOf(box), width - 6);
  const begin = `${topLeft}${pen.line}${enters ? chalk.reset(chalk.dim(pen.down)) : ''}`;
  const rest = width - 5 - title.length - (enters ? 1 : 0);
  const top = `${frame(begin)} ${paint(title)} ${frame(pen.line.repeat(Math.max(0, rest)) + topRight)}`;
  const middle = Math.floor(width / 2);
  const bottom = leaves
    ? pen.line.repeat(middle - 1) + pen.leave + pen.line.repeat(width - 2 - middle)
    : pen.line.repeat(width - 2);
  const side = frame(pen.side);
  const filled = Array.from({ length: height }, (_, at) => {
    const text = lines[at] ?? '';
    return `${side} ${text}${' '.repeat(Math.max(0, width - 4 - widthOf(text)))} ${side}`;
  });
  return [top, ...filled, frame(bottomLeft + bottom + bottomRight)];
}

/** From under the last box of a row to above the first of the next one. */
function turn(widths: readonly number[], pen: Pen): string {
  const last = widths.at(-1) ?? 0;
  const to = needed(widths) - last + Math.floor(last / 2);
  const from = 2;
  const [topLeft, , , bottomRight] = pen.corners;
  return chalk.dim(`${' '.repeat(from)}${topLeft}${pen.line.repeat(Math.max(0, to - from - 1))}${bottomRight}`);
}

const LOOKS: Readonly<Record<NonNullable<FlowFact['look']>, Paint>> = {
  busy: chalk.cyan,
  good: chalk.green,
  bad: chalk.red,
};

function body(box: FlowBox, width: number): string[] {
  return [
    ...(box.about === undefined ? [] : [chalk.dim(shortened(box.about, width))]),
    ...box.facts.map((fact) => factLine(fact, width)),
    ...box.rates.map((rate) => chalk.dim(shortened(rateText(rate), width))),
  ];
}

/** The name to the left, the number to the right; where both do not fit, the name is cut. */
function factLine(fact: FlowFact, width: number): string {
  const value = shortened(valueText(fact), Math.max(6, width - 4));
  const name = shortened(fact.name, value === '' ? width : Math.max(3, width - value.length - 1));
  const space = ' '.repeat(Math.max(0, width - name.length - value.length));
  const paint: Paint = fact.look ? LOOKS[fact.look] : (text) => text;
  return value === '' ? chalk.dim(name) : `${name}${space}${paint(value)}`;
}

/** What stands still, in the order of the data's way, each with its command. */
function standLines(picture: FlowPicture, columns: number): string[][] {
  const all = reasonsOf(picture);
  const width = Math.max(...all.map(({ title }) => title.length));
  return all.map(({ title, text, next }) => {
    const [first = '', ...more] = wrapped(localTimes(text), columns - width - 4);
    const indent = ' '.repeat(width + 4);
    return [
      `${chalk.red('!')} ${chalk.bold(title.padEnd(width))}  ${first}`,
      ...more.map((line) => `${indent}${line.trimStart()}`),
      // Each command on a line of its own, to be copied.
      ...next.split(/; (?=dflow )/).map((command) => `${indent}${chalk.cyan(command)}`),
    ];
  });
}

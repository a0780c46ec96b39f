// Guesses the file-name pattern of a folder of raw files (`dflow init --from`) from the names alone: which of their
// numbers vary, and which of these is the run.
import { literal } from './pattern.ts';

interface Shape {
  /** Text before each number, and after the last: one more than there are numbers. */
  readonly texts: readonly string[];
  /** The numbers of each name, as written. */
  readonly rows: string[][];
}

const RUN_WORD = /run[^a-z0-9]*$|(^|[^a-z])r$/i;
const SUBRUN_WORD = /(sub[^a-z0-9]*run|sub|part|file|seg|chunk|piece)[^a-z0-9]*$/i;
/** A single letter means a subrun only behind another number: `F00034567` is a run of a detector called F. */
const SUBRUN_LETTER = /(^|[^a-z])[sfp]$/i;

/**
 * A date, with or without a time of day: neither run nor subrun. Stands for `{*}`. Eight digits alone are a date only
 * where they make one.
 */
const DATE = String.raw`(?:19|20)\d\d(?:-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])|(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))`;
const TIME = String.raw`(?:[T_ -](?:[01]\d|2[0-3])(?:[0-5]\d[0-5]\d|[:.-][0-5]\d[:.-][0-5]\d)(?:[.,]\d{1,9})?Z?)`;
const TOKENS = new RegExp(String.raw`((?<!\d)${DATE}${TIME}?(?!\d))|(\d+)`, 'g');
/** A date within the text of a shape: no file name holds this sign. */
const ANY = '\u0000';

/**
 * The pattern that most of `names` share, `undefined` when there is none: no number, or more than two that vary.
 * Of two varying numbers the run is the one that is called so, else the one within which the other starts again at
 * 0 or 1 or goes on counting, else the one with more distinct values, else the first. Dates are neither.
 */
export function guessPattern(names: readonly string[]): string | undefined {
  const shape = commonShape(names.filter((name) => !name.startsWith('.') && !name.endsWith('_closed')));
  if (!shape) return undefined;
  const positions = shape.texts.slice(1).map((_, i) => i);
  const varying = positions.filter((i) => column(shape, i).size > 1);
  const chosen = shape.rows.length === 1 ? ofOneName(shape, positions) : varying;
  if (chosen.length === 0 || chosen.length > 2) return undefined;
  const run = chosen.length === 1 ? chosen[0] : runOf(shape, chosen[0] ?? 0, chosen[1] ?? 0);
  return write(shape, chosen, run ?? 0);
}

function commonShape(names: readonly string[]): Shape | undefined {
  const shapes = new Map<string, Shape>();
  for (const name of names) {
    const numbers: string[] = [];
    const marked = name.replace(TOKENS, (_, date?: string, number?: string) => {
      if (date !== undefined) return ANY;
      numbers.push(number ?? '');
      return '\n';
    });
    const shape = shapes.get(marked) ?? { texts: marked.split('\n'), rows: [] };
    shape.rows.push(numbers);
    shapes.set(marked, shape);
  }
  return [...shapes.values()]
    .filter((shape) => shape.texts.length > 1)
    .sort((a, b) => b.rows.length - a.rows.length)
    .at(0);
}

function column(shape: Shape, position: number): Set<number> {
  return new Set(shape.rows.map((row) => Number(row[position])));
}

/** From a single name: the number called run or the longest; the next one is the subrun if it looks padded. */
function ofOneName(shape: Shape, positions: readonly number[]): number[] {
  const row = shape.rows[0] ?? [];
  const length = (i: number): number => row[i]?.length ?? 0;
  const named = positions.find((i) => called(shape, i) > 0);
  const run = named ?? [...positions].sort((a, b) => length(b) - length(a)).at(0);
  if (run === undefined) return [];
  const next = row[run + 1] ?? '';
  return /^0\d/.test(next) || called(shape, run + 1) < 0 ? [run, run + 1] : [run];
}

function runOf(shape: Shape, a: number, b: number): number {
  const asRun = (run: number, other: number): number[] => [
    called(shape, run) - called(shape, other),
    restarts(shape, run, other) ? 1 : 0,
    goesOn(shape, run, other) ? 1 : 0,
    column(shape, run).size,
  ];
  const [first, second] = [asRun(a, b), asRun(b, a)];
  for (let i = 0; i < first.length; i++) {
    if (first[i] !== second[i]) return (first[i] ?? 0) > (second[i] ?? 0) ? a : b;
  }
  return a;
}

function called(shape: Shape, position: number): number {
  const text = shape.texts[position] ?? '';
  if (SUBRUN_WORD.test(text) || (position > 0 && SUBRUN_LETTER.test(text))) return -1;
  return RUN_WORD.test(text) ? 1 : 0;
}

/** True when within every value of `run` the other number starts at 0 or 1, as subruns do. */
function restarts(shape: Shape, run: number, other: number): boolean {
  const lowest = new Map<number, number>();
  for (const row of shape.rows) {
    const key = Number(row[run]);
    lowest.set(key, Math.min(lowest.get(key) ?? Number.POSITIVE_INFINITY, Number(row[other])));
  }
  return [...lowest.values()].every((value) => value <= 1);
}

/** True when the other number never comes in two runs, and some run has several: a counter that goes on over runs. */
function goesOn(shape: Shape, run: number, other: number): boolean {
  const runs = new Map<number, number>();
  for (const row of shape.rows) {
    const [of, value] = [Number(row[run]), Number(row[other])];
    if ((runs.get(value) ?? of) !== of) return false;
    runs.set(value, of);
  }
  return runs.size > column(shape, run).size;
}

function write(shape: Shape, chosen: readonly number[], run: number): string {
  const first = shape.rows[0] ?? [];
  return shape.texts
    .map((text, i) => {
      const before = literal(text).replaceAll(ANY, '{*}');
      if (i === shape.texts.length - 1) return before;
      if (!chosen.includes(i)) return before + first[i];
      return `${before}{${i === run ? 'run' : 'subrun'}${width(shape, i)}}`;
    })
    .join('');
}

/** `:10` where all numbers have ten digits and some are padded; unpadded numbers may grow. */
function width(shape: Shape, position: number): string {
  const values = shape.rows.map((row) => row[position] ?? '');
  const length = values[0]?.length ?? 0;
  const padded =
    length > 1 && values.every((value) => value.length === length) && values.some((v) => v.startsWith('0'));
  return padded ? `:${length}` : '';
}

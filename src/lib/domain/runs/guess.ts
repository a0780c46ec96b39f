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
const SUBRUN_WORD = /(sub[^a-z0-9]*run|sub|part|file|seg|chunk|piece)[^a-z0-9]*$|(^|[^a-z])[sfp]$/i;

/**
 * The pattern that most of `names` share, `undefined` when there is none: no number, or more than two that vary.
 * Of two varying numbers the run is the one that is called so, else the one within which the other starts again at
 * 0 or 1, else the one with more distinct values, else the first.
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
    const tokens = name.split(/(\d+)/);
    const texts = tokens.filter((_, i) => i % 2 === 0);
    const key = JSON.stringify(texts);
    const shape = shapes.get(key) ?? { texts, rows: [] };
    shape.rows.push(tokens.filter((_, i) => i % 2 === 1));
    shapes.set(key, shape);
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
  const called = positions.find((i) => RUN_WORD.test(shape.texts[i] ?? '') && !SUBRUN_WORD.test(shape.texts[i] ?? ''));
  const run = called ?? [...positions].sort((a, b) => length(b) - length(a)).at(0);
  if (run === undefined) return [];
  const next = row[run + 1] ?? '';
  return /^0\d/.test(next) || SUBRUN_WORD.test(shape.texts[run + 1] ?? '') ? [run, run + 1] : [run];
}

function runOf(shape: Shape, a: number, b: number): number {
  const asRun = (run: number, other: number): number[] => [
    called(shape, run) - called(shape, other),
    restarts(shape, run, other) ? 1 : 0,
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
  if (SUBRUN_WORD.test(text)) return -1;
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

function write(shape: Shape, chosen: readonly number[], run: number): string {
  const first = shape.rows[0] ?? [];
  return shape.texts
    .map((text, i) => {
      if (i === shape.texts.length - 1) return literal(text);
      if (!chosen.includes(i)) return literal(text) + first[i];
      return `${literal(text)}{${i === run ? 'run' : 'subrun'}${width(shape, i)}}`;
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

// Guesses the file-name pattern of a folder of raw files (`dflow init --from`) from the names alone: which of their
// numbers vary, and which of these is the run. What the names do not decide is a doubt, which a person settles.
import { MAX_RUN } from '../ids.ts';
import { compilePattern, isAbout, literal } from './pattern.ts';

interface Shape {
  /** Text before each number, and after the last: one more than there are numbers. */
  readonly texts: readonly string[];
  /** The numbers of each name, as written. */
  readonly rows: string[][];
}

/**
 * What a person must decide. `dates`: the names have no number beside a date or time. `numbers`: two numbers vary, and
 * nothing says which is the run; `many`: more than two. `names`: two kinds of names, and nothing says which are the data.
 * `one`: a single name with several numbers. `long`: the number is too long for a run. `twins`: two files would be the same
 * run and subrun.
 */
export type Doubt = 'dates' | 'numbers' | 'many' | 'names' | 'one' | 'long' | 'twins';

export interface Guess {
  /** Patterns that may be meant, the likeliest first. */
  readonly patterns: readonly string[];
  /** Absent: the first is meant. */
  readonly doubt?: Doubt;
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
const NUMBERS = /(?!)()|(\d+)/g;
/** A date within the text of a shape: no file name holds this sign. */
const ANY = '\u0000';
/** Readings that a person is asked to choose from. */
const MOST = 4;
const FIRST_DAY = 19_000_101;
/** Another kind of name is as likely when it has this share of the files of the likeliest kind. */
const RIVAL = 0.8;
/** This share is enough for a kind that calls one of its numbers a run. */
const NAMED = 0.25;

/** What the names of raw files may mean. */
export function guess(all: readonly string[]): Guess {
  const names = rawNames(all);
  const [shape, rival] = shapesOf(names, TOKENS);
  const read = shape ? readings(shape) : { patterns: [] };
  // The only numbers are dates.
  if (!shape || (read.patterns.length === 0 && shape.texts.some((text) => text.includes(ANY)))) return ofDates(names);
  if (read.patterns.length === 0) return read;
  const first = read.patterns[0] ?? '';
  if (rival && isAsLikely(rival, shape)) {
    const others = readings(rival).patterns.slice(0, 1);
    if (others.length > 0) return { patterns: [first, ...others], doubt: 'names' };
  }
  if (read.doubt !== undefined) return read;
  const { parse } = compilePattern(first);
  const found = names.flatMap((name) => parse(name) ?? []);
  if (found.some(({ run }) => run > MAX_RUN)) return { patterns: shortened(first, names), doubt: 'long' };
  const places = new Set(found.map(({ run, subrun }) => `${run}/${subrun}`));
  return places.size < found.length ? { ...read, doubt: 'twins' } : read;
}

/** Names that may be raw files: no marker, nothing hidden, nothing that only tells of another file. */
function rawNames(all: readonly string[]): string[] {
  const known = new Set(all);
  const about = (name: string): boolean => isAbout(name) || known.has(name.slice(0, name.lastIndexOf('.')));
  const names = all.filter((name) => !name.startsWith('.') && !name.endsWith('_closed'));
  const data = names.filter((name) => !about(name));
  // A detector may well write text files.
  return data.length > 0 ? data : names;
}

/** The pattern that is meant, as far as the names alone decide it. */
export function guessPattern(names: readonly string[]): string | undefined {
  const { patterns, doubt } = guess(names);
  return doubt === undefined || ASSUMED.has(doubt) ? patterns[0] : undefined;
}

/** Doubts in which init takes the likeliest pattern and says so, when it cannot ask a person. */
export const ASSUMED: ReadonlySet<Doubt> = new Set(['numbers', 'one']);

/** Kinds of names with a number, the likeliest first: those that call one their run, then those of most files. */
function shapesOf(names: readonly string[], tokens: RegExp): Shape[] {
  const shapes = new Map<string, Shape>();
  for (const name of names) {
    const numbers: string[] = [];
    const marked = name.replace(tokens, (_, date?: string, number?: string) => {
      if (date) return ANY;
      numbers.push(number ?? '');
      return '\n';
    });
    const shape = shapes.get(marked) ?? { texts: marked.split('\n'), rows: [] };
    shape.rows.push(numbers);
    shapes.set(marked, shape);
  }
  const found = [...shapes.values()].filter((shape) => shape.texts.length > 1);
  const most = Math.max(0, ...found.map(({ rows }) => rows.length));
  const rank = (shape: Shape): number =>
    shape.rows.length + (callsRun(shape) && shape.rows.length >= most * NAMED ? most : 0);
  return found.sort((a, b) => rank(b) - rank(a));
}

function callsRun(shape: Shape): boolean {
  return shape.texts.slice(0, -1).some((_, at) => called(shape, at) > 0);
}

function isAsLikely(rival: Shape, best: Shape): boolean {
  return callsRun(rival) === callsRun(best) && rival.rows.length >= best.rows.length * RIVAL;
}

/** Names without a number beside dates: the day may be the run, and the time of day the subrun. */
function ofDates(names: readonly string[]): Guess {
  if (shapesOf(names, NUMBERS).length === 0) return { patterns: [] };
  const [shape] = shapesOf(names, NUMBERS);
  const read = shape ? readings(shape).patterns : [];
  // A part of a date (year, month or day alone) is not a run.
  const whole = (pattern: string): boolean =>
    names.every((name) => (compilePattern(pattern).parse(name)?.run ?? FIRST_DAY) >= FIRST_DAY);
  return { patterns: read.filter((pattern) => whole(pattern) && fits(pattern, names)), doubt: 'dates' };
}

/** Every name of its kind is a run of its own, or a subrun of one, and within the range of run numbers. */
function fits(pattern: string, names: readonly string[]): boolean {
  const found = names.flatMap((name) => compilePattern(pattern).parse(name) ?? []);
  const places = new Set(found.map(({ run, subrun }) => `${run}/${subrun}`));
  return places.size === found.length && found.every(({ run }) => run <= MAX_RUN);
}

/** A date before the run makes it too long: without its century it is not. */
function shortened(pattern: string, names: readonly string[]): string[] {
  const shorter = pattern.replace(/\{run(?::\d+)?\}/, '20{run:10}');
  const numbers = names.map((name) => compilePattern(shorter).parse(name)).filter((one) => one !== undefined);
  return numbers.length > 0 && fits(shorter, names) ? [shorter] : [];
}

/** Ways to read names of one kind. Words before the numbers decide which is the run, then how the numbers go on. */
function readings(shape: Shape): Guess {
  const positions = shape.texts.slice(1).map((_, i) => i);
  const varying = positions.filter((i) => column(shape, i).size > 1);
  if (shape.rows.length === 1) {
    const chosen = ofOneName(shape, positions);
    const said = called(shape, chosen[0] ?? 0) > 0 || positions.length === 1 || isPadded(shape, chosen);
    const patterns = distinct([write(shape, chosen, chosen[0] ?? 0), ...paired(shape, positions)]);
    return said ? { patterns: patterns.slice(0, 1) } : { patterns: patterns.slice(0, MOST), doubt: 'one' };
  }
  const [only, second] = varying;
  if (only === undefined) return { patterns: [] };
  if (second === undefined) return { patterns: [write(shape, varying, only)] };
  if (varying.length > 2) {
    const patterns = paired(shape, varying).slice(0, MOST);
    return { patterns, doubt: patterns.length === 0 ? 'twins' : 'many' };
  }
  const { run, sure } = runOf(shape, only, second);
  const other = run === only ? second : only;
  const patterns = [write(shape, varying, run), write(shape, varying, other)];
  return sure ? { patterns: patterns.slice(0, 1) } : { patterns, doubt: 'numbers' };
}

/** Patterns with two of the numbers as run and subrun that tell all files apart, the likeliest first. */
function paired(shape: Shape, positions: readonly number[]): string[] {
  const pairs = positions.flatMap((run) =>
    positions.filter((subrun) => subrun !== run).map((subrun) => ({ run, subrun })),
  );
  const score = ({ run, subrun }: { run: number; subrun: number }): number =>
    4 * called(shape, run) -
    4 * called(shape, subrun) +
    (restarts(shape, run, subrun) ? 2 : 0) +
    (run < subrun ? 1 : 0);
  const apart = pairs.filter(({ run, subrun }) => {
    const places = new Set(shape.rows.map((row) => `${row[run]}/${row[subrun]}`));
    return places.size === shape.rows.length;
  });
  apart.sort((a, b) => score(b) - score(a));
  return distinct(apart.map(({ run, subrun }) => write(shape, [run, subrun], run, positions)));
}

const distinct = (patterns: readonly string[]): string[] => [...new Set(patterns)];

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

function isPadded(shape: Shape, chosen: readonly number[]): boolean {
  return chosen.length === 2 && chosen.every((at) => /^0\d/.test(shape.rows[0]?.[at] ?? ''));
}

/** Which of two numbers is the run: the first criterion that differs decides. `sure`: a name or an order decided. */
function runOf(shape: Shape, a: number, b: number): { run: number; sure: boolean } {
  const asRun = (run: number, other: number): number[] => [
    called(shape, run) - called(shape, other),
    restarts(shape, run, other) ? 1 : 0,
    goesOn(shape, run, other) ? 1 : 0,
    column(shape, run).size,
  ];
  const [first, second] = [asRun(a, b), asRun(b, a)];
  for (let i = 0; i < first.length; i++) {
    if (first[i] !== second[i]) return { run: (first[i] ?? 0) > (second[i] ?? 0) ? a : b, sure: i < 3 };
  }
  return { run: a, sure: false };
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

/** `any`: numbers that vary; those that are not chosen may be anything. */
function write(shape: Shape, chosen: readonly number[], run: number, any: readonly number[] = []): string {
  const first = shape.rows[0] ?? [];
  return shape.texts
    .map((text, i) => {
      const before = literal(text).replaceAll(ANY, '{*}');
      if (i === shape.texts.length - 1) return before;
      if (!chosen.includes(i)) return before + (any.includes(i) ? '{*}' : first[i]);
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

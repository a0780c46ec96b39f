// RATDB tables: the parser of their text and the lookup rule. The text is a concatenation of objects in relaxed JSON:
// json5 reads one of them; splitting, old doubles (`1.5d0`) and positions are done here. Knows no store.
import { createHash } from 'node:crypto';
import JSON5 from 'json5';
import type { Json } from '../doc.ts';
import { MAX_RUN, pad, runPad } from '../ids.ts';

/** Both ends inclusive. `[0, 0]` is the default plane, `[-1, -1]` the user plane. */
export type RunRange = readonly [number, number];

export interface RatdbTable {
  readonly name: string;
  /** `''` unless the table says otherwise. */
  readonly index: string;
  /** One, or one per stretch of a `run_list`. */
  readonly ranges: readonly RunRange[];
  readonly pass: number;
  /** Every field as written, also name, index and range. */
  readonly fields: Readonly<Record<string, Json>>;
  /** Line of its opening brace, from 1. */
  readonly line: number;
}

/** The text is no RATDB at `line:column`, both from 1. */
export class RatdbError extends Error {
  readonly line: number;
  readonly column: number;
  constructor(message: string, line: number, column: number) {
    super(message);
    this.name = 'RatdbError';
    this.line = line;
    this.column = column;
  }
}

interface Position {
  readonly line: number;
  readonly column: number;
}

const TOKEN = new RegExp(
  [
    /\/\/[^\n]*/,
    /\/\*.*?\*\//,
    // No bare newline within a string: what was never closed is noticed on its own line.
    /"[^"\\\n]*(?:\\.[^"\\\n]*)*"/,
    /'[^'\\\n]*(?:\\.[^'\\\n]*)*'/,
    /0[xX][\da-fA-F]+/,
    /[\p{L}_$][\p{L}\p{N}_$]*/u,
    /(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d*)?/,
    /[\s\uFEFF]+/,
    /./,
  ]
    .map((part) => part.source)
    .join('|'),
  'gsu',
);

/**
 * Every table of a RATDB text, in its order.
 * @throws RatdbError at the first thing that does not parse
 */
export function parseRatdb(text: string): RatdbTable[] {
  return [...pieces(text)].map(({ source, start }) => tableOf(fieldsOf(source, start), start));
}

/** The text of one table after another, old doubles made readable, every character still in its place. */
function* pieces(text: string): Generator<{ source: string; start: Position }> {
  const open: { closedBy: string; offset: number }[] = [];
  let source = '';
  const positionOf = positions(text);
  const fail = (message: string, offset: number): never => {
    const { line, column } = positionOf(offset);
    throw new RatdbError(message, line, column);
  };
  for (const { 0: token, index: offset } of text.matchAll(TOKEN)) {
    if (neverEnds(text, offset, token)) fail('not closed', offset);
    if (open.length === 0 && token !== '{') {
      if (!mayStandBetween(token)) fail(`a table must begin with {, not ${token}`, offset);
      continue;
    }
    source += oldDouble(token);
    if (token === '{' || token === '[') open.push({ closedBy: token === '{' ? '}' : ']', offset });
    if (token !== '}' && token !== ']') continue;
    const start = open.pop();
    if (start?.closedBy !== token) return fail(`${token} closes nothing`, offset);
    if (open.length > 0) continue;
    yield { source, start: positionOf(start.offset) };
    source = '';
  }
  const left = open[0];
  if (left) fail('this table is not closed', left.offset);
}

function mayStandBetween(token: string): boolean {
  return /^(?:\/[/*]|[\s\uFEFF,])/.test(token);
}

/** True where a string or a comment begins that is not closed. */
function neverEnds(text: string, offset: number, token: string): boolean {
  return token === '"' || token === "'" || (token === '/' && text[offset + 1] === '*');
}

/** `1.5d0` -> `1.5e0`, `1.5d` -> `1.5 `: as long as before, so that positions in errors stay right. */
function oldDouble(token: string): string {
  if (!/^[\d.]/.test(token) || /^0[xX]/.test(token)) return token;
  return token.replace(/[dD]([+-]?\d+)$/, 'e$1').replace(/[dD]([+-]?)$/, ' $1');
}

/** Line and column of an offset; cheap for offsets that grow. */
function positions(text: string): (offset: number) => Position {
  let line = 1;
  let begin = 0;
  return (offset) => {
    if (offset < begin) [line, begin] = [1, 0];
    for (let next = text.indexOf('\n', begin); next >= 0 && next < offset; next = text.indexOf('\n', begin)) {
      line++;
      begin = next + 1;
    }
    return { line, column: offset - begin + 1 };
  };
}

function fieldsOf(source: string, start: Position): Readonly<Record<string, Json>> {
  try {
    return JSON5.parse(source, (_key, value: unknown) => {
      if (typeof value === 'number' && !Number.isFinite(value)) throw new SyntaxError('a number is not finite');
      return value;
    });
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const at = error as { message: string; lineNumber?: number; columnNumber?: number };
    const line = at.lineNumber ?? 1;
    const column = at.columnNumber ?? 1;
    const message = at.message.replace(/^JSON5: /, '').replace(/ at \d+:\d+$/, '');
    throw new RatdbError(message, start.line + line - 1, line === 1 ? start.column + column - 1 : column);
  }
}

function tableOf(fields: Readonly<Record<string, Json>>, at: Position): RatdbTable {
  const fail = (message: string): never => {
    throw new RatdbError(message, at.line, at.column);
  };
  const name = fields.name ?? fields.type;
  const index = fields.index ?? '';
  if (typeof name !== 'string' || name === '') return fail('a table without a name');
  if (typeof index !== 'string') return fail(`table ${name}: index is no text`);
  if (/\p{Surrogate}/u.test(name + index)) return fail('name or index is no valid text');
  const pass = fields.pass ?? 0;
  if (typeof pass !== 'number' || !Number.isInteger(pass)) return fail(`table ${name}: pass is no whole number`);
  const ranges = rangesOf(fields);
  if (typeof ranges === 'string') return fail(`table ${name}: ${ranges}`);
  return { name, index, ranges, pass: Math.max(0, pass), fields, line: at.line };
}

/** The ranges that the fields give, or what is wrong with them. Without any: the default plane. */
function rangesOf(fields: Readonly<Record<string, Json>>): readonly RunRange[] | string {
  if (fields.run_list !== undefined) return listed(fields.run_list);
  if (fields.run_range !== undefined) {
    const range = fields.run_range;
    return Array.isArray(range) && range.length === 2 ? checked(range[0], range[1]) : 'run_range is not [first, last]';
  }
  if (fields.valid_begin === undefined && fields.valid_end === undefined) return [[0, 0]];
  // Older files write [run, subrun].
  const [first, last] = [fields.valid_begin, fields.valid_end].map((end) => (Array.isArray(end) ? end[0] : end));
  return checked(first ?? 0, last ?? MAX_RUN);
}

function checked(first: Json | undefined, last: Json | undefined): readonly RunRange[] | string {
  if (!isRun(first) || !isRun(last)) return 'a run range holds something that is no run number';
  if (first > last) return `the run range ${first} to ${last} is empty`;
  if (first < 0 && last >= 0) return `the run range ${first} to ${last} mixes the user plane with runs`;
  return [[first, Math.min(last, MAX_RUN)]];
}

function isRun(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= -1;
}

/** Consecutive runs of a list become one range: its table is stored once per stretch. */
function listed(list: Json): readonly RunRange[] | string {
  if (!Array.isArray(list) || list.length === 0) return 'run_list is no list of runs';
  if (!list.every((run) => isRun(run) && run > 0 && run <= MAX_RUN)) return 'run_list holds something that is no run';
  const runs = [...new Set(list as number[])].sort((a, b) => a - b);
  const ranges: [number, number][] = [];
  for (const run of runs) {
    const last = ranges.at(-1);
    if (last && last[1] === run - 1) last[1] = run;
    else ranges.push([run, run]);
  }
  return ranges;
}

export type Plane = 'user' | 'run' | 'default';

export function planeOf([first, last]: RunRange): Plane {
  if (last === -1) return 'user';
  return first === 0 && last === 0 ? 'default' : 'run';
}

/** What the lookup rule needs to know of a stored table. `at`: when its contents were loaded, as sorting text. */
export interface Candidate {
  readonly first: number;
  readonly last: number;
  readonly pass: number;
  readonly at: string;
}

const PLANES: readonly Plane[] = ['user', 'run', 'default'];

/** The table that holds for a run: user plane, then the ranges that hold the run (highest pass, newest), then default. */
export function pickTable<C extends Candidate>(candidates: readonly C[], run: number): C | undefined {
  const rank = (table: C): number => PLANES.indexOf(planeOf([table.first, table.last]));
  const holds = (table: C): boolean => rank(table) !== 1 || (table.first <= run && run <= table.last);
  const better = (a: C, b: C): number =>
    rank(a) - rank(b) || b.pass - a.pass || (a.at < b.at ? 1 : a.at > b.at ? -1 : 0);
  return candidates.filter(holds).sort(better)[0];
}

/** Everything but letters, digits, `.`, `+`, `-` and `_` as `%XX`: no name can pretend to be another id. */
export function escapeName(name: string): string {
  return name.replace(/[^\w.+-]+/g, (part) =>
    [...Buffer.from(part)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}

/** `table:RUN::0000109134`, `table:GAIN:pmt%3A1:r0000000010-0000000019:002`; the planes are `default` and `user`. */
export function tableId(name: string, index: string, range: RunRange, pass: number): string {
  return `${tablePrefix(name, index)}${where(range)}${pass > 0 ? `:${pad(pass, 3)}` : ''}`;
}

/** What the ids of every table NAME[INDEX] begin with; single runs, digits first, sort before everything else. */
export function tablePrefix(name: string, index: string): string {
  return `table:${escapeName(name)}:${escapeName(index)}:`;
}

function where(range: RunRange): string {
  const plane = planeOf(range);
  if (plane !== 'run') return plane;
  return range[0] === range[1] ? runPad(range[0]) : `r${runPad(range[0])}-${runPad(range[1])}`;
}

/** Range and pass that an id was made of; `undefined` for an id of something else. */
export function parseTableId(id: string): { first: number; last: number; pass: number } | undefined {
  const match = /^table:[^:]+:[^:]*:(?:(default)|(user)|(\d{10})|r(\d{10})-(\d{10}))(?::(\d{3,}))?$/.exec(id);
  if (!match) return undefined;
  const pass = Number(match[6] ?? 0);
  if (match[1]) return { first: 0, last: 0, pass };
  if (match[2]) return { first: -1, last: -1, pass };
  return { first: Number(match[3] ?? match[4]), last: Number(match[3] ?? match[5]), pass };
}

/** Hash of a table's contents; the order of its keys does not matter. 32 hex digits. */
export function contentHash(fields: Readonly<Record<string, Json>>): string {
  return createHash('sha256').update(canonical(fields)).digest('hex').slice(0, 32);
}

function canonical(value: Json | Readonly<Record<string, Json>>): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`).join(',')}}`;
}

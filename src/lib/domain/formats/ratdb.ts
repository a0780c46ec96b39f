// RATDB tables: name, index, run ranges and contents of what the reader finds in a text, and the lookup rule. Knows no
// store.
import { createHash } from 'node:crypto';
import { MAX_RUN, pad, runPad } from '../ids.ts';
import { RatdbError, type RatdbObject, RatdbReader } from './ratdbreader.ts';
import { canonicalJson, type RatdbFields, type RatdbValue } from './ratdbvalues.ts';

export { RatdbError } from './ratdbreader.ts';

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
  readonly fields: RatdbFields;
  /** Some whole number among the fields is a bigint. */
  readonly big: boolean;
  /** The texts are not UTF-8: each byte stands as the Latin-1 character of its number. */
  readonly latin1: boolean;
  /** Line of its opening brace, from 1. */
  readonly line: number;
}

/** Every table of a RATDB text, in its order. @throws RatdbError at the first thing that does not parse */
export function parseRatdb(text: string | Uint8Array): RatdbTable[] {
  const reader = new RatdbReader(text);
  const tables: RatdbTable[] = [];
  for (let read = reader.next(); read; read = reader.next()) tables.push(tableOf(read));
  return tables;
}

function tableOf({ fields, big, latin1, line, column }: RatdbObject): RatdbTable {
  const fail = (message: string): never => {
    throw new RatdbError(message, line, column);
  };
  const name = fields.name ?? fields.type;
  const index = fields.index ?? '';
  if (typeof name !== 'string' || name === '') return fail('a table without a name');
  if (typeof index !== 'string') return fail(`table ${name}: index is not a text`);
  const pass = fields.pass ?? 0;
  if (typeof pass !== 'number' || !Number.isInteger(pass)) return fail(`table ${name}: pass is not a whole number`);
  const ranges = rangesOf(fields);
  if (typeof ranges === 'string') return fail(`table ${name}: ${ranges}`);
  return { name, index, ranges, pass: Math.max(0, pass), fields, big, latin1, line };
}

/** The ranges that the fields give, or what is wrong with them. Without any: the default plane. */
function rangesOf(fields: RatdbFields): readonly RunRange[] | string {
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

function checked(from: RatdbValue | undefined, to: RatdbValue | undefined): readonly RunRange[] | string {
  // Beyond every run number: rounding changes nothing.
  const [first, last] = [from, to].map((end) => (typeof end === 'bigint' ? Number(end) : end));
  if (!isRun(first) || !isRun(last)) return 'a run range holds something that is not a run number';
  if (first > last) return `the run range ${first} to ${last} is empty`;
  if (first < 0 && last >= 0) return `the run range ${first} to ${last} mixes the user plane with runs`;
  return [[first, Math.min(last, MAX_RUN)]];
}

function isRun(value: RatdbValue | undefined): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= -1;
}

/** Consecutive runs of a list become one range: its table is stored once per stretch. */
function listed(list: RatdbValue): readonly RunRange[] | string {
  if (!Array.isArray(list) || list.length === 0) return 'run_list is not a list of runs';
  const numbers = list.filter(isRun).filter((run) => run > 0 && run <= MAX_RUN);
  if (numbers.length < list.length) return 'run_list holds something that is not a run';
  const runs = [...new Set(numbers)].sort((a, b) => a - b);
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

/**
 * Hash of a table's contents; the order of its keys does not matter. 32 hex digits. `latin1`: the texts are other bytes
 * than the same characters in UTF-8.
 */
export function contentHash(fields: RatdbFields, latin1 = false): string {
  const hash = createHash('sha256').update(latin1 ? 'latin1:' : '');
  return hash.update(canonicalJson(fields)).digest('hex').slice(0, 32);
}

/** What `exactJson` has written. */
export function readExactJson(text: string): RatdbFields {
  return new RatdbReader(text).next()?.fields ?? {};
}

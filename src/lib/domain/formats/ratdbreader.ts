// The grammar of RATDB text as RAT's own reader takes it: JSON whose commas may be missing or doubled, whose keys need no
// quotes and may begin with digits, whose numbers have suffixes (`5u`, `1.5f`, `1.5d`) and padding, whose strings run over
// lines, and whose arrays repeat (`[0.0:4]`). JSON5 is another dialect. Works on bytes: old files are not all UTF-8.

import { cut, numberOf, type RatdbFields, type RatdbValue, unescaped } from './ratdbvalues.ts';

/** The text is not RATDB at `line:column`, both from 1. */
export class RatdbError extends Error {
  readonly line: number;
  readonly column: number;
  constructor(message: string, line: number, column: number) {
    super(message);
    this.name = 'RatdbError';
    [this.line, this.column] = [line, column];
  }
}

export interface RatdbObject {
  readonly fields: RatdbFields;
  /** Some whole number is a bigint. */
  readonly big: boolean;
  /** Texts that are not UTF-8: each byte stands as the Latin-1 character of its number. */
  readonly latin1: boolean;
  readonly line: number;
  readonly column: number;
}

/** Levels of objects and arrays within each other (real tables have three); values that repetitions may make in one text. */
const [DEPTH, REPEATED] = [200, 5_000_000];

const NUMBER = /[+-]?(?:0[xX][\da-fA-F]*|(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+|[uUdDfF])?)/y;
const WORD = /[\w$+.-]+/y;
// UTF-8's no-break space is a blank here, as it was for the reader before.
const BARE_KEY = /(?:(?!\xC2\xA0)[^\s/,:{}[\]"'\0])+/y;
const BLANK = /(?:[ \t\r\n\f\v]|\xC2\xA0)+/y;

/** Thrown within a table whose texts are not UTF-8: the table is read again as Latin-1. */
class NotUtf8 extends Error {}

/** Reads one table after another. Every method stands at `#at` and leaves it behind what it has read. */
export class RatdbReader {
  readonly #text: string;
  #at = 0;
  #latin1 = false;
  #big = false;
  #made = 0;
  /** Where the last text that runs over several lines begins: a missing quote is noticed far behind. */
  #longText: number | undefined;
  #line = { number: 1, begin: 0 };

  constructor(text: string | Uint8Array) {
    const bytes = typeof text === 'string' ? Buffer.from(text) : Buffer.from(text.buffer, text.byteOffset, text.length);
    this.#text = bytes.toString('latin1');
  }

  /** The next table, `undefined` at the end. @throws RatdbError */
  next(): RatdbObject | undefined {
    this.#skipBetween();
    if (this.#at >= this.#text.length) return undefined;
    const start = this.#at;
    if (this.#text[start] !== '{') this.#fail(this.#notATable(), start);
    const place = this.#position(start);
    [this.#big, this.#latin1, this.#longText] = [false, false, undefined];
    const fields = this.#firstAsUtf8(start);
    return { fields, big: this.#big, latin1: this.#latin1, ...place };
  }

  #firstAsUtf8(start: number): RatdbFields {
    const made = this.#made;
    try {
      return this.#object(1);
    } catch (error) {
      if (!(error instanceof NotUtf8)) throw error;
    }
    [this.#latin1, this.#at, this.#made] = [true, start, made];
    return this.#object(1);
  }

  #notATable(): string {
    const include = this.#text.startsWith('#include', this.#at);
    return include
      ? '#include is not followed: load that file by itself'
      : `a table begins with '{', not with ${this.#seen()}`;
  }

  #object(depth: number): Record<string, RatdbValue> {
    const open = this.#open(depth);
    const entries: [string, RatdbValue][] = [];
    for (;;) {
      this.#skip(true);
      const next = this.#text[this.#at];
      if (next === '}') break;
      if (next === undefined || next === ']') this.#unclosed(open, next);
      const key = this.#key();
      this.#skip(false);
      if (this.#text[this.#at] === ',' || this.#text[this.#at] === '}')
        this.#fail(`'${cut(key)}' has no value`, this.#at);
      entries.push([key, this.#value(depth)]);
    }
    this.#at++;
    return Object.fromEntries(entries);
  }

  #array(depth: number): RatdbValue[] {
    const open = this.#open(depth);
    const items: RatdbValue[] = [];
    let weight = 1;
    for (;;) {
      this.#skip(true);
      const next = this.#text[this.#at];
      if (next === ']') break;
      if (next === undefined || next === '}') this.#unclosed(open, next);
      if (next === ':') {
        this.#repeat(items, weight);
        continue;
      }
      const made = this.#made;
      items.push(this.#value(depth, open));
      weight = this.#made - made;
    }
    this.#at++;
    return items;
  }

  /** `value:4` stands for four of that value, `value:0` for none. */
  #repeat(items: RatdbValue[], weight: number): void {
    const start = this.#at++;
    this.#skip(false);
    const last = items.at(-1);
    const times = this.#value(DEPTH);
    if (last === undefined) this.#fail("there is no value before ':' to repeat", start);
    if (typeof times !== 'number' || !Number.isInteger(times) || times < 0) {
      this.#fail("after ':' in an array stands how often to repeat: a whole number", start);
    }
    this.#made += Math.max(0, times - 1) * weight;
    if (this.#made > REPEATED) this.#fail(`repetitions make more than ${REPEATED} values`, start);
    if (times === 0) items.pop();
    for (let i = 1; i < times; i++) items.push(last);
  }

  #value(depth: number, array?: number): RatdbValue {
    this.#made++;
    const next = this.#text[this.#at];
    if (next === '{') return this.#object(depth + 1);
    if (next === '[') return this.#array(depth + 1);
    if (next === '"' || next === "'") return this.#string(next);
    const number = this.#match(NUMBER);
    if (number !== undefined) return this.#number(number);
    const start = this.#at;
    const word = this.#match(WORD);
    if (word === 'true' || word === 'false') return word === 'true';
    if (word === 'null') return null;
    this.#at = start;
    if (next === undefined) this.#fail('the file ends where a value is expected', start);
    const hint = array === undefined ? '' : `; is the '[' of line ${this.#position(array).line} not closed?`;
    return this.#fail(`${this.#seen()} is not a value: a number, true, false, null, or text in quotes${hint}`, start);
  }

  /** A key and its `:`. */
  #key(): string {
    const start = this.#at;
    const quote = this.#text[start];
    const key = quote === '"' || quote === "'" ? this.#string(quote) : this.#textOf(this.#match(BARE_KEY) ?? '');
    if (this.#at === start) this.#fail(`${this.#seen()} where a key is expected${this.#afterLongText()}`, start);
    this.#skip(false);
    if (this.#text[this.#at] !== ':') this.#noColon(start, key);
    this.#at++;
    return key;
  }

  #noColon(start: number, key: string): never {
    // A value that the key touches: `5mm`.
    const before = /[\w.+-]+$/.exec(this.#text.slice(Math.max(0, start - 40), start))?.[0];
    if (before !== undefined) this.#fail(`'${before}${cut(key)}' is not a number`, start - before.length);
    return this.#fail(
      `':' is missing after '${cut(key)}', or a ',' before it is too much${this.#afterLongText()}`,
      start,
    );
  }

  #number(text: string): number | bigint {
    const start = this.#at - text.length;
    const rest = /[\d.+\-eExX]/.test(this.#text[this.#at] ?? '') ? this.#match(WORD) : '';
    const value = rest === '' ? numberOf(text) : undefined;
    if (value === undefined) return this.#fail(`'${cut(`${text}${rest}`)}' is not a number`, start);
    if (typeof value === 'string') return this.#fail(`'${cut(text)}' ${value}`, start);
    this.#big ||= typeof value === 'bigint';
    return value;
  }

  #string(quote: string): string {
    const start = this.#at;
    const end = quote.charCodeAt(0);
    for (let i = start + 1; i < this.#text.length; i++) {
      const code = this.#text.charCodeAt(i);
      if (code === 0x5c) i++;
      else if (code === 0x0a) this.#longText = start;
      else if (code === end) {
        this.#at = i + 1;
        return this.#unescaped(this.#text.slice(start + 1, i), start + 1);
      }
    }
    return this.#fail('this text is not closed: its last quote is missing', start);
  }

  #unescaped(raw: string, start: number): string {
    const text = this.#textOf(raw);
    const plain = raw.includes('\\') ? unescaped(text) : { text };
    return plain.text ?? this.#fail(plain.wrong, start);
  }

  #textOf(raw: string): string {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: everything but ASCII
    if (this.#latin1 || !/[^\x00-\x7f]/.test(raw)) return raw;
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(raw, 'latin1'));
    } catch {
      throw new NotUtf8();
    }
  }

  #open(depth: number): number {
    if (depth > DEPTH) this.#fail(`more than ${DEPTH} levels within each other`, this.#at);
    return this.#at++;
  }

  #unclosed(open: number, next: string | undefined): never {
    const { line } = this.#position(open);
    const bracket = `the '${this.#text[open]}' of line ${line} is not closed`;
    if (next === undefined) this.#fail(`${bracket}${this.#afterLongText()}`, open);
    return this.#fail(`'${next}' where ${bracket}`, this.#at);
  }

  #afterLongText(): string {
    if (this.#longText === undefined) return '';
    const { line } = this.#position(this.#longText);
    return ` (the text that begins in line ${line} runs over several lines: is its last quote missing?)`;
  }

  /** Blanks, comments and, where they separate, commas. */
  #skip(commas: boolean): void {
    for (;;) {
      const next = this.#text[this.#at];
      if (commas && next === ',') this.#at++;
      else if (next === '/') this.#comment();
      else if (this.#match(BLANK) === undefined) return;
    }
  }

  #skipBetween(): void {
    for (;;) {
      this.#skip(true);
      if (this.#text.startsWith('\xEF\xBB\xBF', this.#at)) this.#at += 3;
      else break;
    }
    // A file that was padded with zeros at its end has nothing more to say; one with a hole is damaged.
    if (this.#text[this.#at] !== '\0') return;
    if (/^\0[\0\s]*$/.test(this.#text.slice(this.#at))) this.#at = this.#text.length;
    else this.#fail('zero bytes: the file is damaged', this.#at);
  }

  #comment(): void {
    const kind = this.#text[this.#at + 1];
    if (kind !== '/' && kind !== '*') this.#fail("'/' begins neither // nor /* */", this.#at);
    const end = this.#text.indexOf(kind === '/' ? '\n' : '*/', this.#at + 2);
    if (end < 0 && kind === '*') this.#fail('this comment is not closed', this.#at);
    this.#at = end < 0 ? this.#text.length : end + (kind === '/' ? 1 : 2);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #seen(): string {
    const word = this.#match(WORD);
    if (word !== undefined) return `'${cut(word)}'`;
    const byte = this.#text[this.#at] ?? '';
    return byte >= ' ' && byte < '\x7f' ? `'${byte}'` : `byte 0x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`;
  }

  #fail(message: string, offset: number): never {
    const { line, column } = this.#position(offset);
    throw new RatdbError(message, line, column);
  }

  #position(offset: number): { line: number; column: number } {
    let { number, begin } = offset < this.#line.begin ? { number: 1, begin: 0 } : this.#line;
    for (let next = this.#text.indexOf('\n', begin); next >= 0 && next < offset; ) {
      number++;
      begin = next + 1;
      next = this.#text.indexOf('\n', begin);
    }
    this.#line = { number, begin };
    return { line: number, column: Buffer.from(this.#text.slice(begin, offset), 'latin1').toString().length + 1 };
  }
}

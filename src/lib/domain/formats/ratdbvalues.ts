// Values of RATDB: numbers and escapes as RAT reads them, and their way to JSON and back with every digit.
import type { Json } from '../doc.ts';

/** A value of a table. Whole numbers that a double would round are bigints. */
export type RatdbValue = null | boolean | number | bigint | string | RatdbValue[] | { [key: string]: RatdbValue };

export type RatdbFields = Readonly<Record<string, RatdbValue>>;

const LONG_MIN = -(2n ** 63n);
const ULONG_MAX = 2n ** 64n - 1n;

/** The number, or what is wrong with it. Padding zeros are not octal; a value beyond 64 bits is refused, as RAT does. */
export function numberOf(text: string): number | bigint | string {
  const hex = /^([+-]?)0[xX]([\da-fA-F]*)$/.exec(text);
  if (hex) return hex[2] === '' ? 'has no digits' : whole(hex[1] === '-', `0x${hex[2]}`);
  if (/^[+-]?\d{1,15}$/.test(text)) return Number(text);
  const digits = /^([+-]?)(\d+)([uU]?)$/.exec(text);
  if (digits) return whole(digits[1] === '-', digits[2] ?? '', digits[3] !== '');
  if (/[uU]$/.test(text)) return 'is not a whole number';
  const value = Number(text.replace(/[dD]([+-]?\d+)$/, 'e$1').replace(/[dDfF]$/, ''));
  return Number.isFinite(value) ? value : 'is too large for a double';
}

/** `unsigned`: a negative number stands for the unsigned one of the same 64 bits. */
function whole(negative: boolean, digits: string, unsigned = false): number | bigint | string {
  const short = digits.replace(/^0+(?=\d)/, '').replace(/^0x0+(?=.)/, '0x');
  // No 64-bit number has more digits; a BigInt of millions of them takes minutes.
  const value = short.length > 20 ? undefined : (negative ? -1n : 1n) * BigInt(short);
  if (value === undefined || value < LONG_MIN || value > ULONG_MAX) return 'does not fit in 64 bits';
  const exact = unsigned ? BigInt.asUintN(64, value) : value;
  const rounded = Number(exact);
  return Number.isSafeInteger(rounded) ? rounded : exact;
}

const ESCAPE = /\\(?:u([\da-fA-F]{4})|x([\da-fA-F]{2})|\r\n|([\s\S]))/g;

const ESCAPED: Readonly<Record<string, string>> = {
  ...{ b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '0': '\0' },
  ...{ '"': '"', "'": "'", '/': '/', '\\': '\\', '\n': '' },
};

type Unescaped = { readonly text: string } | { readonly text?: undefined; readonly wrong: string };

/** The text that a quoted text stands for, or what is wrong with it. */
export function unescaped(quoted: string): Unescaped {
  let unknown: string | undefined;
  const text = quoted.replace(ESCAPE, (all, unicode?: string, hex?: string, letter?: string) => {
    const code = unicode ?? hex;
    if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16));
    if (letter !== undefined && !Object.hasOwn(ESCAPED, letter)) unknown ??= all;
    return letter === undefined ? '' : (ESCAPED[letter] ?? '');
  });
  if (unknown !== undefined) return { wrong: `'${unknown}' is not an escape: write \\\\ for a backslash` };
  return /\p{Surrogate}/u.test(text) ? { wrong: 'this text holds half of a character' } : { text };
}

/** A long text in a message. */
export function cut(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}...` : text;
}

/** The value as JSON with every digit of its whole numbers. Whoever reads it needs a reader that keeps them. */
export function exactJson(value: RatdbValue | RatdbFields): string {
  return jsonText(value, (entries) => entries, exactNumber);
}

/** The same for equal values, whatever the order of their keys. */
export function canonicalJson(value: RatdbValue | RatdbFields): string {
  return jsonText(value, (entries) => entries.sort(([a], [b]) => (a < b ? -1 : 1)), JSON.stringify);
}

/** A double that looks like a whole number beyond 2^53 shows that it is a double: `1e+20`. */
function exactNumber(value: number): string {
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? value.toExponential() : JSON.stringify(value);
}

type Entries = [string, RatdbValue][];
type Order = (entries: Entries) => Entries;

function jsonText(value: RatdbValue | RatdbFields, order: Order, number: (value: number) => string): string {
  if (typeof value === 'bigint') return `${value}`;
  if (typeof value === 'number') return number(value);
  if (Array.isArray(value)) return `[${value.map((item) => jsonText(item, order, number)).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const fields = order(Object.entries(value)).map(([key, field]) => {
    return `${JSON.stringify(key)}:${jsonText(field, order, number)}`;
  });
  return `{${fields.join(',')}}`;
}

/** The fields as every JSON reader takes them: whole numbers beyond 2^53 are rounded. */
export function roundedFields(fields: RatdbFields): Readonly<Record<string, Json>> {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, rounded(value)]));
}

function rounded(value: RatdbValue): Json {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(rounded);
  return value !== null && typeof value === 'object' ? { ...roundedFields(value) } : value;
}

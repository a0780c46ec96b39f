// View keys as text that sorts, byte by byte, the way CouchDB sorts the keys. Strings of ASCII and of accented Latin
// letters sort exactly as in ICU's root collation. Other characters come after the letters, by code point.
import type { Json } from '../../domain/doc.ts';

/** Changes when the encoding does: what was stored by an older one is made anew. */
export const COLLATION = 2;

/** Lower than every tag, weight and digit: ends strings, numbers, arrays and objects. */
const END = '!';
/** Higher than every tag. */
const TOP = '~';
const TAG = { null: '1', false: '2', true: '3', number: '4', string: '5', array: '6', object: '7' } as const;

/** ICU's root order of what has a weight of its own in ASCII; upper and lower case share one. */
const ORDER = '\t\n\u000b\f\r _-,;:!?.\'"()[]{}@*/\\&#%`^+<=>|~$0123456789abcdefghijklmnopqrstuvwxyz';
/** Weights are the printable characters from here on. */
const FIRST_WEIGHT = 0x24;
/** Before the six hexadecimal digits of the code point of what is not in ORDER. */
const OTHER = '~';
/** ICU's order of the marks on Latin letters; the last one here stands for ligatures and eth, heavier than any mark. */
const LIGATURE = '\ue000';
const MARKS = `\u0301\u0300\u0306\u0302\u030c\u030a\u0308\u030b\u0303\u0307\u0338\u0327\u0328\u0304\u0336\u0337\u0335${LIGATURE}`;
/** Letters that Unicode does not decompose but ICU sorts as others with a mark. */
const LIKE: Readonly<Record<string, string>> = {
  æ: `a${LIGATURE}e`,
  Æ: `A${LIGATURE}E`,
  œ: `o${LIGATURE}e`,
  Œ: `O${LIGATURE}E`,
  ß: `s${LIGATURE}s`,
  ø: 'o\u0338',
  Ø: 'O\u0338',
  đ: 'd\u0335',
  Đ: 'D\u0335',
  ð: `d${LIGATURE}`,
  Ð: `D${LIGATURE}`,
  ħ: 'h\u0335',
  Ħ: 'H\u0335',
  ł: 'l\u0335',
  Ł: 'L\u0335',
};

const weights = new Map([...ORDER].map((char, rank) => [char, String.fromCharCode(FIRST_WEIGHT + rank)]));
const isMark = /^\p{M}$/u;
const isPlain = /^[\t-\r -~]*$/;

/** The three levels of a string; trailing common weights, the lowest, are left out. */
interface Levels {
  primary: string;
  accents: string;
  cases: string;
}

function plainLevels(text: string): Levels {
  let primary = '';
  let cases = '';
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const upper = code >= 0x41 && code <= 0x5a;
    primary += weights.get(upper ? String.fromCharCode(code + 32) : text.charAt(i)) ?? '';
    if (upper) cases = `${cases.padEnd(i, '0')}1`;
  }
  return { primary, accents: '', cases };
}

function anyLevels(text: string): Levels {
  const levels: Levels = { primary: '', accents: '', cases: '' };
  let count = 0;
  /** Letters whose common accent weight is already written; a mark's own weight follows that of its letter. */
  let plain = 0;
  const spread = text.normalize('NFC').replace(/[æÆœŒßøØđĐðÐħĦłŁ]/g, (char) => LIKE[char] ?? char);
  for (const char of spread.normalize('NFD')) {
    const code = char.codePointAt(0) ?? 0;
    if (char === LIGATURE || isMark.test(char)) {
      levels.accents = `${levels.accents}${'0'.repeat(count - plain)}${markWeight(char)}`;
      plain = count;
      continue;
    }
    const lower = char.toLowerCase();
    const weight = weights.get(lower) ?? (code < 0x20 || code === 0x7f ? '' : other(lower));
    if (weight === '') continue;
    if (lower !== char) levels.cases = `${levels.cases.padEnd(count, '0')}1`;
    levels.primary += weight;
    count++;
  }
  return levels;
}

function markWeight(mark: string): string {
  const rank = MARKS.indexOf(mark);
  return rank < 0 ? other(mark) : String.fromCharCode(0x31 + rank);
}

function other(lower: string): string {
  return OTHER + (lower.codePointAt(0) ?? 0).toString(16).padStart(6, '0');
}

/** Short strings and what they became: states, names, sites and times come again in thousands of keys. */
const encoded = new Map<string, string>();
const REMEMBERED = { length: 40, strings: 10_000 };

function encodeString(text: string): string {
  if (text.length > REMEMBERED.length) return encodeText(text);
  let key = encoded.get(text);
  if (key === undefined) {
    key = encodeText(text);
    if (encoded.size >= REMEMBERED.strings) encoded.clear();
    encoded.set(text, key);
  }
  return key;
}

function encodeText(text: string): string {
  if (isPlain.test(text)) {
    const { primary, cases } = plainLevels(text);
    return `${TAG.string}${primary}${END}${END}${cases}${END}`;
  }
  const { primary, accents, cases } = anyLevels(text);
  // Last, the string itself: no two strings may share a key, whatever ICU thinks of them.
  const itself = Buffer.from(text, 'utf16le').swap16().toString('hex');
  return `${TAG.string}${primary}${END}${accents}${END}${cases}${END}${itself}${END}`;
}

const ZERO = 0x30;
const bits = new DataView(new ArrayBuffer(8));

function encodeNumber(value: number): string {
  bits.setFloat64(0, value === 0 ? 0 : value);
  let high = bits.getUint32(0);
  let low = bits.getUint32(4);
  // IEEE doubles sort as integers once negative ones are inverted and positive ones moved above them.
  if (high >= 0x80000000) {
    high = ~high >>> 0;
    low = ~low >>> 0;
  } else high = (high | 0x80000000) >>> 0;
  const digits = high.toString(16).padStart(8, '0') + (low === 0 ? '' : low.toString(16).padStart(8, '0'));
  let end = digits.length;
  while (end > 0 && digits.charCodeAt(end - 1) === ZERO) end--;
  return `${TAG.number}${digits.slice(0, end)}${END}`;
}

/** The order-preserving text of a key. ASCII only, so that it sorts the same in SQLite and in JavaScript. */
export function encodeKey(key: Json): string {
  if (key === null || key === undefined) return TAG.null;
  if (typeof key === 'boolean') return key ? TAG.true : TAG.false;
  if (typeof key === 'number') return Number.isFinite(key) ? encodeNumber(key) : TAG.null;
  if (typeof key === 'string') return encodeString(key);
  if (Array.isArray(key)) return `${TAG.array}${key.map(encodeKey).join('')}${END}`;
  const pairs = Object.entries(key)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => encodeString(name) + encodeKey(value));
  return `${TAG.object}${pairs.join('')}${END}`;
}

/** Bounds of the array keys that begin with `prefix`: both ends excluded. */
export function prefixBounds(prefix: readonly Json[]): { readonly low: string; readonly high: string } {
  const start = TAG.array + prefix.map(encodeKey).join('');
  return { low: start, high: start + TOP };
}

/** `Array.sort` order of two keys. */
export function compareKeys(a: Json, b: Json): number {
  const left = encodeKey(a);
  const right = encodeKey(b);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** What `group_level` makes of a key: the first elements of an array, any other key whole, `null` at level 0. */
export function groupKey(key: Json, level: number): Json {
  if (level === 0) return null;
  return Array.isArray(key) ? key.slice(0, level) : key;
}

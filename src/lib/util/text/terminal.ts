// Text from outside (names, reasons, log lines, words of batch systems) made harmless for a terminal. The only place
// that knows which characters are not. Knows no format.
import { stripVTControlCharacters } from 'node:util';

// C0, DEL and C1 controls; marks, overrides and isolates of writing direction; line and paragraph separators.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const UNSAFE = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
/** What chalk writes: bold, dim and foreground colours. Nothing that hides text or moves the cursor. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
const COLOUR = /(\x1b\[(?:0|1|2|22|3[0-79]|9[0-7])m)/;

function escaped(char: string): string {
  const code = char.charCodeAt(0);
  return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}

/** Text that cannot break a line, a column or a terminal: a file name may hold any byte. */
export function oneLine(text: string): string {
  return text.replace(UNSAFE, (char) => (char === '\t' ? ' ' : char === '\n' ? '\\n' : escaped(char)));
}

/** Lines of somebody else's output: colours and other sequences are left out, newlines and tabs stay. */
export function manyLines(text: string): string {
  const plain = stripVTControlCharacters(text).replace(/\r+\n?/g, '\n');
  return plain.replace(UNSAFE, (char) => (char === '\n' || char === '\t' ? char : escaped(char)));
}

/** A finished page of ours: only our own colours pass. What a renderer has forgotten to clean is caught here. */
export function page(text: string): string {
  return text
    .split(COLOUR)
    .map((part, at) => (at % 2 === 1 ? part : part.replace(UNSAFE, (c) => (c === '\n' || c === '\t' ? c : escaped(c)))))
    .join('');
}

/** The same value with every string in it, keys too, on one clean line. */
export function cleaned<T>(value: T): T {
  if (typeof value === 'string') return oneLine(value) as T;
  if (Array.isArray(value)) return value.map(cleaned) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [oneLine(key), cleaned(inner)])) as T;
}

/** JSON on one line, or `indent`ed, without a character that a terminal obeys; it is read back as the same value. */
export function jsonText(value: unknown, indent = 0): string {
  return safeJson(JSON.stringify(value, null, indent));
}

/** The same for a text that is JSON already. */
export function safeJson(text: string): string {
  const escapes = (char: string) => (char === '\n' ? char : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return text.replace(UNSAFE, escapes);
}

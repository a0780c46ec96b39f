// Nothing from outside can command a terminal.
import { expect, test } from 'vitest';
import { whyText } from '../../../src/lib/render/why.ts';
import { cleaned, jsonText, manyLines, oneLine, page } from '../../../src/lib/util/text/terminal.ts';

const EVIL = 'a\x1b]0;PWNED\x07b\u009b31mc\u202ed\ne';
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be left
const LEFT = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/;

test('a cell stays on its line', () => {
  expect(oneLine(EVIL)).toBe('a\\x1b]0;PWNED\\x07b\\x9b31mc\\u202ed\\ne');
});

test('a log keeps its lines and loses its sequences', () => {
  expect(manyLines('\x1b[31mred\x1b[0m\r\n10 %\r20 %\x1b]52;c;x\x07\tend')).toBe('red\n10 %\n20 %\tend');
  expect(manyLines(EVIL)).not.toMatch(LEFT);
});

test('of a page only our own colours pass', () => {
  expect(page('\x1b[31mred\x1b[39m \x1b[8mhidden\x1b[2J')).toBe('\x1b[31mred\x1b[39m \\x1b[8mhidden\\x1b[2J');
});

test('values are cleaned at every depth, JSON is read back as it was', () => {
  expect(JSON.stringify(cleaned({ a: [EVIL], [EVIL]: 1, n: null }))).not.toMatch(LEFT);
  expect(jsonText({ EVIL })).not.toMatch(LEFT);
  expect(JSON.parse(jsonText({ EVIL }))).toEqual({ EVIL });
});

test('every part of the answer of why is clean', () => {
  const gate = { gate: EVIL, ok: false, text: EVIL, next: EVIL };
  const text = whyText({ ref: EVIL, about: EVIL, state: EVIL, verdict: EVIL, gates: [gate], next: [EVIL] } as never);
  expect(text.split('\n').length).toBe(4);
  expect(page(text)).toBe(text);
});

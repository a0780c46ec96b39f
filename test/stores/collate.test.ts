// The text encoding of view keys sorts as CouchDB does: against Intl.Collator for strings, by its rules for the rest.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Json } from '../../src/lib/domain/doc.ts';
import { compareKeys, encodeKey, groupKey, prefixBounds } from '../../src/lib/stores/shared/collate.ts';
import { ORDERED_KEYS } from '../contracts/things.ts';

const icu = new Intl.Collator('und');

/** Latin letters that are taken for exact; the few others are named in collate.ts as approximated. */
const LATIN = Array.from({ length: 0x180 - 0xc0 }, (_, i) => String.fromCharCode(0xc0 + i)).filter(
  (char) => !'×÷ıĸŀĿŉŊŋŦŧſĲĳ'.includes(char),
);
const ASCII = Array.from({ length: 0x7f - 0x20 }, (_, i) => String.fromCharCode(0x20 + i));
const text = fc.string({
  unit: fc.oneof(fc.constantFrom(...'abABoOdl01 -_:.'), fc.constantFrom(...ASCII), fc.constantFrom(...LATIN)),
  maxLength: 6,
});

test('strings of ASCII and Latin letters sort as ICU sorts them', () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      const expected = Math.sign(icu.compare(a, b));
      // Strings that ICU calls equal stay apart, but next to each other.
      if (expected !== 0) expect(compareKeys(a, b)).toBe(expected);
      else if (a !== b) expect(compareKeys(a, b)).not.toBe(0);
    }),
    { numRuns: 20_000 },
  );
});

const json: fc.Arbitrary<Json> = fc.letrec<{ any: Json }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    fc.string({ unit: 'binary', maxLength: 5 }),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(text, tie('any'), { maxKeys: 2, noNullPrototype: true }),
  ),
})).any;

function rank(key: Json): number {
  if (key === null) return 0;
  if (typeof key === 'boolean') return key ? 2 : 1;
  return typeof key === 'number' ? 3 : typeof key === 'string' ? 4 : Array.isArray(key) ? 5 : 6;
}

/** CouchDB's rules, written down a second time; strings by the code under test, which is tested above. */
function byRules(a: Json, b: Json): number {
  if (rank(a) !== rank(b)) return Math.sign(rank(a) - rank(b));
  if (typeof a === 'number' && typeof b === 'number') return a < b ? -1 : a > b ? 1 : 0;
  if (typeof a === 'string') return compareKeys(a, b);
  if (typeof a !== 'object' || a === null) return 0;
  const [left, right] = [a, b].map((each) => (Array.isArray(each) ? each : Object.entries(each as object).flat())) as [
    Json[],
    Json[],
  ];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const order = byRules(left[i]!, right[i]!);
    if (order !== 0) return order;
  }
  return Math.sign(left.length - right.length);
}

test('keys of every type sort by the rules, in JavaScript and as bytes', () => {
  fc.assert(
    fc.property(json, json, (a, b) => {
      const [left, right] = [encodeKey(a), encodeKey(b)];
      expect(compareKeys(a, b)).toBe(byRules(a, b));
      expect(Math.sign(Buffer.compare(Buffer.from(left), Buffer.from(right)))).toBe(compareKeys(a, b));
      expect(left).toMatch(/^[!-~]*$/);
    }),
    { numRuns: 5000 },
  );
});

test('the list of the contract is in order, pair by pair', () => {
  for (const [i, a] of ORDERED_KEYS.entries()) {
    for (const [j, b] of ORDERED_KEYS.entries()) {
      expect(compareKeys(a, b), `${JSON.stringify(a)} ${JSON.stringify(b)}`).toBe(Math.sign(i - j));
    }
  }
});

test('prefix bounds hold exactly the arrays that begin so', () => {
  fc.assert(
    fc.property(fc.array(json, { maxLength: 2 }), json, (prefix, key) => {
      const { low, high } = prefixBounds(prefix);
      const inside = encodeKey(key) > low && encodeKey(key) < high;
      const begins =
        Array.isArray(key) && prefix.length <= key.length && prefix.every((e, i) => compareKeys(e, key[i]!) === 0);
      expect(inside).toBe(begins);
      expect(encodeKey([...prefix, key]) > low && encodeKey([...prefix, key]) < high).toBe(true);
    }),
  );
  expect(groupKey(['a', 1, 2], 2)).toEqual(['a', 1]);
  expect(groupKey('a', 2)).toBe('a');
  expect(groupKey(['a'], 0)).toBeNull();
});

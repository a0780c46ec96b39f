// When a level of a run is complete, and what keeps it open.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { completeness, type LevelFacts } from '../../src/lib/domain/runs/completeness.ts';
import { MINUTE } from '../../src/lib/util/time.ts';

const QUIET = 10 * MINUTE;
const facts: LevelFacts = { subruns: [0, 1, 2], open: [], unusable: [], ended: false, quiet: 0 };

describe('evidence', () => {
  test.each([
    [{ later: 109135 }, '109135 seen'],
    [{ ended: true }, 'end marker'],
    [{ quiet: QUIET }, 'quiet for 10m'],
  ])('%j', (more, evidence) => {
    expect(completeness({ ...facts, ...more }, QUIET)).toEqual({ complete: true, subruns: [0, 1, 2], evidence });
  });
  test('without any it waits, and nothing is to blame', () => {
    expect(completeness({ ...facts, quiet: QUIET - 1 }, QUIET)).toEqual({ complete: false, gap: false });
  });
});

describe('what blocks is named', () => {
  const later = { ...facts, later: 9 };
  test.each<[string, Partial<LevelFacts>, string, boolean]>([
    ['a gap', { subruns: [0, 2] }, 'subrun 001 missing', true],
    ['the first', { subruns: [2, 3] }, 'subruns 000-001 missing', true],
    ['gaps', { subruns: [0, 2, 7] }, 'subruns 001, 003-006 missing', true],
    ['an absurd subrun', { subruns: [0, 999_999_999] }, 'subruns 001-999999998 missing', true],
    ['the first, where others count from 0', { subruns: [1, 2], first: 0 }, 'subrun 000 missing', true],
    ['an open file', { open: ['r_003.dat'] }, 'r_003.dat still open', false],
    ['many', { open: ['a', 'b', 'c', 'd'] }, 'a still open; b still open; 2 more files open', false],
    ['a damaged last file', { unusable: [{ subrun: 3, reason: 'damaged' }] }, 'subrun 003 damaged', true],
    [
      'damaged and missing',
      { unusable: [{ subrun: 4, reason: 'empty' }], open: ['x'] },
      'subrun 003 missing; subrun 004 empty; x still open',
      true,
    ],
  ])('%s', (_, more, blocked, gap) => {
    expect(completeness({ ...later, ...more }, QUIET)).toEqual({ complete: false, blocked, gap });
  });
  test('a good file in the place of a damaged one frees the run', () => {
    expect(completeness({ ...later, unusable: [{ subrun: 2, reason: 'damaged' }] }, QUIET).complete).toBe(true);
  });
  test('subruns may count from 1', () => {
    expect(completeness({ ...later, subruns: [2, 1] }, QUIET)).toMatchObject({ complete: true, subruns: [1, 2] });
  });
  test('no file at all is never complete', () => {
    expect(completeness({ ...later, subruns: [], ended: true, quiet: 10 * QUIET }, QUIET).complete).toBe(false);
  });
});

test('never complete with a gap, an open or an unusable file, whatever else is seen', () => {
  const subrun = fc.integer({ min: 0, max: 12 });
  const row = fc
    .tuple(subrun, subrun)
    .map(([from, n]) => Array.from({ length: n }, (_, i) => (from % 3) + i).reverse());
  const rarely = <T>(list: fc.Arbitrary<T[]>): fc.Arbitrary<T[]> =>
    fc.oneof({ weight: 3, arbitrary: fc.constant<T[]>([]) }, { weight: 1, arbitrary: list });
  const arbitrary = fc.record({
    subruns: fc.oneof(row, fc.array(subrun, { maxLength: 14 })),
    open: rarely(fc.array(fc.constantFrom('a', 'b'), { maxLength: 2 })),
    unusable: rarely(fc.array(fc.record({ subrun, reason: fc.constantFrom('empty', 'damaged') }), { maxLength: 2 })),
    ended: fc.boolean(),
    quiet: fc.integer({ min: 0, max: 2 * QUIET }),
    more: fc.constantFrom<Partial<LevelFacts>>({}, { first: 0 }, { first: 1 }, { later: 9 }, { later: 9, first: 0 }),
  });
  let complete = 0;
  fc.assert(
    fc.property(arbitrary, ({ more, ...rest }) => {
      const given: LevelFacts = { ...rest, ...more };
      const verdict = completeness(given, QUIET);
      if (!verdict.complete) return;
      complete++;
      const { subruns } = verdict;
      expect(new Set(subruns)).toEqual(new Set(given.subruns));
      expect(subruns[0]).toBeLessThanOrEqual(given.first ?? 1);
      expect(subruns).toEqual(subruns.map((_, i) => (subruns[0] ?? 0) + i));
      expect(given.open).toEqual([]);
      expect(given.unusable.every((file) => subruns.includes(file.subrun))).toBe(true);
      expect(given.ended || given.later !== undefined || given.quiet >= QUIET).toBe(true);
    }),
    { numRuns: 3000 },
  );
  expect(complete).toBeGreaterThan(200);
});

// What a request will take: medians and means from counted steps, the nearest version, the time on some slots.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { estimateOf, type Measured, nearest, spreadOf } from '../../../src/lib/domain/jobs/requests/estimate.ts';

/** As the view counts it. */
const stepOf = (value: number): number => (value > 0 ? Math.round((64 * Math.log(value)) / Math.LN2) : -9999);

describe('spread', () => {
  test('of any measured values: mean and median within a step of the true ones, in order, of so many passes', () => {
    const values = fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0.01, max: 1e12, noNaN: true })), {
      minLength: 1,
    });
    fc.assert(
      fc.property(values, (all) => {
        const counts = new Map<number, number>();
        for (const value of all) counts.set(stepOf(value), (counts.get(stepOf(value)) ?? 0) + 1);
        const spread = spreadOf([...counts])!;
        const sorted = all.toSorted((a, b) => a - b);
        const close = (found: number, value: number): boolean => Math.abs(found - value) <= 0.006 * value + 1e-9;
        expect(spread.passes).toBe(all.length);
        expect(close(spread.mean, all.reduce((a, b) => a + b, 0) / all.length)).toBe(true);
        expect(close(spread.median, sorted[Math.ceil(all.length / 2) - 1]!)).toBe(true);
        expect(spread.low).toBeLessThanOrEqual(spread.median);
        expect(spread.median).toBeLessThanOrEqual(spread.high);
      }),
    );
  });

  test('of nothing there is none', () => {
    expect(spreadOf([])).toBeUndefined();
    expect(spreadOf([[3, 0]])).toBeUndefined();
  });
});

describe('nearest version', () => {
  test.each([
    ['7.0.8', ['7.0.8', '7.0.9'], '7.0.8'],
    ['7.0.8', ['6.9.9', '7.0.1', '7.1.0'], '7.0.1'],
    ['7.0.8', ['7.0.7', '7.0.9'], '7.0.9'],
    ['7.0.8', ['7.0.10', '7.0.2'], '7.0.10'],
    ['7.0.8', ['5.0', '9.0'], '9.0'],
    ['7.0.8-rc1', ['7.0.8-rc2', '7.0.9'], '7.0.8-rc2'],
    ['7.0.8', [], undefined],
  ])('of %s among %j: %s', (version, known, found) => {
    expect(nearest(version, known)).toBe(found);
  });

  test('one of the known ones, whatever their order', () => {
    const version = fc.stringMatching(/^\d{1,2}(\.\d{1,2}){0,3}(-[a-z]{1,3}\d?)?$/);
    fc.assert(
      fc.property(version, fc.uniqueArray(version, { minLength: 1, maxLength: 6 }), (asked, known) => {
        const found = nearest(asked, known)!;
        expect(known).toContain(found);
        expect(nearest(asked, known.toReversed())).toBe(found);
        if (known.includes(asked)) expect(found).toBe(asked);
      }),
    );
  });
});

describe('estimate', () => {
  const even = (value: number, passes = 5) => ({ passes, mean: value, low: value, median: value, high: value });
  const seen = (version: string, wall: number): Measured => ({
    version,
    cpu: even(wall / 2),
    wall: even(wall),
    bytes: even(1000),
  });
  const needs = (module: string): string[] => (module === 'Analysis40' ? ['Processing'] : []);
  const ask = (slots: number, jobs = 100) =>
    estimateOf({
      version: '7.0.9',
      wanted: [
        { module: 'Processing', passes: 10, jobs },
        { module: 'Analysis40', passes: 10, jobs: 10 },
        { module: 'DQ', passes: 10, jobs: 10 },
      ],
      measured: new Map([
        ['Processing', [seen('7.0.8', 3600), seen('6.0.0', 1)]],
        ['Analysis40', [seen('7.0.9', 1800)]],
      ]),
      slots,
      needs,
    });

  test('by module from its own version or the nearest, and in sum without those that nobody measured', () => {
    const found = ask(10);
    expect(found.modules.map(({ module, from, measured, cpu }) => [module, from, measured, cpu])).toEqual([
      ['Processing', '7.0.8', 5, 180_000],
      ['Analysis40', '7.0.9', 5, 9_000],
      ['DQ', undefined, 0, undefined],
    ]);
    expect(found).toMatchObject({ passes: 30, jobs: 120, cpu: 189_000, wall: 378_000, bytes: 110_000 });
    expect(found.unmeasured).toEqual(['DQ']);
  });

  test('the time: all jobs over the slots, never less than one of each module after the other, none without slots', () => {
    expect(ask(10).takes).toBe(37_800);
    expect(ask(100_000).takes).toBe(5400);
    expect(ask(0).takes).toBeUndefined();
  });

  test('more jobs never take less', () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.nat(10_000), fc.integer({ min: 1, max: 500 }), (one, more, slots) => {
        const [few, many] = [ask(slots, one), ask(slots, one + more)];
        expect(many.cpu).toBeGreaterThanOrEqual(few.cpu);
        expect(many.takes!).toBeGreaterThanOrEqual(few.takes!);
      }),
    );
  });
});

// How far a request is: every pass counts once, and the rate is that of late.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Hours, progressOf, rateOf } from '../../../src/lib/domain/jobs/requests/progress.ts';
import { PASS_STATES } from '../../../src/lib/domain/jobs/states.ts';
import { HOUR, iso, ms } from '../../../src/lib/util/time.ts';

const NOW = '2026-07-14T12:30:00.000Z';
const created = '2026-07-01T00:00:00.000Z';
const doc = (passes: number, made: string | undefined = created) => ({
  plan: Array(passes).fill({ run: 1, module: 'M', pass: 1, needs: [] }),
  created,
  ...(made === undefined ? {} : { made }),
});
const ago = (hours: number): string => iso(ms(NOW) - hours * HOUR).slice(0, 13);

describe('progress', () => {
  test('every pass is one of: completed, failed, at a farm, waiting, given up, not made', () => {
    const counts = fc.record(Object.fromEntries(PASS_STATES.map((state) => [state, fc.nat(50)])));
    fc.assert(
      fc.property(counts, fc.nat(50), (states, unmade) => {
        const passes = Object.values(states).reduce((a, b) => a + b, 0) + unmade;
        const found = progressOf(doc(passes), states, [[ago(1), 20]], NOW);
        const { completed, failed, active, waiting, given } = found;
        expect(completed + failed + active + waiting + given + found.unmade).toBe(passes);
        expect(found.unmade).toBe(unmade);
        const open = active + waiting + unmade;
        expect(found.left === undefined).toBe(open === 0);
        if (open > 0) expect(found.left).toBeCloseTo((open / found.rate!) * HOUR);
      }),
    );
  });

  test.each([
    ['being made', undefined, { completed: 1 }],
    ['done', created, { completed: 4 }],
    ['open', created, { completed: 3, failed: 1 }],
    ['open', created, { completed: 3, waiting: 1 }],
    ['ended', created, { completed: 3, canceled: 1 }],
  ])('%s', (state, made, states) => {
    const found = { ...doc(4), made } as ReturnType<typeof doc>;
    if (made === undefined) delete (found as { made?: string }).made;
    expect(progressOf(found, states, [], NOW).state).toBe(state);
  });
});

describe('rate', () => {
  test('of the shortest time in which enough completed: what happened last week does not count then', () => {
    const hours: Hours = [
      [ago(100), 100_000],
      [ago(2), 30],
      [ago(1), 30],
    ];
    // Three hours ago is 09:30; the hours from 09:00 on count, which are three and a half.
    expect(rateOf(hours, created, NOW)).toBeCloseTo(60 / 3.5);
  });

  test('of a slow one over the week; of one that stands still for a week nothing is said', () => {
    expect(rateOf([[ago(90), 2]], created, NOW)).toBeCloseTo(2 / 168.5);
    expect(rateOf([[ago(200), 500]], created, NOW)).toBeUndefined();
    expect(rateOf([], created, NOW)).toBeUndefined();
  });

  test('of a young one since it was made, and never of no time at all', () => {
    const young = iso(ms(NOW) - HOUR / 2);
    expect(rateOf([[ago(0), 10]], young, NOW)).toBeCloseTo(20);
    expect(rateOf([[ago(0), 10]], NOW, NOW)).toBe(600);
  });
});

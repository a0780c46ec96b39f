// What a loop says to people: a reason once, what is like the round before not at all, and that things are back.
import { expect, test } from 'vitest';
import { Lines, type RoundEnd } from '../../src/lib/cli/loop/lines.ts';
import { endingOf, loopOf, restAfter } from '../../src/lib/domain/farms/loops.ts';
import { HOUR, MINUTE, SECOND } from '../../src/lib/util/time.ts';

const loop = loopOf({ run: ['transfer'], every: MINUTE });

/** Says rounds that begin one after another. */
function speaker(): (exit: number | undefined, more?: Partial<RoundEnd>) => string | undefined {
  const lines = new Lines();
  let began = 0;
  let inARow = 0;
  return (exit, more = {}) => {
    const ending = endingOf(exit);
    inARow = ending === 'well' || ending === 'busy' ? 0 : inARow + 1;
    const rest = restAfter(loop, exit, inARow);
    const end = { took: SECOND, stderr: '', ...(exit === undefined ? {} : { exit }), ...more };
    const said = lines.round({ loop, end, ending, began, rest });
    began += rest;
    return said;
  };
}

const report = (did: Record<string, number>, more = {}): Partial<RoundEnd> => ({
  report: { did, failed: 0, outcome: 'ok', mistyped: false, noted: true, ...more },
});

test.each([3, 4, 5])('exit %d: the reason once, then that it is back and for how long it was away', (exit) => {
  const say = speaker();
  expect(say(0, report({ verified: 3 }))).toBe('3 verified (1.0s)');
  const away = report({}, { error: 'the server is away', next: 'dflow why disk' });
  const first = say(exit, away);
  expect(first).toBe(`the server is away (exit ${exit}, 1.0s); next try in 2m, then less often; Next: dflow why disk`);
  expect([say(exit, away), say(exit, away), say(exit, away)]).toEqual([undefined, undefined, undefined]);
  // 2 + 4 + 8 + 15 minutes, and it is told even where the round does what it did before.
  expect(say(0, report({ verified: 3 }))).toBe('(3 more rounds as before) back again after 29m: 3 verified (1.0s)');
});

test('another reason is said; who waits for a turn is not away', () => {
  const say = speaker();
  expect(say(3, report({}, { error: 'the store is locked' }))).toContain('the store is locked');
  expect(say(5, report({}, { error: 'the tape is away' }))).toContain('the tape is away');
  expect(say(75, report({}, { error: 'another one has the turn' }))).toMatch(
    /^back again after .*another one has the turn/,
  );
  expect(say(75, report({}, { error: 'another one has the turn' }))).toBeUndefined();
});

test('a round that was killed says by what', () => {
  expect(speaker()(undefined, { signal: 'SIGKILL' })).toMatch(/^ended without a word \(killed by SIGKILL\)/);
});

test('a rest doubles up to 15 minutes, also for a loop that runs once a day', () => {
  const rests = [1, 2, 3, 4, 5, 6].map((inARow) => restAfter(loop, 3, inARow));
  expect(rests).toEqual([2, 4, 8, 15, 15, 15].map((minutes) => minutes * MINUTE));
  expect(restAfter({ every: 24 * HOUR }, 5, 1)).toBe(15 * MINUTE);
});

// Two looks, and times that are believed or not.
import { describe, expect, test } from 'vitest';
import { isCopied, quietOf, settling, stillness } from '../../src/lib/domain/data/settled.ts';
import { iso, MINUTE, plus, SECOND } from '../../src/lib/util/time.ts';

const NOW = '2026-07-14T12:00:00.000Z';
const rules = { settle: MINUTE, quiet: 10 * MINUTE, now: NOW };
const ago = (time: number): string => iso(Date.parse(NOW) - time);
const DAY_OLD = { modified: ago(24 * 60 * MINUTE), changed: ago(24 * 60 * MINUTE) };

describe('a file', () => {
  test.each([
    ['written a moment ago', { modified: ago(SECOND), changed: ago(SECOND) }, undefined, 'written'],
    ['old by its times, never seen', DAY_OLD, undefined, 'waiting'],
    ['old by its times, seen too short a while ago', DAY_OLD, ago(MINUTE - 1), 'waiting'],
    ['old by its times, seen long enough ago', DAY_OLD, ago(MINUTE), 'settled'],
    [
      'dated back after its last write, seen 30 s ago',
      { ...DAY_OLD, changed: ago(40 * SECOND) },
      ago(30 * SECOND),
      'settled',
    ],
    ['dated back, seen 29 s ago', { ...DAY_OLD, changed: ago(40 * SECOND) }, ago(29 * SECOND), 'waiting'],
    ['without ctime, seen 59 s ago', { modified: DAY_OLD.modified }, ago(59 * SECOND), 'waiting'],
    ['of 1970', { modified: iso(0), changed: ago(MINUTE * 2) }, ago(MINUTE), 'odd'],
    ['of 1980', { modified: '1980-01-01T12:00:00.000Z' }, ago(MINUTE), 'odd'],
    ['of 1980, never seen', { modified: '1980-01-01T12:00:00.000Z' }, undefined, 'waiting'],
    ['a little in the future', { modified: plus(NOW, MINUTE) }, ago(MINUTE), 'written'],
    ['of next year', { modified: '2027-07-14T12:00:00.000Z' }, ago(MINUTE), 'odd'],
  ])('%s', (_, times, seen, is) => expect(settling(times, seen, rules).is).toBe(is));

  test('a short settle time is never undercut', () => {
    expect(stillness({ ...DAY_OLD, changed: NOW }, 10 * SECOND)).toBe(10 * SECOND);
    expect(stillness({ ...DAY_OLD, changed: NOW }, 5 * MINUTE)).toBe(30 * SECOND);
  });
  test('a server whose clock is behind makes no copies', () => expect(isCopied(DAY_OLD, MINUTE)).toBe(false));
});

test('copied runs are quiet sooner, never later', () => {
  expect(quietOf({ copied: true }, 10 * MINUTE)).toBe(45 * SECOND);
  expect(quietOf({ copied: true }, SECOND)).toBe(SECOND);
  expect(quietOf({}, 10 * MINUTE)).toBe(10 * MINUTE);
});

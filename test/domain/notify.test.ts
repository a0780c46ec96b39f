// Rules of notify: what is told, told again, over; quiet hours, rates, two notifiers. Pure.
import { expect, test } from 'vitest';
import { claimed, type NotifyDoc, type Plan, planOf, told } from '../../src/lib/domain/notify/memory.ts';
import { keyOf, type Problem, TROUBLES, troubleOf } from '../../src/lib/domain/notify/problem.ts';
import { concerns, isQuiet, type NotifyRule, parseQuiet } from '../../src/lib/domain/notify/rule.ts';
import { lowEfficiency, type SampleDoc, sampled } from '../../src/lib/domain/storage/efficiency.ts';
import { DAY, HOUR, iso, MINUTE, plus } from '../../src/lib/util/time.ts';

const T0 = '2026-07-14T12:00:00.000Z';
const rule: NotifyRule = { name: 'shifters', on: TROUBLES, mail: ['a@b'], urgent: ['buffer'], every: 0, repeat: DAY };

function problem(key: string, more: Partial<Problem> = {}): Problem {
  return { key, kind: 'failed', text: key, next: [], count: 1, refs: [], runs: [], modules: [], farms: [], ...more };
}

const keys = (plan: Plan) => [
  plan.fresh.map(({ key }) => key),
  plan.again.map(({ key }) => key),
  plan.ended.map(([key]) => key),
];
const plan = (
  doc: NotifyDoc | undefined,
  problems: Problem[],
  now = T0,
  more: Partial<NotifyRule> = {},
  minute = 720,
) => planOf(doc, problems, { ...rule, ...more }, { now, minute });

/** The document after a round. */
function after(problems: Problem[], now = T0, before?: NotifyDoc): NotifyDoc {
  const claim = claimed(before, rule, { nonce: 'n', by: 'x@a', now }) as NotifyDoc;
  return told(claim, plan(before, problems, now), problems, now);
}

test('new once, again after its time or when it has grown tenfold, its end once', () => {
  const a = problem('a');
  expect(keys(plan(undefined, [a]))).toEqual([['a'], [], []]);
  const doc = after([a]);
  expect(keys(plan(doc, [a], plus(T0, HOUR)))).toEqual([[], [], []]);
  expect(keys(plan(doc, [problem('a', { count: 10 })], plus(T0, HOUR)))).toEqual([[], ['a'], []]);
  expect(keys(plan(doc, [a, problem('b')], plus(T0, DAY)))).toEqual([['b'], ['a'], []]);
  expect(keys(plan(doc, [], plus(T0, HOUR)))).toEqual([[], [], ['a']]);
  expect(after([], plus(T0, HOUR), doc).said).toEqual({});
});

test('what happened before the rule existed is not told; what happens after is told once and has no end', () => {
  const done = problem('request-done x', { once: true, kind: 'request-done' });
  expect(keys(plan(undefined, [done]))).toEqual([[], [], []]);
  const doc = after([done, problem('a')]);
  const next = problem('request-done y', { once: true, kind: 'request-done' });
  expect(keys(plan(doc, [done, next, problem('a')]))).toEqual([['request-done y'], [], []]);
  const later = after([done, next, problem('a')], T0, doc);
  expect(keys(plan(later, [problem('a')], plus(T0, HOUR)))).toEqual([[], [], []]);
});

test('at most one message in a time, nothing but what is urgent in quiet hours; neither is lost', () => {
  const doc = after([problem('a')]);
  const both = [problem('a'), problem('b')];
  const soon = plan(doc, both, plus(T0, MINUTE), { every: 15 * MINUTE });
  expect([keys(soon), soon.wait]).toEqual([[[], [], []], expect.stringContaining('2026-07-14T12:15')]);
  expect(keys(plan(doc, both, plus(T0, HOUR), { every: 15 * MINUTE }))).toEqual([['b'], [], []]);
  const quiet = { quiet: { from: 1320, to: 420 } };
  const night = plan(doc, both, plus(T0, HOUR), quiet, 1400);
  expect([keys(night), night.wait]).toEqual([[[], [], []], 'quiet until 07:00']);
  expect(keys(plan(doc, [...both, problem('full', { kind: 'buffer' })], plus(T0, HOUR), quiet, 60))).toEqual([
    ['full'],
    [],
    [],
  ]);
  expect(keys(plan(doc, both, plus(T0, HOUR), quiet, 420))).toEqual([['b'], [], []]);
});

test('of two notifiers one sends; a dead one is replaced after five minutes', () => {
  const first = claimed(undefined, rule, { nonce: 'n', by: 'notify@a', now: T0 }) as NotifyDoc;
  const other = { nonce: 'm', by: 'notify@b', now: plus(T0, MINUTE) };
  expect(claimed(first, rule, other)).toBe('notify@a is sending it');
  expect(claimed(first, rule, { ...other, now: plus(T0, 6 * MINUTE) })).toMatchObject({ sending: { nonce: 'm' } });
});

test('a selection narrows what is about runs, modules and farms, and lets other things pass', () => {
  const chosen = { ...rule, modules: ['Ana*'], runs: [[100, 200]] as const, farms: ['cedar'] };
  const of = (more: Partial<Problem>): boolean => concerns(chosen, problem('x', more));
  expect(of({ modules: ['Analysis40'], runs: [7, 150], farms: ['cedar'] })).toBe(true);
  expect(of({ modules: ['Processing'], runs: [150] })).toBe(false);
  expect(of({ modules: ['Analysis40'], runs: [7] })).toBe(false);
  expect(of({ farms: ['graham'] })).toBe(false);
  expect(of({})).toBe(true);
  expect(concerns({ ...rule, on: ['buffer'] }, problem('x'))).toBe(false);
  expect(
    [undefined, 3, 6].map((days) => concerns({ ...rule, ...(days && { days }) }, problem('x', { daysLeft: 5 }))),
  ).toEqual([false, false, true]);
});

test('hours of the day', () => {
  expect(parseQuiet('22:00-07:30')).toEqual({ from: 1320, to: 450 });
  for (const wrong of ['22-7', '25:00-07:00', '07:00-07:00', 'night']) expect(parseQuiet(wrong)).toBeUndefined();
  expect([0, 449, 450, 1319, 1320].map((at) => isQuiet({ from: 1320, to: 450 }, at))).toEqual([
    true,
    true,
    false,
    false,
    true,
  ]);
  expect(isQuiet({ from: 60, to: 120 }, 90)).toBe(true);
});

test('a problem keeps its key while its numbers change; two places are two problems', () => {
  expect(keyOf('loop-silent', 'login1: submit has not run for 41m')).toBe(
    keyOf('loop-silent', 'login1: submit has not run for 2h'),
  );
  expect(keyOf('loop-silent', 'login1: submit has not')).not.toBe(keyOf('loop-silent', 'login2: submit has not'));
  expect(keyOf('buffer', 'buffer L1 91 % full, 3 days left')).toBe(keyOf('buffer', 'buffer L1 92 % full'));
  expect(keyOf('loop-failed', 'transfer on a failed 2m ago: x')).toBe(
    keyOf('loop-failed', 'transfer on a failed 9m ago: y'),
  );
  expect(keyOf('todo', '3 runs')).toBe(keyOf('todo', '4 runs'));
  expect([troubleOf('lost'), troubleOf('loop-anything'), troubleOf('new-way')]).toEqual(['data', 'silent', 'stuck']);
});

test("SNO+'s alarms: three hours running under 0.90, or a mean of six under 0.75", () => {
  const rules = { hours: 3, low: 0.9, meanHours: 6, mean: 0.75 };
  const hours = (...rates: number[]): SampleDoc => {
    const list = rates.map((rate, at) => ({
      hour: iso(Date.parse(T0) - (rates.length - at) * HOUR).slice(0, 13),
      ok: rate * 100,
      failed: 100 - rate * 100,
    }));
    return { _id: 'sample:ral', kind: 'sample', v: 1, name: 'ral', hours: list };
  };
  expect(lowEfficiency(hours(1, 1, 1, 0.8, 0.8, 0.8), rules, T0)).toContain(
    '80 % of the transfers worked in the last 3 hours',
  );
  expect(lowEfficiency(hours(1, 1, 1, 0.8, 0.95, 0.8), rules, T0)).toBeUndefined();
  expect(lowEfficiency(hours(0, 0.2, 1, 1, 1, 1), rules, T0)).toContain('70 % of 600 transfers');
  expect(lowEfficiency(hours(), rules, T0)).toBeUndefined();
  let doc = sampled(undefined, 'ral', { ok: 3, failed: 1 }, T0);
  doc = sampled(doc, 'ral', { ok: 2, failed: 0 }, plus(T0, MINUTE));
  expect(doc.hours).toEqual([{ hour: '2026-07-14T12', ok: 5, failed: 1 }]);
  for (let hour = 0; hour < 60; hour++) doc = sampled(doc, 'ral', { ok: 1, failed: 0 }, plus(T0, hour * HOUR));
  expect(doc.hours).toHaveLength(48);
});

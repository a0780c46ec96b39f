import { expect, test } from 'vitest';
import type { LoopPlan } from '../../../src/lib/domain/farms/farm.ts';
import { endingOf, loopOf, loopState, loopTroubles, restAfter, startOf } from '../../../src/lib/domain/farms/loops.ts';
import { MINUTE, plus } from '../../../src/lib/util/time.ts';

const T0 = '2026-07-14T06:00:00.000Z';

test('a loop is named by its command, and each step has its own pace', () => {
  expect(loopOf({ run: ['monitor', 'poll', '--site', 'cedar'] })).toEqual({
    ...{ name: 'monitor-poll', run: ['monitor', 'poll', '--site', 'cedar'] },
    ...{ every: MINUTE, jitter: 0.1 },
  });
  expect(loopOf({ run: ['register'] }).every).toBe(15 * MINUTE);
  expect(loopOf({ name: 'mine', run: ['status'], every: 5, exclusive: 'x' })).toMatchObject({
    every: 5,
    exclusive: 'x',
  });
});

test('what is away is asked ever more rarely, and at least every quarter of an hour', () => {
  const each = [1, 2, 3, 4, 9, 1000].map((inARow) => restAfter({ every: MINUTE }, 5, inARow) / MINUTE);
  expect(each).toEqual([2, 4, 8, 15, 15, 15]);
  expect([0, 1, 75].map((exit) => restAfter({ every: MINUTE }, exit, 3))).toEqual([MINUTE, MINUTE, MINUTE]);
  // A loop that would spin rests as well; a rare one tries again before its day is over.
  expect(restAfter({ every: 0 }, 70, 1)).toBe(2000);
  expect(restAfter({ every: 24 * 60 * MINUTE }, 3, 1)).toBe(15 * MINUTE);
  expect([0, 1, 2, 3, 4, 5, 75, 70, 143, undefined].map(endingOf)).toEqual([
    ...['well', 'well', 'away', 'away', 'away', 'away', 'busy', 'broken', 'broken', 'broken'],
  ]);
});

test('how a loop stands follows from its sign of life', () => {
  const plan: LoopPlan = {
    ...{ command: 'submit', every: MINUTE, jitter: 0.1, pid: 7, since: T0, at: T0, due: plus(T0, MINUTE) },
  };
  const doc = { _id: 'loop:h:submit', kind: 'loop', v: 1, host: 'h', loop: 'submit', at: T0, hash: '' } as const;
  const at = (minutes: number, outcome = 'ok', more: Partial<LoopPlan> = {}) =>
    loopState({ ...doc, outcome, plan: { ...plan, ...more } }, [], plus(T0, minutes * MINUTE));
  expect([at(0), at(2), at(3), at(4)]).toEqual(['ok', 'ok', 'ok', 'silent']);
  expect(at(2, 'no route')).toBe('failing');
  expect(at(4000, 'no route', { stopped: T0 })).toBe('stopped');
  // While it rests longer it is expected later.
  expect(at(14, 'no route', { due: plus(T0, 15 * MINUTE) })).toBe('failing');
  expect(at(-300)).toBe('ahead');
  // Started again and again; once it has lived for a while it is well.
  expect(at(2, 'ok', { deaths: 3 })).toBe('dying');
  expect(at(2, 'ok', { deaths: 2 })).toBe('ok');
  expect(at(11, 'ok', { deaths: 3, due: plus(T0, 12 * MINUTE) })).toBe('ok');
  const hosts = [{ pattern: 'h*', loops: [{ name: 'submit', run: ['submit'], on: false }] }];
  for (const more of [{}, { stopped: T0 }])
    expect(loopState({ ...doc, outcome: 'ok', plan: { ...plan, ...more } }, hosts, plus(T0, 90 * MINUTE))).toBe('off');
});

test('who is silent or failing, and how it is started again', () => {
  const plan: LoopPlan = {
    ...{ command: 'submit --site cedar', every: 2 * MINUTE, jitter: 0, pid: 7, exclusive: 'x' },
    ...{ since: T0, at: T0, due: plus(T0, 2 * MINUTE) },
  };
  const doc = {
    _id: 'loop:h:c',
    kind: 'loop',
    v: 1,
    host: 'h',
    loop: 'c',
    at: T0,
    hash: '',
    outcome: 'ok',
    plan,
  } as const;
  expect(startOf(doc, [])).toBe('dflow loop --name c --every 2m --jitter 0% --exclusive x -- submit --site cedar');
  expect(loopTroubles([doc], [], plus(T0, 41 * MINUTE))).toEqual([
    {
      ...{ host: 'h', loop: 'c', state: 'silent', since: T0 },
      text: 'c on h: silent for 41m, every 2m expected',
      next: `on h: ${startOf(doc, [])} (gone for good: dflow loop --forget c --host h)`,
    },
  ]);
  // A loop of the configuration is started by its name, once it is switched on.
  const planned = (on: boolean) => [{ pattern: 'h', loops: [{ name: 'c', run: ['submit'], on }] }];
  expect(startOf(doc, planned(true))).toBe('dflow screens start c');
  expect(startOf(doc, planned(false))).toBe('set on: true for c in dflow.yaml; dflow screens start c');
  const failing = { ...doc, outcome: 'no route', next: 'dflow why cedar' };
  expect(loopTroubles([failing], [], plus(T0, 2 * MINUTE))[0]).toMatchObject({
    ...{ state: 'failing', text: 'c on h failed 2m ago: no route' },
    next: 'dflow why cedar; dflow submit --site cedar',
  });
  expect(loopTroubles([{ ...failing, plan: { ...plan, stopped: T0 } }], [], plus(T0, 9 * MINUTE))).toEqual([]);
});

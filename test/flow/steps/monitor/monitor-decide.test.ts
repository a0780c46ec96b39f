// What one observation may do to a subjob: the fences and the dated absence, one by one.
import { describe, expect, test } from 'vitest';
import { type JobDoc, transition } from '../../../../src/lib/domain/jobs/job.ts';
import { type Context, react } from '../../../../src/lib/flow/steps/monitor/decide.ts';
import type { Observation } from '../../../../src/lib/flow/steps/monitor/observation.ts';
import { plus } from '../../../../src/lib/util/time.ts';
import type { ResultRecord } from '../../../../src/lib/wrapper/record.ts';
import { job, T0 } from '../../../support/docs.ts';

const GRACE = 60_000;
const lock = { site: 'here', epoch: 1, claim: 'abc', index: 7 };
const key = 'abc.7';

function submitted(): JobDoc {
  const claimed = transition(
    job(),
    [{ index: 0, event: 'claim', to: { name: 'submitting', since: T0, lock }, with: { attempt: 1 } }],
    T0,
    't',
  );
  return transition(
    claimed,
    [{ index: 0, event: 'record', to: { name: 'submitted', since: T0, lock, backendId: 'b1' } }],
    T0,
    't',
  );
}

function at(seconds: number): Context {
  return { now: plus(T0, seconds * 1000), grace: GRACE, policy: [], tries: 2 };
}

function seen(state: Observation['state'], seconds: number, more: Partial<Observation> = {}): Observation {
  return { kind: 'observation', site: 'here', key, job: 'j', subjob: 0, at: plus(T0, seconds * 1000), state, ...more };
}

function record(phase: string, more: Partial<ResultRecord> = {}): ResultRecord {
  return {
    key,
    execution: 'e1',
    phase,
    exit: phase === 'done' ? 0 : 3,
    reason: 'reason',
    wall: 1,
    host: 'w',
    outputs: [],
    ...more,
  };
}

const first = (doc: JobDoc) => doc.subjobs[0]!;

describe('absence', () => {
  test('the first time it is only noted', () => {
    expect(react(first(submitted()), seen('absent', 100), undefined, at(100))).toMatchObject({
      do: 'touch',
      fields: { absent: plus(T0, 100_000) },
    });
  });
  test.each([
    [30, 'nothing'],
    [61, 'move'],
  ])('again after %i s: %s', (later, what) => {
    const noted = { ...first(submitted()), absent: plus(T0, 100_000), observed: plus(T0, 100_000) };
    expect(react(noted, seen('absent', 100 + later), undefined, at(100 + later)).do).toBe(what);
  });
  test('within grace of the release it never counts', () => {
    const noted = { ...first(submitted()), absent: plus(T0, -100_000) };
    expect(react(noted, seen('absent', 59), undefined, at(59)).do).toBe('nothing');
  });
  test('an observation applied long after it was made proves nothing', () => {
    const noted = { ...first(submitted()), absent: plus(T0, 100_000), observed: plus(T0, 100_000) };
    expect(react(noted, seen('absent', 200), undefined, at(500)).do).toBe('nothing');
  });
  test('an older observation never overrides a newer one', () => {
    const newer = { ...first(submitted()), observed: plus(T0, 300_000), absent: plus(T0, 300_000) };
    expect(react(newer, seen('absent', 299), undefined, at(300)).do).toBe('nothing');
  });
  test('seen again: the note is taken back', () => {
    const noted = { ...first(submitted()), absent: plus(T0, 100_000), observed: plus(T0, 100_000) };
    expect(react(noted, seen('pending', 110), undefined, at(110))).toMatchObject({
      do: 'touch',
      fields: { absent: null },
    });
  });
  test('twice absent becomes cause lost, and is tried again', () => {
    const noted = { ...first(submitted()), absent: plus(T0, 100_000), observed: plus(T0, 100_000) };
    expect(react(noted, seen('absent', 200), undefined, at(200))).toMatchObject({
      do: 'move',
      did: 'retried',
      move: { event: 'again', with: { failures: 1 } },
    });
  });
});

describe("the batch system's word", () => {
  test('is noted once, and gone when it says it no more', () => {
    const note = react(first(submitted()), seen('pending', 5, { raw: 'PENDING x' }), undefined, at(5));
    expect(note).toMatchObject({ do: 'touch', fields: { raw: 'PENDING x' } });
    const noted = { ...first(submitted()), raw: 'PENDING x' };
    expect(react(noted, seen('pending', 9, { raw: 'PENDING x' }), undefined, at(9)).do).toBe('nothing');
    expect(react(noted, seen('pending', 9), undefined, at(9))).toMatchObject({ do: 'touch', fields: { raw: null } });
    expect(react(first(submitted()), seen('pending', 9), undefined, at(9)).do).toBe('nothing');
  });
});

describe('other attempts', () => {
  const other = { key: 'old.0' };
  test('a record of a superseded attempt is archived and changes nothing', () => {
    expect(
      react(
        first(submitted()),
        seen('recorded', 5, { ...other, record: record('done', other) }),
        { ok: true, outputs: [] },
        at(5),
      ).do,
    ).toBe('archive');
  });
  test.each(['held', 'pending', 'running'] as const)('a superseded %s job is stopped', (state) => {
    expect(react(first(submitted()), seen(state, 5, other), undefined, at(5)).do).toBe('stop');
  });
  test.each(['absent', 'ended'] as const)('one that was given up and is %s is fenced: it must never come', (state) => {
    const gone = seen(state, 5, { ...other, superseded: true });
    expect(react(first(submitted()), gone, undefined, at(5)).do).toBe('stop');
    expect(react(first(submitted()), seen(state, 5, other), undefined, at(5)).do).toBe('nothing');
  });
  test('a held job of a claim in progress is left to its submitter', () => {
    const claimed = transition(
      job(),
      [{ index: 0, event: 'claim', to: { name: 'submitting', since: T0, lock } }],
      T0,
      't',
    );
    expect(react(first(claimed), seen('held', 5), undefined, at(5)).do).toBe('nothing');
  });
  test('an orphan that nobody knows is stopped', () => {
    expect(react(undefined, seen('held', 5), undefined, at(5)).do).toBe('stop');
  });
});

describe('the current attempt', () => {
  test.each([
    'held',
    'running',
  ] as const)('%s when it was looked at, completed by another monitor since: left alone', (state) => {
    const done = react(
      first(submitted()),
      seen('recorded', 5, { record: record('done') }),
      { ok: true, outputs: [] },
      at(6),
    );
    const completed = transition(submitted(), done.do === 'move' ? [done.move] : [], plus(T0, 6_000), 't');
    expect(first(completed).state.name).toBe('completed');
    expect(react(first(completed), seen(state, 4), undefined, at(7)).do).toBe('nothing');
    expect(react(first(completed), seen(state, 4, { key: 'abc.8' }), undefined, at(7)).do).toBe('stop');
  });
  test('recorded but left held by a crash: released', () => {
    expect(react(first(submitted()), seen('held', 5), undefined, at(5)).do).toBe('release');
  });
  test('running is recorded once', () => {
    const reaction = react(first(submitted()), seen('running', 5), undefined, at(5));
    expect(reaction).toMatchObject({ do: 'move', did: 'started', move: { index: 0, event: 'start' } });
  });
  test('done and verified: completed with its outputs', () => {
    const reaction = react(
      first(submitted()),
      seen('recorded', 5, { record: record('done') }),
      { ok: true, outputs: [] },
      at(5),
    );
    expect(reaction).toMatchObject({
      do: 'move',
      did: 'completed',
      move: { to: { name: 'completed', execution: 'e1' } },
    });
  });
  test('done but storage cannot be asked: nothing, the record stays', () => {
    expect(
      react(first(submitted()), seen('recorded', 5, { record: record('done') }), { ok: undefined, why: 'down' }, at(5))
        .do,
    ).toBe('nothing');
  });
  test('done but the output is not what the wrapper wrote: a failure of phase verify', () => {
    const reaction = react(
      first(submitted()),
      seen('recorded', 5, { record: record('done') }),
      { ok: false, why: 'md5' },
      at(5),
    );
    expect(reaction).toMatchObject({ do: 'move', did: 'retried', text: 'verify: md5' });
  });
  test('the last try fails for good', () => {
    const tried = { ...first(submitted()), failures: 1 };
    const reaction = react(tried, seen('recorded', 5, { record: record('payload') }), undefined, at(5));
    expect(reaction).toMatchObject({
      do: 'move',
      failed: true,
      move: { event: 'fail', to: { name: 'failed', failure: { cause: 'exit-3' } } },
    });
  });
});

describe('wishes', () => {
  const wish = (state: 'canceled' | 'waiting') => ({
    ...first(submitted()),
    wanted: { state, at: T0, by: 'op', why: 'stop it' },
  });
  test('a running job that is wanted stopped is stopped at the backend first', () => {
    expect(react(wish('canceled'), seen('running', 5), undefined, at(5))).toMatchObject({ do: 'touch', stop: true });
  });
  test('the backend confirms: canceled', () => {
    expect(react(wish('canceled'), seen('ended', 5), undefined, at(5))).toMatchObject({ do: 'move', did: 'canceled' });
  });
  test('a completion under cancel is kept unpublished', () => {
    const reaction = react(
      wish('canceled'),
      seen('recorded', 5, { record: record('done') }),
      { ok: true, outputs: [] },
      at(5),
    );
    expect(reaction).toMatchObject({ do: 'move', did: 'canceled', move: { to: { name: 'canceled' } } });
  });
  test('a completion wins over a reset', () => {
    const reaction = react(
      wish('waiting'),
      seen('recorded', 5, { record: record('done') }),
      { ok: true, outputs: [] },
      at(5),
    );
    expect(reaction).toMatchObject({ do: 'move', did: 'completed' });
  });
  test('a failure under reset goes back to waiting with all its tries', () => {
    const reaction = react(wish('waiting'), seen('recorded', 5, { record: record('killed') }), undefined, at(5));
    expect(reaction).toMatchObject({ do: 'move', did: 'reset', move: { with: { failures: 0, wanted: null } } });
  });
});

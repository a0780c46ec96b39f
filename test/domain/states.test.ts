// The transition table as a property: whatever is tried in whatever order, only moves of the table happen, and the
// state of a pass is what its subjobs say. The expected table is written out here once more, in another form.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HISTORY_LIMIT } from '../../src/lib/domain/doc.ts';
import { allows, type JobDoc, type Move, TransitionError, touch, transition } from '../../src/lib/domain/jobs/job.ts';
import {
  type EventName,
  isActive,
  keyOf,
  type Lock,
  lockOf,
  PASS_STATES,
  type PassState,
  passState,
  SUBJOB_STATES,
  type SubjobState,
  type SubjobStateName,
  TRANSITIONS,
} from '../../src/lib/domain/jobs/states.ts';
import { iso } from '../../src/lib/util/time.ts';

/** From each state: the events that may happen, and where they lead. */
const EXPECTED: Readonly<Record<SubjobStateName, string>> = {
  waiting: 'claim>submitting gate>waiting wake>waiting hold>held cancel>canceled',
  held: 'wake>waiting retry>waiting cancel>canceled',
  submitting: 'record>submitted unclaim>waiting refuse>held stopped>canceled',
  submitted: 'start>running complete>completed fail>failed again>waiting cool>held giveUp>waiting stopped>canceled',
  running: 'complete>completed fail>failed again>waiting cool>held giveUp>waiting stopped>canceled',
  completed: 'remove>deleted',
  failed: 'retry>waiting cancel>canceled remove>deleted',
  canceled: 'retry>waiting remove>deleted',
  deleted: 'retry>waiting',
};

const EVENTS = Object.keys(TRANSITIONS) as EventName[];
const AT = iso(Date.parse('2026-07-14T02:41:07Z'));

function stateOf(name: SubjobStateName, serial: number): SubjobState {
  const lock: Lock = { site: 'cedar', epoch: 1, claim: `n${serial}`, index: 0 };
  const since = iso(Date.parse(AT) + serial * 1000);
  const failure = { cause: 'exit-2', reason: 'exit 2', site: 'cedar' };
  switch (name) {
    case 'waiting':
      return { name, since, wake: { kind: 'ready' } };
    case 'held':
      return { name, since, reason: 'paused' };
    case 'submitting':
      return { name, since, lock };
    case 'submitted':
    case 'running':
      return { name, since, lock, backendId: '7' };
    case 'completed':
      return { name, since, lock, execution: 'x', outputs: [], usage: {} };
    case 'failed':
      return { name, since, failure };
    case 'canceled':
      return { name, since, why: 'asked' };
    case 'deleted':
      return { name, since, receipt: 'r1' };
  }
}

function jobWith(names: readonly SubjobStateName[]): JobDoc {
  const states = names.map((name) => stateOf(name, 0));
  return {
    _id: 'job:0000000012:Count:001',
    kind: 'job',
    v: 1,
    run: 12,
    module: 'Count',
    pass: 1,
    version: '1.0',
    level: 'L1',
    priority: 0,
    labels: [],
    created: AT,
    needs: [],
    outputs: {},
    tables: {},
    hash: 'h',
    subjobs: states.map((state, index) => ({ index, inputs: [], attempt: 2, failures: 1, state })),
    state: passState(states),
    since: AT,
    history: [{ at: AT, to: 'waiting', by: 'test@here', why: 'made' }],
  };
}

/** Allowed moves by the expected table: `waiting claim>submitting`. */
const ALLOWED = new Set(
  Object.entries(EXPECTED).flatMap(([from, moves]) => moves.split(' ').map((move) => `${from} ${move}`)),
);

/** The same rule as the table's prose, by sets instead of by order of tests. */
function expectedPass(names: readonly SubjobStateName[]): PassState {
  const present = new Set<string>(names);
  const live = ['held', 'waiting', 'submitting', 'submitted', 'running'].filter((name) => present.has(name));
  if (live.length > 0) return live.at(-1) as PassState;
  const ends = [...present].sort().join('+');
  const words: Record<string, PassState> = {
    '': 'completed',
    completed: 'completed',
    deleted: 'deleted',
    canceled: 'canceled',
    failed: 'failed',
    'completed+deleted': 'deleted',
    'canceled+completed': 'canceled',
    'canceled+deleted': 'canceled',
    'canceled+completed+deleted': 'canceled',
  };
  return words[ends] ?? 'partFail';
}

const anyName = fc.constantFrom(...SUBJOB_STATES);
const anyNames = fc.array(anyName, { minLength: 1, maxLength: 4 });
/** Mostly what the event says it leads to, sometimes anything. */
const anyTry = fc.record({
  index: fc.integer({ min: 0, max: 4 }),
  event: fc.constantFrom(...EVENTS),
  wrong: fc.option(anyName, { freq: 6, nil: undefined }),
});

describe('the transition table', () => {
  test('is the expected one, move by move', () => {
    const table = EVENTS.flatMap((event) =>
      TRANSITIONS[event].from.map((from) => `${from} ${event}>${TRANSITIONS[event].to}`),
    );
    expect(table.sort()).toEqual([...ALLOWED].sort());
  });

  test('reaches every state and uses every event, starting from waiting', () => {
    const reached = new Set<string>(['waiting']);
    for (let size = 0; size !== reached.size; ) {
      size = reached.size;
      for (const event of EVENTS) {
        if (TRANSITIONS[event].from.some((from) => reached.has(from))) reached.add(TRANSITIONS[event].to);
      }
    }
    expect([...reached].sort()).toEqual([...SUBJOB_STATES].sort());
    for (const event of EVENTS) expect(TRANSITIONS[event].from.some((from) => reached.has(from))).toBe(true);
  });

  test('has no trap: from every state there is a way to completed', () => {
    const saved = new Set<string>(['completed']);
    for (let size = 0; size !== saved.size; ) {
      size = saved.size;
      for (const event of EVENTS) {
        if (saved.has(TRANSITIONS[event].to)) for (const from of TRANSITIONS[event].from) saved.add(from);
      }
    }
    expect([...saved].sort()).toEqual([...SUBJOB_STATES].sort());
  });

  test('gives the active states, and only what ran or runs, a lock', () => {
    for (const name of SUBJOB_STATES) {
      const state = stateOf(name, 3);
      if (isActive(state)) expect(keyOf(lockOf(state)!)).toBe('n3.0');
      if (name === 'waiting' || name === 'held' || name === 'canceled') expect(lockOf(state)).toBeUndefined();
    }
  });
});

describe('transition', () => {
  test('accepts the moves of the table and no other, in any order of attempts', () => {
    fc.assert(
      fc.property(anyNames, fc.array(anyTry, { maxLength: 60 }), (names, tries) => {
        let job = jobWith(names);
        for (const [serial, { index, event, wrong }] of tries.entries()) {
          const target = wrong ?? TRANSITIONS[event].to;
          const move: Move = { index, event, to: stateOf(target, serial + 1) };
          const from = job.subjobs[index]?.state.name;
          if (from === undefined || !ALLOWED.has(`${from} ${event}>${target}`)) {
            expect(() => transition(job, [move], AT, 'test@here')).toThrow(TransitionError);
            continue;
          }
          expect(allows(event, job.subjobs[index]!.state)).toBe(true);
          const before = job;
          const at = iso(Date.parse(AT) + serial + 1);
          job = transition(before, [move], at, 'test@here');
          checkStep(before, job, move, at);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('is all or nothing: one move that is not allowed leaves no trace of the others', () => {
    fc.assert(
      fc.property(fc.array(anyTry, { minLength: 1, maxLength: 6 }), (tries) => {
        const job = jobWith(['waiting', 'running', 'failed', 'completed', 'held']);
        const copy = structuredClone(job);
        const moves = tries.map(({ index, event, wrong }, serial): Move => {
          return { index, event, to: stateOf(wrong ?? TRANSITIONS[event].to, serial) };
        });
        try {
          transition(job, moves, AT, 'test@here');
        } catch (error) {
          expect(error).toBeInstanceOf(TransitionError);
        }
        expect(job).toEqual(copy);
      }),
    );
  });

  test('carries further fields with a move, removes those that are null, and keeps the rest', () => {
    const absent = touch(jobWith(['submitted']), 0, { absent: AT, raw: 'PENDING' });
    expect(absent.subjobs[0]).toMatchObject({ absent: AT, raw: 'PENDING', attempt: 2 });
    const to = stateOf('running', 1);
    const [after] = transition(absent, [{ index: 0, event: 'start', to, with: { absent: null } }], AT, 'x@y').subjobs;
    expect(after).toMatchObject({ raw: 'PENDING', attempt: 2, failures: 1 });
    expect(Object.keys(after!)).not.toContain('absent');
  });
});

/** What must hold between two versions of a job. */
function checkStep(before: JobDoc, after: JobDoc, move: Move, at: string): void {
  const names = after.subjobs.map((subjob) => subjob.state.name);
  expect(after.state).toBe(expectedPass(names));
  expect(after.since).toBe(after.state === before.state ? before.since : at);
  expect(after.subjobs[move.index]!.state).toBe(move.to);
  for (const [index, subjob] of after.subjobs.entries()) {
    if (index !== move.index) expect(subjob).toBe(before.subjobs[index]);
    expect(subjob.attempt).toBe(before.subjobs[index]!.attempt);
  }
  expect(after.history.length).toBeLessThanOrEqual(HISTORY_LIMIT);
  expect(after.history[0]).toEqual(before.history[0]);
  const changed = before.subjobs[move.index]!.state.name !== move.to.name;
  const last = after.history.at(-1)!;
  if (changed) expect([last.from, last.to]).toEqual([before.subjobs[move.index]!.state.name, move.to.name]);
  else expect(after.history).toBe(before.history);
}

describe('the state of a pass', () => {
  test('agrees with a second formulation, for every mix', () => {
    fc.assert(
      fc.property(fc.array(anyName, { maxLength: 6 }), (names) => {
        const state = passState(names.map((name) => ({ name })));
        expect(state).toBe(expectedPass(names));
        expect(PASS_STATES).toContain(state);
      }),
      { numRuns: 5_000 },
    );
  });

  test('is completed only when every subjob is, and does not depend on their order', () => {
    fc.assert(
      fc.property(anyNames, fc.integer({ min: 0, max: 3 }), (names, turn) => {
        const turned = [...names.slice(turn), ...names.slice(0, turn)].map((name) => ({ name }));
        const state = passState(names.map((name) => ({ name })));
        expect(state === 'completed').toBe(names.every((name) => name === 'completed'));
        expect(passState(turned)).toBe(state);
      }),
    );
  });
});

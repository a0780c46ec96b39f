// The live screen as data: keys and answers make states; what is to be done in the world is said, not done.
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { frameOf } from '../../../src/lib/cli/live/frame.ts';
import { keysOf } from '../../../src/lib/cli/live/input.ts';
import { asked, done, press, refused } from '../../../src/lib/cli/live/keys.ts';
import {
  chosen,
  type Effect,
  failed,
  front,
  initial,
  looked,
  resized,
  type State,
  unreachable,
} from '../../../src/lib/cli/live/model.ts';
import type { Found } from '../../../src/lib/flow/reports/live/found.ts';
import type { JobRow } from '../../../src/lib/flow/reports/look/jobrows.ts';
import { T0 } from '../../support/docs.ts';

const SHEET = { columns: 80, ascii: false };
const start = initial('snop', SHEET, 24);

function jobRow(run: number): JobRow {
  return {
    ...({ kind: 'job', ref: `${run}/Processing/1`, run, module: 'Processing', pass: 1, version: '1.0' } as const),
    ...({ state: 'failed', done: 0, subjobs: 1, tries: 1, since: T0 } as const),
  };
}

const jobs = (count: number, more = false): Found => {
  const rows = Array.from({ length: count }, (_, at) => jobRow(at + 1));
  return { view: 'jobs', counts: { failed: count }, some: { rows, more, problems: [] } };
};

/** What was typed, into a state; the effects of the last key. */
function typed(state: State, text: string): { state: State; effects: readonly Effect[] } {
  let step: { state: State; effects: readonly Effect[] } = { state, effects: [] };
  for (const key of keysOf(text).keys) step = press(step.state, key);
  return step;
}
const then = (state: State, text: string): State => typed(state, text).state;
/** The view of the jobs, with so many of them. */
const withJobs = (count: number, more = false, state = start): State => {
  const view = then(state, '4');
  return looked(view, front(view).id, jobs(count, more), T0);
};
const lines = (state: State): string[] => {
  const { tabs, fixed, body, foot } = frameOf(state);
  return [tabs, ...fixed, ...body.map(({ text }) => text), foot].map((line) => stripVTControlCharacters(line));
};
const DOWN = '\x1b[B';
const PAGE_DOWN = '\x1b[6~';

describe('views', () => {
  test('numbers, Tab and arrows change the view, and look at it at once', () => {
    expect(typed(start, '4')).toMatchObject({ effects: [{ do: 'look' }], state: { pages: [{ name: 'jobs' }] } });
    expect(front(then(start, '\t\t')).name).toBe('runs');
    expect(front(then(start, '\x1b[D')).name).toBe('holds');
    expect(front(then(start, '\x1b[Z\x1b[C')).name).toBe('status');
  });

  test('an answer to a view that was left is not shown in another', () => {
    const view = then(start, '4');
    const gone = front(view).id;
    expect(front(looked(then(view, '6'), gone, jobs(2), T0)).found).toBeUndefined();
  });

  test('the chosen row stays the same one when others come before it', () => {
    const state = then(withJobs(5), 'jj');
    expect(chosen(state)?.key).toBe('3/Processing/1');
    const fresh = {
      view: 'jobs',
      counts: {},
      some: { rows: [jobRow(9), jobRow(3)], more: false, problems: [] },
    } as const;
    expect(chosen(looked(state, front(state).id, fresh, T0))?.key).toBe('3/Processing/1');
  });

  test('a list reads on before its end is reached, and not when all of it is there', () => {
    expect(typed(withJobs(100, true), 'G').effects).toEqual([{ do: 'look' }]);
    expect(front(then(withJobs(100, true), 'G')).most).toBe(300);
    expect(typed(withJobs(100), 'G').effects).toEqual([]);
  });
});

describe('the frame', () => {
  test.each([
    [80, 24],
    [60, 20],
    [40, 8],
    [200, 60],
  ])('%i columns, %i rows: one row less than the terminal has, no line wider', (columns, rows) => {
    const all = [withJobs(200), start, then(withJobs(3), '?'), then(withJobs(3), ':'), then(withJobs(1), 'p')];
    for (const state of all) {
      const seen = lines(resized(state, { columns, ascii: false }, rows));
      expect(seen.length).toBe(rows - 1);
      // ink cuts what is longer; the keys of the last line are chosen to fit.
      expect(seen.at(-1)?.length).toBeLessThanOrEqual(columns);
    }
  });

  test('what is chosen is in sight, wherever keys go', () => {
    for (const keys of [DOWN.repeat(40), PAGE_DOWN.repeat(3), 'G', `G${'\x1b[5~'}k`, 'Ggj']) {
      const state = then(withJobs(60), keys);
      expect([keys, lines(state).filter((line) => line.startsWith('▸')).length]).toEqual([keys, 1]);
    }
  });

  test('a terminal of ASCII gets a mark of ASCII', () => {
    const state = resized(withJobs(2), { columns: 80, ascii: true }, 24);
    expect(lines(state).filter((line) => line.startsWith('> '))).toHaveLength(1);
  });

  test('a store that is away is said, and what was found stays', () => {
    const state = unreachable(withJobs(2), 'no route to host', T0);
    expect(lines(state)[1]).toMatch(/store away since 14 Jul.* asked again: no route to host/);
    expect(lines(state).join('\n')).toContain('1/Processing/1');
    // The first time counts, and an answer ends it.
    expect(unreachable(state, 'again', '2026-07-15T00:00:00.000Z').away?.since).toBe(T0);
    expect(looked(state, front(state).id, jobs(2), T0).away).toBeUndefined();
  });

  test('control characters of a row do not reach the terminal', () => {
    const row = { ...jobRow(1), cause: 'bad\x1b[2J\x07' };
    const found: Found = { view: 'jobs', counts: {}, some: { rows: [row], more: false, problems: [] } };
    const view = then(start, '4');
    const frame = frameOf(looked(view, front(view).id, found, T0));
    expect(JSON.stringify(frame)).not.toMatch(/\\u001b\[2J|\\u0007/);
  });
});

describe('pages of a row', () => {
  test.each([
    ['\r', 'show'],
    ['w', 'why'],
    ['l', 'log'],
  ])('%j opens %s, Esc goes back', (key, name) => {
    const { state, effects } = typed(withJobs(2), key);
    expect(effects).toEqual([{ do: 'look' }]);
    expect(front(state)).toMatchObject({ name, words: '1/Processing/1' });
    expect(front(press(state, { name: 'escape' }).state).name).toBe('jobs');
  });

  test('a log keeps its end in sight until a person moves', () => {
    const text = Array.from({ length: 100 }, (_, at) => `line ${at}`).join('\n');
    const log = (more: string): Found => ({
      view: 'log',
      logs: [{ ref: '1/Processing/1.000', site: 'cedar', key: 'k', try: 1, state: 'running', text: text + more }],
    });
    const opened = then(withJobs(1), 'l');
    const state = looked(opened, front(opened).id, log(''), T0);
    expect(lines(state)).toContain('  line 99');
    expect(lines(looked(state, front(state).id, log('\nlast'), T0))).toContain('  last');
    const up = then(state, 'k');
    expect(lines(looked(up, front(up).id, log('\nlast'), T0))).not.toContain('  last');
    expect(lines(looked(then(up, 'G'), front(up).id, log('\nlast'), T0))).toContain('  last');
  });

  test('what cannot be shown says why', () => {
    const opened = then(withJobs(1), '\r');
    const state = failed(opened, front(opened).id, 'run 1 is not registered', 'dflow list runs');
    expect(lines(state).join('\n')).toMatch(/run 1 is not registered[\s\S]*Next: dflow list runs/);
    // The advised command is followed.
    expect(front(then(state, '\r')).name).toBe('runs');
  });
});

describe('advice of the status', () => {
  const page = (next: string): State => {
    const found = {
      view: 'status',
      page: {
        ...{ experiment: 'snop', at: T0, store: 's', needYou: [{ way: 'failed', text: 'something', next }] },
        ...{ runs: { open: 0, todo: 0, done: 0, late: 0 }, quarantined: {}, holds: [], loops: [], storage: [] },
        ...{ buffer: [], credentials: [], jobs: [], farms: [], requests: [] },
      },
    } as const;
    return looked(start, front(start).id, found, T0);
  };
  test.each([
    ['dflow why 109134/Processing/1', { name: 'why', words: '109134/Processing/1' }],
    ['dflow why --all', { name: 'reasons' }],
    ['dflow list jobs -s failed', { name: 'jobs', words: '-s failed' }],
    ['dflow list holds', { name: 'holds', words: '' }],
    ['dflow show 109134', { name: 'show', words: '109134' }],
  ])('Enter follows %s', (next, expected) => {
    expect(front(then(page(next), '\r'))).toMatchObject(expected);
  });

  test('what the screen cannot do is said', () => {
    const state = then(page('dflow list quarantine'), '\r');
    expect(state.message?.text).toBe('type it elsewhere: dflow list quarantine');
    expect(then(page('set automatic.version in dflow.yaml'), '\r').message?.text).toContain('automatic.version');
  });
});

describe('changes', () => {
  const preview = [{ do: 'preview', action: { verb: 'retry', words: ['1/Processing/1'] } }];

  test('r asks for a preview, then a person, and only y does it', () => {
    const { state, effects } = typed(withJobs(2), 'r');
    expect(effects).toEqual(preview);
    const action = { verb: 'retry', words: ['1/Processing/1'] } as const;
    const question = asked(state, action, ['would be retried 1/Processing/1.000'], 1);
    expect(lines(question).join('\n')).toMatch(
      /dflow retry 1\/Processing\/1 --dry-run[\s\S]*would be retried[\s\S]*\[y\/n\]/,
    );
    for (const key of ['n', 'q', '\x1b[A', 'x', '\r']) expect(typed(question, key).effects).toEqual([]);
    expect(then(question, 'n').message?.text).toBe('nothing was done');
    const agreed = typed(question, 'y');
    expect(agreed.effects).toEqual([{ do: 'act', action }]);
    // Until it is done no key does anything, and a second y does not do it twice.
    expect(typed(agreed.state, 'yq').effects).toEqual([]);
    expect(done(agreed.state, 'retried', false)).toMatchObject({
      state: { mode: { is: 'browse' } },
      effects: [{ do: 'look' }],
    });
  });

  test('without anything to do nothing is asked', () => {
    const action = { verb: 'retry', words: ['1/Processing/1'] } as const;
    const state = asked(then(withJobs(1), 'r'), action, [], 0);
    expect([state.mode.is, state.message?.text]).toEqual(['browse', 'nothing to do']);
  });

  test('p asks for the reason and an end; without a reason nothing is held', () => {
    expect(then(withJobs(1), 'p\r').message).toMatchObject({ bad: true });
    expect(typed(withJobs(1), 'pbad optics\r2d\r').effects).toEqual([
      {
        do: 'preview',
        action: {
          verb: 'pause',
          words: ['--run', '1', '--module', 'Processing', '--why', 'bad optics', '--for', '2d'],
        },
      },
    ]);
    expect(typed(withJobs(1), 'pwhy\r\r').effects).toMatchObject([
      { action: { words: ['--run', '1', '--module', 'Processing', '--why', 'why'] } },
    ]);
    expect(then(withJobs(1), 'pbad\x1b[').mode.is).toBe('why');
    expect(press(then(withJobs(1), 'pbad'), { name: 'escape' }).state.mode.is).toBe('browse');
  });

  test('R retries what the filter selects, and nothing without one', () => {
    expect(typed(withJobs(1), 'R').effects).toEqual([]);
    const view = then(withJobs(1), '/--cause memory\r');
    expect(typed(looked(view, front(view).id, jobs(1), T0), 'R').effects).toEqual([
      { do: 'preview', action: { verb: 'retry', words: ['--cause', 'memory'] } },
    ]);
  });
});

describe('filters', () => {
  test('are typed, kept for their view, and taken away by Esc', () => {
    const { state, effects } = typed(withJobs(1), "/-s failed -m 'Ana*'\r");
    expect(effects).toEqual([{ do: 'look' }]);
    expect(front(state)).toMatchObject({ name: 'jobs', words: "-s failed -m 'Ana*'" });
    expect(lines(state).join('\n')).toContain("/ -s failed -m 'Ana*'");
    expect(front(then(then(state, '3'), '4')).words).toBe("-s failed -m 'Ana*'");
    expect(front(press(state, { name: 'escape' }).state).words).toBe('');
  });

  test('that cannot be read are typed again, over what was shown before', () => {
    const good = then(withJobs(1), '/-s failed\r');
    const bad = then(good, '/ --farm x\r');
    const again = refused(bad, front(bad).id, "no flag '--farm'");
    expect(again).toMatchObject({
      state: {
        mode: { is: 'filter', text: '-s failed --farm x' },
        message: { bad: true },
        pages: [{ words: '-s failed' }],
      },
      effects: [{ do: 'look' }],
    });
    expect(refused(bad, 1, 'of another page')).toBeUndefined();
  });
});

test(': shows the commands that say and do the same', () => {
  const text = lines(then(withJobs(1), ':')).join('\n');
  expect(text).toContain('dflow list jobs');
  expect(text).toContain('dflow pause --run 1 --module Processing --why TEXT');
  expect(text).toContain('dflow retry 1/Processing/1');
});

test('q quits, ^C interrupts, also in the middle of a question', () => {
  expect(typed(withJobs(1), 'q').effects).toEqual([{ do: 'quit' }]);
  expect(typed(then(withJobs(1), 'r'), '\x03').effects).toEqual([{ do: 'interrupt' }]);
  expect(typed(then(withJobs(1), '/abc'), '\x03').effects).toEqual([{ do: 'interrupt' }]);
  expect(typed(withJobs(1), '\x1a').effects).toEqual([{ do: 'suspend' }]);
});

describe('keys of a terminal', () => {
  const names = (text: string) => keysOf(text).keys.map(({ name, char }) => char ?? name);
  test('many come together', () => {
    expect(names(`${DOWN}${DOWN}j\x1bOA\x1b[5~q`)).toEqual(['down', 'down', 'j', 'up', 'pageup', 'q']);
    expect(names('a\x7f\r\x15é')).toEqual(['a', 'backspace', 'enter', 'erase', 'é']);
    // Keys that mean nothing here are no text.
    expect(names('\x1b[1;5C\x1b[15~\x1b[200~x')).toEqual(['right', 'x']);
  });
  test('the beginning of one is kept for what follows', () => {
    expect(keysOf(`j\x1b`)).toMatchObject({ keys: [{ char: 'j' }], rest: '\x1b' });
    expect(keysOf('\x1b[5').rest).toBe('\x1b[5');
    expect(names('\x1b\x1b[A')).toEqual(['escape', 'up']);
  });
});

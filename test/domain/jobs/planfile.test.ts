// Saved plans: what is written is read again as it was, and any line that was edited, moved, removed or cut is named.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { continued, type RequestDoc } from '../../../src/lib/domain/jobs/request.ts';
import { type PlanFile, parsePlan, planLines } from '../../../src/lib/domain/jobs/requests/planfile.ts';
import { notPriority, PRIORITIES, priorityOf } from '../../../src/lib/domain/jobs/requests/priority.ts';

const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,8}$/).filter((text) => text !== '__proto__');
const pass = fc.record({
  run: fc.nat(),
  module: name,
  pass: fc.integer({ min: 1, max: 99 }),
  needs: fc.array(fc.record({ module: name, pass: fc.nat(99) }), { maxLength: 2 }),
  subjobs: fc.nat(100),
  labels: fc.array(name, { maxLength: 2 }),
  lost: fc.array(fc.string(), { maxLength: 1 }),
  inputs: name,
  tables: name,
});
const planOf = (passes: PlanFile['passes']): PlanFile => ({
  head: {
    ...{
      experiment: 'snoplus',
      store: 'u',
      made: '2026-07-14T06:00:00.000Z',
      by: 'anna@login',
      command: 'dflow reprocess',
    },
    ...{ configuration: 'h', modules: { '40': 'x', Processing: 'y' }, passes: passes.length },
  },
  request: {
    ...{ name: 'tl', version: '7.0.8', level: 'L1', modules: ['Processing'], runs: [1], ranges: [[1, 9]] },
    ...{ priority: -10, labels: [], prerequisite: 'latest', text: 'für Anna "x"\u2028' },
  },
  estimate: { jobs: 3, cpu: 1.5, wall: 2, bytes: 3, unmeasured: [] },
  passes,
});
const textOf = (plan: PlanFile): string => [...planLines(plan)].join('');
const lineOf = (text: string): string => {
  try {
    parsePlan(text, 'a.plan');
    return 'read';
  } catch (error) {
    return String((error as { where?: string }).where);
  }
};

describe('a plan', () => {
  test('is read as it was written, also with other ends of lines', () => {
    fc.assert(
      fc.property(fc.array(pass, { maxLength: 6 }), (passes) => {
        const plan = planOf(passes);
        const { head, request, estimate, passes: found } = parsePlan(textOf(plan), 'a.plan');
        expect({ head, request, estimate, passes: found }).toMatchObject(plan);
        expect(lineOf(textOf(plan).replaceAll('\n', '\r\n'))).toBe('read');
      }),
      { numRuns: 50 },
    );
  });

  test('that was edited anywhere is refused with this line, one that was cut with its last', () => {
    const plans = fc.tuple(fc.array(pass, { minLength: 1, maxLength: 5 }), fc.nat(), fc.nat());
    fc.assert(
      fc.property(plans, ([passes, which, where]) => {
        const lines = textOf(planOf(passes)).trimEnd().split('\n');
        const at = which % lines.length;
        const line = lines[at]!;
        const digits = [...line.matchAll(/\d/g)].map(({ index }) => index);
        const digit = digits[where % digits.length]!;
        const other = String((Number(line[digit]) + 1) % 10);
        const edited = lines.with(at, line.slice(0, digit) + other + line.slice(digit + 1));
        expect(lineOf(edited.join('\n'))).toBe(`a.plan:${at + 1}`);
        if (at < lines.length - 1) expect(lineOf(lines.toSpliced(at, 1).join('\n'))).toMatch(/^a\.plan:\d+$/);
        expect(lineOf(lines.slice(0, at).join('\n'))).toBe(`a.plan:${Math.max(1, at)}`);
        expect(lineOf([...lines, lines[0]].join('\n'))).toBe(`a.plan:${lines.length + 1}`);
        const cut = textOf(planOf(passes)).slice(0, 1 + (where % (textOf(planOf(passes)).length - 2)));
        expect(lineOf(cut)).toMatch(/^a\.plan:\d+$/);
      }),
      { numRuns: 100 },
    );
  });

  test('of another form, or of something else, says so', () => {
    expect(() => parsePlan(textOf(planOf([])).replace('"format":1', '"format":2'), 'a')).toThrow(
      'the plan has format 2; this dflow reads format 1',
    );
    expect(() => parsePlan('modules: [x]\n', 'a')).toThrow('not a plan of dflow');
    expect(() => parsePlan('', 'a')).toThrow('the end of the plan is missing');
  });
});

test('priorities: words, numbers, and the near miss of anything else', () => {
  for (const [word, number] of Object.entries(PRIORITIES)) expect(priorityOf(` ${word.toUpperCase()} `)).toBe(number);
  fc.assert(fc.property(fc.integer({ min: -1e8, max: 1e8 }), (number) => priorityOf(String(number)) === number));
  expect(['hihg', '', '1.5', '1e3', 'constructor'].map(priorityOf)).toEqual(Array(5).fill(undefined));
  expect(notPriority('hihg')).toContain('did you mean high?');
});

test('the command that continues a request asks for what it has, also where that is not as usual', () => {
  const base: RequestDoc = {
    ...{ _id: 'request:tl', v: 1, name: 'tl', version: '7.0.8', level: 'L1', modules: ['Count'] },
    ...{ priority: 0, labels: [], prerequisite: 'latest', runs: [1, 2], plan: [], by: 'x', created: '', history: [] },
    kind: 'request',
  };
  const plain = 'dflow reprocess --request tl --version 7.0.8 --module Count --level L1 --run 1,2';
  expect(continued(base)).toBe(plain);
  const other = {
    priority: -10,
    labels: ['gold', 'b'],
    tag: 'july',
    prerequisite: 'new',
    after: 'june',
    text: "Anna's",
  };
  expect(continued({ ...base, ...other })).toBe(
    `${plain} --priority=-10 --label gold,b --tag july --prerequisite new --after june --text 'Anna'\\''s'`,
  );
});

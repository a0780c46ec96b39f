// Which attempt `log` shows: the last one, an earlier one by its number, the last one that failed.
import { describe, expect, test } from 'vitest';
import { type JobDoc, type Move, TRIES_LIMIT, transition } from '../../../src/lib/domain/jobs/job.ts';
import { attemptsOf } from '../../../src/lib/flow/reports/logs.ts';
import { matchingLines, newPart } from '../../../src/lib/render/show/log.ts';
import { dataDoc, job, rawFile, T0 } from '../../support/docs.ts';

const BYTES = { bytes: 100 };
const one = (): JobDoc => job({ data: dataDoc(12, [rawFile(12, 0)]) });

/** The pass after one more attempt that runs. */
function started(doc: JobDoc, claim: string): JobDoc {
  const lock = { site: 'here', epoch: 1, claim, index: 0 };
  const attempt = doc.subjobs[0]!.attempt + 1;
  const moves: Move[] = [
    { index: 0, event: 'claim', to: { name: 'submitting', since: T0, lock }, with: { attempt } },
    { index: 0, event: 'record', to: { name: 'submitted', since: T0, lock, backendId: 'b' } },
    { index: 0, event: 'start', to: { name: 'running', since: T0, lock, backendId: 'b' } },
  ];
  return transition(doc, moves, T0, 'test');
}

function failedAgain(doc: JobDoc): JobDoc {
  const failure = { cause: 'exit-1', reason: 'no such file', site: 'here', at: T0 };
  const to = { name: 'waiting', since: T0, wake: { kind: 'ready' } } as const;
  const usage = { host: 'node7', wall: 60, maxRss: 2048 };
  return transition(doc, [{ index: 0, event: 'again', to, with: { lastFailure: failure }, usage }], T0, 'test');
}

test('an attempt that did not complete is kept with its cause, host, time and memory', () => {
  const [subjob] = failedAgain(started(one(), 'a')).subjobs;
  expect(subjob!.tries).toEqual([
    {
      ...{ attempt: 1, site: 'here', key: 'a.0', since: T0, ended: T0, cause: 'exit-1', reason: 'no such file' },
      ...{ host: 'node7', wall: 60, maxRss: 2048 },
    },
  ]);
});

test('no more of them are kept than a page shows', () => {
  let doc = one();
  for (let at = 0; at < TRIES_LIMIT + 3; at++) doc = failedAgain(started(doc, `c${at}`));
  expect(doc.subjobs[0]!.tries!.map(({ attempt }) => attempt)).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
});

describe('the log that is shown', () => {
  const second = started(failedAgain(started(one(), 'a')), 'b');

  test('is that of the running attempt; an earlier one is reached by its number', () => {
    expect(attemptsOf(second, BYTES)).toMatchObject([{ key: 'b.0', try: 2, state: 'running' }]);
    expect(attemptsOf(second, { ...BYTES, try: 1 })).toMatchObject([{ key: 'a.0', try: 1, state: 'exit-1' }]);
    expect(attemptsOf(second, { ...BYTES, try: 3 })).toEqual([]);
  });

  test('with --failed is that of the last attempt that failed', () => {
    expect(attemptsOf(second, { ...BYTES, failed: true })).toMatchObject([{ key: 'a.0', try: 1 }]);
  });

  test('stays reachable while the job waits to be tried again, and after it was canceled', () => {
    expect(attemptsOf(failedAgain(second), BYTES)).toMatchObject([{ key: 'b.0', try: 2 }]);
    const to = { name: 'canceled', since: T0, why: 'wrong tag' } as const;
    const canceled = transition(second, [{ index: 0, event: 'stopped', to, why: 'wrong tag' }], T0, 'test');
    expect(attemptsOf(canceled, BYTES)).toMatchObject([{ key: 'b.0', try: 2, state: 'wrong tag' }]);
  });

  test('of a job that never ran is none', () => {
    expect(attemptsOf(one(), BYTES)).toEqual([]);
  });
});

test('what is new since the last look, also where the beginning of the log is out of sight', () => {
  const long = 'x'.repeat(3_000);
  expect(newPart(undefined, 'a\n')).toBe('a\n');
  expect(newPart('a\n', 'a\nb\n')).toBe('b\n');
  expect(newPart(`1${long}end\n`, `${long}end\nmore\n`)).toBe('more\n');
  expect(newPart('a\n', 'another log\n')).toBe('another log\n');
});

test('lines that contain a text', () => {
  expect(matchingLines('one\ntwo words\nthree words', 'words')).toBe('two words\nthree words');
});

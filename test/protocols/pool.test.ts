// Pools of long-lived programs: many questions at once, each gets its own answer; one that is late, dead or broken takes
// no other program's questions with it.
import { describe, expect, test } from 'vitest';
import { NoAnswerError, type Program } from '../../src/lib/protocols/tools/asking.ts';
import { Pool } from '../../src/lib/protocols/tools/pool.ts';
import { cutAnswer } from '../../src/lib/protocols/xrootd/session.ts';

/** Answers as a session of xrdfs does: the question, what it says, a prompt. `name` keeps the order and the process. */
const SESSION = `
printf '[host:1] / > '
while read -r word; do
  printf '%s\\n' "$word"
  case $word in
    die) exit 1 ;;
    hang) sleep 60 ;;
    broken) echo '[FATAL] Connection error' ;;
    trap) echo '[ERROR] no such file: [host:1] / > here' ;;
    none) ;;
    *) echo "$$ $word" ;;
  esac
  printf '[host:1] / > '
done`;

function program(ahead = 64): Program {
  return {
    file: '/bin/sh',
    args: ['-c', SESSION],
    env: {},
    greets: true,
    ahead,
    cut: cutAnswer,
    broken: (answer) => answer.includes('[FATAL]'),
  };
}

const asking = { timeout: 300_000 };
const said = (answer: string) => answer.trim().split('\n').at(-1)!.split(' ');

describe('pool', () => {
  test('a thousand questions at once: each its own answer, from few programs', async () => {
    const pool = new Pool(program(), 3);
    const words = Array.from({ length: 1000 }, (_, index) => `w${index}`);
    const answers = await Promise.all(words.map((word) => pool.ask(`${word}\n`, asking)));
    expect(answers.map((answer) => said(answer)[1])).toEqual(words);
    expect(new Set(answers.map((answer) => said(answer)[0])).size).toBe(3);
  });

  test('answers of no line, and with the words of a prompt in them', async () => {
    const pool = new Pool(program(), 1);
    const answers = await Promise.all(['none', 'trap', 'a'].map((word) => pool.ask(`${word}\n`, asking)));
    expect(answers[0]).toBe('none\n');
    expect(answers[1]).toBe('trap\n[ERROR] no such file: [host:1] / > here\n');
    expect(said(answers[2]!)[1]).toBe('a');
  });

  test('one that takes nothing ahead is asked one at a time', async () => {
    const pool = new Pool(program(0), 2);
    const answers = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((word) => pool.ask(`${word}\n`, asking)));
    expect(answers.map((answer) => said(answer)[1])).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(new Set(answers.map((answer) => said(answer)[0])).size).toBeLessThanOrEqual(2);
  });

  test('nothing waits behind a question that is to be alone', async () => {
    const pool = new Pool(program(), 2);
    const stop = new AbortController();
    const slow = expect(pool.ask('hang\n', { ...asking, alone: true, signal: stop.signal })).rejects.toThrow('enough');
    const others = await Promise.all(['a', 'b', 'c'].map((word) => pool.ask(`${word}\n`, asking)));
    expect(others.map((answer) => said(answer)[1])).toEqual(['a', 'b', 'c']);
    stop.abort(new Error('enough'));
    await slow;
  });

  test('a late one fails what waits for it, and the next question gets a new program', async () => {
    const pool = new Pool(program(), 1);
    const both = await Promise.allSettled([
      pool.ask('hang\n', { timeout: 300 }),
      pool.ask('behind\n', { timeout: 300 }),
    ]);
    expect(both.map((one) => one.status === 'rejected' && one.reason)).toEqual([
      expect.any(NoAnswerError),
      expect.any(NoAnswerError),
    ]);
    expect(said(await pool.ask('after\n', asking))[1]).toBe('after');
  });

  test('one that dies is replaced; what it said is told', async () => {
    const pool = new Pool(program(), 1);
    await pool.ask('before\n', asking);
    await expect(pool.ask('die\n', asking)).rejects.toMatchObject({ reason: 'ended' });
    expect(said(await pool.ask('after\n', asking))[1]).toBe('after');
  });

  test('a broken one is not asked again', async () => {
    const pool = new Pool(program(), 1);
    const [first] = said(await pool.ask('before\n', asking));
    expect(await pool.ask('broken\n', asking)).toContain('[FATAL]');
    expect(said(await pool.ask('after\n', asking))[0]).not.toBe(first);
  });

  test('an aborted question ends at once', async () => {
    const pool = new Pool(program(), 1);
    await expect(pool.ask('hang\n', { timeout: 60_000, signal: AbortSignal.timeout(200) })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    await expect(pool.ask('a\n', { ...asking, signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    });
    expect(said(await pool.ask('after\n', asking))[1]).toBe('after');
  });

  test('a program that is not there', async () => {
    const pool = new Pool({ ...program(), file: '/no/such/program' }, 1);
    await expect(pool.ask('a\n', asking)).rejects.toMatchObject({ reason: expect.stringMatching(/absent|ended/) });
  });
});

describe('cutAnswer', () => {
  const prompt = '[host:1] / > ';
  test.each([
    ['', '', undefined],
    ['warning\n[host:1] / > ', '', { answer: prompt, rest: '' }],
    ['[host:1] / ', '', undefined],
    ['a\n1\n[host:1] / > b\n2\n', prompt, { answer: 'a\n1\n', rest: 'b\n2\n' }],
    ['a\n[host:1] / > ', prompt, { answer: 'a\n', rest: '' }],
    ['a\nsays [host:1] / > in a line\n', prompt, undefined],
    ['a\n[ERROR] x > y\n', prompt, undefined],
  ])('%j after %j', (output, known, cut) => {
    expect(cutAnswer(output, known)).toEqual(cut);
  });
});

// Help for newcomers: -h everywhere, pages that belong to no command, and what was probably meant.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { EXITS } from '../../src/lib/cli/help/exitcodes.ts';
import { type Page, pageMarkdown, pageText } from '../../src/lib/cli/help/page.ts';
import { TOPICS, topicPage } from '../../src/lib/cli/help/topics.ts';
import { PASS_STATES } from '../../src/lib/domain/jobs/states.ts';
import { dflow, folder } from '../support/cli.ts';

const root = resolve(import.meta.dirname, '../..');

describe('-h', () => {
  test.each([
    [['-h'], 'WORDS  used by all commands'],
    [['list', '-h'], 'List runs, copies, jobs'],
    [['farm', 'drain', '-h'], 'Stop submitting to a farm'],
    [['farm', '-h'], 'dflow farm COMMAND'],
    [['retry', '--state', 'failed', '-h'], 'Run failed jobs again'],
  ])('%j shows help', (words, text) => {
    const { code, out } = dflow(folder(), words);
    expect([code, out]).toEqual([0, expect.stringContaining(text)]);
  });

  test('no command uses the letter for anything else', () => {
    const { commands } = JSON.parse(readFileSync(join(root, 'oclif.manifest.json'), 'utf8')) as {
      commands: Record<string, { flags: Record<string, { char?: string }> }>;
    };
    const letters = Object.values(commands).flatMap(({ flags }) => Object.values(flags).map(({ char }) => char));
    expect(letters).not.toContain('h');
  });
});

describe('topics', () => {
  test.each(TOPICS)('dflow help %s', (name) => {
    const { code, out } = dflow(folder(), ['help', name]);
    expect([code, out.split('\n')[0]]).toEqual([0, topicPage(name)!.title]);
  });

  test('the first page names them', () => {
    for (const name of TOPICS) expect(dflow(folder(), []).out).toContain(name);
  });

  test.each([
    [['help', 'exitcodes'], 'Next: dflow help exit-codes'],
    [['help', 'selectoins'], 'Next: dflow help selections'],
    [['help', 'lst'], 'Next: did you mean: dflow list'],
    [['lst', '-h'], 'Next: did you mean: dflow list'],
  ])('%j is answered with the near miss', (words, next) => {
    const { code, err } = dflow(folder(), words);
    expect([code, err]).toEqual([2, expect.stringContaining(next)]);
  });

  test('every exit code and every state is explained', () => {
    const words = (page: Page) =>
      page.parts.flatMap((part) => ('words' in part ? part.words.map(([word]) => word) : []));
    const codes = words(topicPage('exit-codes')!).flatMap((word) => word.split(', '));
    expect(codes).toEqual(expect.arrayContaining([...Object.keys(EXITS), '70', '143']));
    expect(words(topicPage('states')!)).toEqual(expect.arrayContaining([...PASS_STATES]));
  });
});

test('a page fits its terminal, and loses no word in Markdown', () => {
  const page: Page = {
    title: 'Title of a page',
    parts: [
      { heading: 'Words' },
      {
        words: [
          ['a', 'short'],
          ['a-word-much-longer-than-the-column-for-words', `means ${'very '.repeat(30)}much`],
        ],
      },
      { text: 'A sentence. '.repeat(12).trim() },
      { code: 'dflow status' },
    ],
  };
  expect(
    Math.max(
      ...pageText(page, 60)
        .split('\n')
        .map((line) => line.length),
    ),
  ).toBeLessThanOrEqual(60);
  expect(pageText(page, 60)).toMatch(
    /WORDS\n\n {2}a +short\n {2}a-word-much-longer-than-the-column-for-words\n +means/,
  );
  const markdown = pageMarkdown(page.parts, 3);
  expect(markdown).toMatch(/^### Words\n\n- `a`: short\n- `a-word-/);
  expect(markdown).toContain('```sh\ndflow status\n```');
});

// The English of everything that a person reads: words that nobody must read twice, commands that can be typed as
// printed, summaries that stand alone, sentences of the documents that are short.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { literals } from '../support/literals.ts';
import { DOCUMENTS, quoted, sentencesOf, tableRows, textOf, typed, wordsIn } from '../support/markdown.ts';
import { commandsIn, parses } from '../support/printed.ts';

const root = resolve(import.meta.dirname, '../..');
const below = (folder: string, ending: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name));

const SOURCES = below('src', '.ts').filter((path) => !path.endsWith('.d.ts'));
const texts = SOURCES.flatMap((path) => literals(join(root, path)).map((text) => ({ path, text })));

interface Manifest {
  readonly commands: Record<string, { summary: string; description?: string; examples?: string[]; hidden?: boolean }>;
}
const manifest = JSON.parse(readFileSync(join(root, 'oclif.manifest.json'), 'utf8')) as Manifest;

/** Words that a stranger reads twice: `X is no Y`, and the like. */
const FORBIDDEN =
  /(?<!there )\b(?:is|are) no (?!longer\b|more than\b)|\b(?:is|are) said to be\b|\b(?:is|are) at work\b|\bthere are there\b|\bwhat it asks for\b/i;
/** `of it`, where a noun can stand: in messages. */
const OF_IT = /\bof it\b/i;

describe('words', () => {
  test('of messages, help and hints', () => {
    expect(texts.length).toBeGreaterThan(1000);
    const wrong = texts.filter(({ text }) => FORBIDDEN.test(text) || OF_IT.test(text));
    expect(wrong).toEqual([]);
  });

  test.each([...DOCUMENTS, ...below('man', '.1')])('of %s', (path) => {
    const wrong = readFileSync(join(root, path), 'utf8')
      .split('\n')
      .filter((line) => FORBIDDEN.test(line));
    expect(wrong).toEqual([]);
  });

  test.each([
    'a link is no file',
    'it is said to be lost',
    'another submit is at work',
    'what it asks for',
  ])('the check finds: %s', (text) => {
    expect(text).toMatch(FORBIDDEN);
  });
});

const NAMES = Object.keys(manifest.commands).map((id) => id.replaceAll(':', ' '));
/** A command with an option, printed without the name of the program. */
const OWN = new RegExp(`^(${NAMES.join('|')}) .*--\\w`);
/** A command that is only spoken of, at most with one of its options: `dflow pause`, `register --accept`. */
const MENTIONED = new RegExp(`^(${NAMES.join('|')})( --[a-z-]+)?$`);

/** `dflow was replaced`: a sentence, not a command. */
const PROSE = /^(was|is|has|moves|cannot|runs|does)$/;

test('every command that a message prints is taken by the parser of the built program', async () => {
  const printed = texts.flatMap(({ path, text }) => {
    // A name that only the running program knows (`dflow 1`: the step of a loop) is checked where it is printed.
    const next = text.split('Next: ').at(-1)!.split('\n')[0]!;
    return commandsIn(next)
      .filter(([name = '']) => /^[a-z]/.test(name) && !PROSE.test(name))
      .map((words) => ({ path, words }));
  });
  expect(printed.length).toBeGreaterThan(150);
  const wrong: string[] = [];
  for (const { path, words } of printed) {
    await parses(words).catch((error) =>
      wrong.push(`${path}: dflow ${words.join(' ')}: ${String(error).slice(0, 80)}`),
    );
  }
  expect(wrong).toEqual([]);
});

test('a command that does not parse is found', async () => {
  await expect(parses(['purge', '--jnuk'])).rejects.toThrow();
  await expect(parses(['farm', 'unlock', 'cedar'])).rejects.toThrow('why');
  expect(commandsIn("look at it, then: dflow purge --why 'a b'; dflow why 1, or: dflow why 2")).toEqual([
    ['purge', '--why', 'a b'],
    ['why', '1'],
    ['why', '2'],
  ]);
});

const VERBS =
  /^(Add|Apply|Build|Check|Choose|Compare|Copy|Delete|End|Explain|Find|Give|Hold|Keep|List|Load|Make|Print|Put|Remove|Run|Set|Show|Start|Stop|Submit|Switch|Tell|Try|Wait|Watch|Write),? /;

describe('summaries', () => {
  test.each(Object.entries(manifest.commands))('of %s: a verb first, and without words of this project alone', (_, {
    summary,
  }) => {
    expect(summary).toMatch(VERBS);
    expect(summary.length).toBeLessThanOrEqual(75);
    expect(summary).not.toMatch(/\b(it|they|those|that one)\b|\.$/);
  });

  test('topics have their own', () => {
    const { oclif } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      oclif: { topics: Record<string, { description: string }> };
    };
    const topics = new Set(
      Object.keys(manifest.commands).flatMap((id) => [...id.matchAll(/:/g)].map(({ index }) => id.slice(0, index))),
    );
    expect(Object.keys(oclif.topics).sort()).toEqual([...topics].sort());
    for (const { description } of Object.values(oclif.topics)) expect(description).toMatch(VERBS);
  });
});

describe.each(DOCUMENTS)('%s', (path) => {
  const text = textOf(path);

  test('has no sentence of more than 30 words', () => {
    expect(sentencesOf(text).filter((sentence) => wordsIn(sentence) > 30)).toEqual([]);
  });

  test('has no row of a table of more than 200 characters', () => {
    expect(tableRows(text).filter((row) => row.length > 200)).toEqual([]);
  });

  test('prints only commands that can be typed', async () => {
    const named = quoted(text).flatMap((code) => (OWN.test(code) ? [`dflow ${code}`] : code));
    const commands = [...named, ...typed(text)]
      .map((line) => line.replace(/ > \S+$/, ''))
      .flatMap(commandsIn)
      .filter(([name = '']) => /^[a-z]/.test(name));
    const wrong: string[] = [];
    for (const words of commands) {
      const given = words.filter((word) => word !== '...').map((word) => (word === 'RUN' ? '1' : word));
      await parses(given).catch((error) => {
        const open =
          MENTIONED.test(words.join(' ')) && /Missing \d+ required|Missing required|expects a value/.test(error);
        if (!open) wrong.push(`dflow ${words.join(' ')}: ${String(error).slice(0, 80)}`);
      });
    }
    expect(wrong).toEqual([]);
  });
});

test('sentences, rows and commands of a document are found', () => {
  const doc = '# A\n\nOne `x y` two.\nThree\n\n- four!\n\n| a |\n\n```sh\n$ dflow why 1   # why\n```\n';
  expect(sentencesOf(doc)).toEqual(['One x two.', 'Three', '- four!']);
  expect(tableRows(doc)).toEqual(['| a |']);
  expect([quoted(doc), typed(doc)]).toEqual([['x y'], ['dflow why 1', '']]);
});

// What the documents name is there: files, folders, links, and every test that a fault names, under that name.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { DOCUMENTS, linked, quoted, textOf } from '../support/markdown.ts';

const root = join(import.meta.dirname, '../..');
const tests = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' });
const SYSTEMS: Readonly<Record<string, string>> = { S: 'slurm', C: 'htcondor', G: 'ganga' };

/** What entries of a list name as their tests. */
const testsNamed = (doc: string): string[] =>
  [...doc.matchAll(/^ {2}- Test: (.*(?:\n {4}.*)*)/gm)].map(([, text]) => text!.replace(/\n */g, ' '));

/** `S-faults` is the suite of Slurm's faults; other names stand in backquotes. */
function file(word: string): string | undefined {
  const [, system, faults = ''] = /^([SCG])(-faults)?$/.exec(word) ?? [];
  const name = system ? `${SYSTEMS[system]}${faults}` : word;
  const below = [`${name}.ts`, name].map((tail) => tests.find((path) => path === tail || path.endsWith(`/${tail}`)));
  return [`systems/${name}.test.ts`, ...below].find(
    (path) => path !== undefined && existsSync(join(root, 'test', path)),
  );
}

/** Names of tests, and the suites they should be in; what stands for a part of a name (`...`, `%s`) divides it. */
function claims(cell: string): { word: string; parts: string[] }[] {
  return cell.split(';').flatMap((some) => {
    let words: string[] = [];
    let named = true;
    return [...some.matchAll(/`([^`]+)`|\b([SCG](?:-faults)?)\b(?=[ ,])|"([^"]+)"/g)].flatMap(
      ([, quoted, short, name]) => {
        if (name === undefined) {
          words = [...(named ? [] : words), quoted ?? short ?? ''];
          named = false;
          return [{ word: words.at(-1)!, parts: [] }];
        }
        named = true;
        const parts = name.split(/\.\.\.|%\w/).map((part) => part.replace(/^[ :,]+|[ :,]+$/g, ''));
        return words.map((word) => ({ word, parts: parts.filter((part) => part !== '') }));
      },
    );
  });
}

test.each(['storage', 'systems'])('docs/%s.md names tests that are there', (name) => {
  const all = testsNamed(textOf(`docs/${name}.md`)).flatMap(claims);
  expect(all.length).toBeGreaterThan(20);
  for (const { word, parts } of all) {
    const path = file(word);
    expect([word, path]).not.toEqual([word, undefined]);
    const text = readFileSync(join(root, 'test', path!), 'utf8').replaceAll("\\'", "'");
    for (const part of parts) expect([path, part, text.includes(part)]).toEqual([path, part, true]);
  }
});

const below = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true }).map(
    (entry) => `${join(entry.parentPath, entry.name).slice(root.length + 1)}${entry.isDirectory() ? '/' : ''}`,
  );
const FOLDERS = ['src', 'test', 'bin', 'docs', 'man', '.ci', 'bench'].filter((name) => existsSync(join(root, name)));
const THERE = [...FOLDERS.flatMap((name) => [`${name}/`, ...below(name)]), ...readdirSync(root)];
const ROOMS = new Set(THERE.flatMap((path) => /^src\/(?:lib\/(?:flow\/)?)?([a-z]+)\/$/.exec(path)?.[1] ?? []));

/** What is only an example: a batch system on paper, and a program of the reader. */
const EXAMPLE = /\bpbs\b|^\.\//;

/** A path of the project, up to the first part that stands for any name (`<step>`, `NAME`). */
function pathIn(text: string): string | undefined {
  const fixed = text.replace(/(<|[A-Z]{4,}).*$/, '').replace(/\*.*$/, '');
  if (EXAMPLE.test(text) || !/^[\w.-]+(\/[\w.-]+)*\/?$/.test(fixed)) return;
  const [first = '', ...rest] = fixed.split('/');
  const folder = rest.length > 0 && (FOLDERS.includes(first) || ROOMS.has(first));
  return folder || /\.(ts|js|mjs)$/.test(fixed) || (rest.length > 0 && /\.(sh|py|md)$/.test(fixed)) ? fixed : undefined;
}

const isThere = (path: string): boolean =>
  THERE.some((known) => {
    const as = path.endsWith('/') ? known : known.replace(/\/$/, '');
    return as === path || as.endsWith(`/${path}`);
  });

test.each(DOCUMENTS)('every file that %s names is there', (path) => {
  const text = textOf(path);
  const missing = quoted(text)
    .flatMap((word) => pathIn(word) ?? [])
    .filter((name) => !isThere(name));
  const broken = linked(text).filter((to) => !existsSync(join(root, dirname(path), to)));
  expect({ missing, broken }).toEqual({ missing: [], broken: [] });
});

test('a name that is not there is found', () => {
  for (const name of ['flow/step/', 'util/adler33.ts', 'src/lib/gone', 'claims.test.mts'.replace('.mts', 's.ts')])
    expect([name, isThere(pathIn(name)!)]).toEqual([name, false]);
  for (const name of ['flow/steps/<step>/', 'src/lib/backends/NAME/', 'flow/', 'pick.ts', 'test/slow'])
    expect([name, isThere(pathIn(name)!)]).toEqual([name, true]);
  expect(pathIn('raw/run001.txt')).toBeUndefined();
});

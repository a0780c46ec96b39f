// The tables of faults in docs/: every test that a row names is there, under that name.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const tests = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' });
const SYSTEMS: Readonly<Record<string, string>> = { S: 'slurm', C: 'htcondor', G: 'ganga' };

/** Cells of the last column of tables whose last heading is `test`. */
function cells(doc: string): string[] {
  let within = false;
  return doc.split('\n').flatMap((line) => {
    const cell = /^\|.*\|\s*([^|]*?)\s*\|$/.exec(line)?.[1];
    if (cell === undefined) within = false;
    else if (cell === 'test') within = true;
    return within && cell !== undefined && !/^(test|-+)$/.test(cell) ? [cell] : [];
  });
}

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
  const all = cells(readFileSync(join(root, `docs/${name}.md`), 'utf8')).flatMap(claims);
  expect(all.length).toBeGreaterThan(20);
  for (const { word, parts } of all) {
    const path = file(word);
    expect([word, path]).not.toEqual([word, undefined]);
    const text = readFileSync(join(root, 'test', path!), 'utf8').replaceAll("\\'", "'");
    for (const part of parts) expect([path, part, text.includes(part)]).toEqual([path, part, true]);
  }
});

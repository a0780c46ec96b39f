// Documents that can be read: every kind of the sources is known, and what the program writes passes.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { KINDS, unsound } from '../../src/lib/domain/schemas.ts';
import { dataDoc, job, rawFile } from '../support/docs.ts';

/** Kinds of documents that the sources declare. */
function declared(): string[] {
  const root = join(import.meta.dirname, '../../src/lib');
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  return files.flatMap((name) => {
    const text = readFileSync(join(root, name), 'utf8');
    return [...text.matchAll(/extends Doc \{\s+(?:\/\*\*[^*]*\*\/\s+)?readonly kind: '(\w+)'/g)].map(
      ([, kind]) => kind!,
    );
  });
}

test('every kind that the sources declare has a shape', () => {
  expect(declared()).toContain('job');
  expect(declared().filter((kind) => !KINDS.includes(kind))).toEqual([]);
});

test('a job and a data document as they are made', () => {
  expect(unsound(job())).toBeUndefined();
  expect(unsound(dataDoc(12, [rawFile(12, 0, ['disk'])]))).toBeUndefined();
});

test.each([
  ['a subjob without a state', { ...job(), subjobs: [{ index: 0 }] }, 'subjobs[0].inputs: is missing'],
  ['files that are no list', { ...dataDoc(12, []), files: {} }, 'files: expected a list'],
  [
    'a copy in a state that is none',
    { ...dataDoc(12, [{ ...rawFile(12, 0), replicas: { disk: { state: 'odd' } } } as never]) },
    'files[0].replicas.disk.state: expected one of',
  ],
  ['a newer version', { ...job(), v: 99 }, 'v: made by a newer dflow'],
])('%s', (_, doc, words) => {
  expect(unsound(doc as never)).toContain(words);
});

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
  ['a month 13', { ...job(), created: '2026-13-01T00:00:00.000Z' }, 'created: expected a time'],
  ['credentials of nobody', { _id: 'credential:h', kind: 'credential', v: 1, host: 'h' }, 'at: is missing'],
  [
    'trash without its time',
    { _id: 'trash:x', kind: 'trash', v: 1, level: 'L1', host: 'h', name: 'n' },
    'places: is missing',
  ],
  [
    'a path out of its folder',
    dataDoc(12, [{ ...rawFile(12, 0), path: 'a/../../b' }]),
    'files[0].path: expected a path without',
  ],
  [
    'a name out of the buffer',
    { ...{ _id: 'quarantine:L1:../b', kind: 'quarantine', v: 1, level: 'L1', name: '../b' }, reason: 'empty' },
    'name: expected a path without',
  ],
  ['a newer version', { ...job(), v: 99 }, 'v: made by a newer dflow'],
])('%s', (_, doc, words) => {
  expect(unsound(doc as never)).toContain(words);
});

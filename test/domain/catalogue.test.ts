// What is to be told to the catalogue of the collaboration, and the decision on each copy; the view finds the same.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide, plainAddress, sameAddress, scopeOf, withPort } from '../../src/lib/domain/catalogue/decide.ts';
import { afterTry } from '../../src/lib/domain/catalogue/health.ts';
import { closable, dueCopies, filesOf, pinnable } from '../../src/lib/domain/catalogue/parts.ts';
import { type Said, withNewName, withRefused, withTold } from '../../src/lib/domain/catalogue/said.ts';
import type { DataDoc, Replica } from '../../src/lib/domain/data/data.ts';
import { views } from '../../src/lib/views/index.ts';

const AT = '2026-07-14T06:12:00.000Z';
const verified = (path: string): Replica => ({ state: 'verified', attempt: 1, path, since: AT, checkedAt: AT });
const bad = (path: string): Replica => ({ state: 'bad', attempt: 1, path, since: AT, why: 'differs' });
const failed: Replica = { state: 'failed', attempt: 1, since: AT, why: 'no', retryAt: AT };
const copying: Replica = { state: 'copying', attempt: 1, since: AT, host: 'h', nonce: 'n', expires: AT };

function docOf(replicas: readonly Record<string, Replica>[], catalogue?: Said, late: readonly boolean[] = []): DataDoc {
  const files = replicas.map((of, subrun) => ({
    ...{
      name: `f${subrun}`,
      path: `f${subrun}`,
      subrun,
      size: 1,
      adler32: '00000001',
      guid: 'g',
      lfn: 'l',
      modified: AT,
    },
    ...{ registered: AT, late: late[subrun] ?? false, original: { state: 'present' as const }, replicas: of },
  }));
  return {
    ...{ _id: 'data:L1:0000000007', kind: 'data', v: 1, level: 'L1', run: 7, files, keep: { kept: true, rule: '' } },
    ...{ done: [], host: 'h', history: [], ...(catalogue && { catalogue }) },
  };
}

/** What the view counts of a document, as `storage what` -> number. */
function seen(doc: DataDoc): Record<string, number> {
  const counts: Record<string, number> = {};
  views.catalogue.map(doc, ([storage, what], value) => {
    counts[`${storage} ${what}`] = value;
  });
  return counts;
}

/** The same by the rules of the domain. */
function derived(doc: DataDoc): Record<string, number> {
  const files = filesOf(doc);
  const counts: Record<string, number> = {};
  const add = (key: string): void => {
    counts[key] = (counts[key] ?? 0) + 1;
  };
  for (const { storage } of dueCopies(doc, files, () => true)) add(`${storage} copy`);
  for (const { storage } of pinnable(doc, files)) add(`${storage} pin`);
  for (const _ of closable(doc, files)) add(' open');
  for (const _ of Object.keys(doc.catalogue?.refused ?? {})) add(' refused');
  return counts;
}

test('the view finds what the rules say is due, for any document', () => {
  const replica = fc.constantFrom<Replica | undefined>(
    undefined,
    verified('p'),
    verified('q'),
    bad('p'),
    failed,
    copying,
  );
  const told = fc.constantFrom<string | undefined>(undefined, 'p', 'q');
  const shape = fc.record({
    files: fc.array(fc.record({ a: replica, b: replica, late: fc.boolean(), toldA: told, toldB: told }), {
      maxLength: 3,
    }),
    gone: told,
    closed: fc.boolean(),
    pinned: fc.subarray(['a', 'b']),
    refused: fc.boolean(),
  });
  fc.assert(
    fc.property(shape, ({ files, gone, closed, pinned, refused }) => {
      const changes = files.flatMap(({ toldA, toldB }, at) => [
        { storage: 'a', part: 'L1', name: `f${at}`, ...(toldA && { path: toldA }) },
        { storage: 'b', part: 'L1', name: `f${at}`, ...(toldB && { path: toldB }) },
      ]);
      let said = withTold({}, [...changes, { storage: 'a', part: 'L1', name: 'gone', ...(gone && { path: gone }) }]);
      if (closed) said = { ...said, closed: { L1: AT } };
      if (pinned.length > 0) said = { ...said, pinned: { L1: pinned } };
      if (refused) said = withRefused(said, [], new Map([['f0', 'why']]), AT);
      const replicas = files.map(({ a, b }) => ({ ...(a && { a }), ...(b && { b }) }));
      const doc = docOf(
        replicas,
        said,
        files.map(({ late }) => late),
      );
      expect(seen(doc)).toEqual(derived(doc));
    }),
  );
});

describe('one copy', () => {
  const file = { ...filesOf(docOf([{ a: verified('p') }]))[0]!, guid: 'g' };
  const there = { kind: 'file' as const, size: 1, adler32: '00000001', guid: 'g' };
  const add = { do: 'add' as const, file };
  const address = 'root://se:1094//x/p';

  test.each([
    ['nothing is there', undefined, 'add'],
    ['the file, without a copy here', there, 'add'],
    ['the copy', { ...there, copy: { address: 'root://SE/x//p', state: 'available' as const } }, 'same'],
    ['the copy, bad', { ...there, copy: { address, state: 'bad' as const } }, 'good'],
    ['the copy elsewhere', { ...there, copy: { address: `${address}2`, state: 'available' as const } }, 'refuse'],
    ['another size', { ...there, size: 2 }, 'refuse'],
    ['another checksum', { ...there, adler32: '00000002' }, 'refuse'],
    ['another GUID', { ...there, guid: 'h' }, 'refuse'],
    ['a dataset', { kind: 'dataset' as const }, 'refuse'],
  ])('%s', (_, known, act) => {
    expect(decide(add, known, address).act).toBe(act);
  });

  test('only what was told, at its own address, is taken back', () => {
    const copy = { address, state: 'available' as const };
    expect(decide({ do: 'gone' }, { ...there, copy }, address).act).toBe('gone');
    expect(decide({ do: 'bad' }, { ...there, copy }, address).act).toBe('bad');
    expect(decide({ do: 'gone' }, { ...there, copy }, `${address}2`).act).toBe('forget');
    expect(decide({ do: 'bad' }, { ...there, copy: { ...copy, state: 'bad' } }, address).act).toBe('forget');
    expect(decide({ do: 'gone' }, undefined, address).act).toBe('forget');
  });

  test('a file without a GUID there gets it', () => {
    const { guid: _, ...bare } = there;
    expect(decide(add, bare, address)).toEqual({ act: 'add', guid: true });
  });
});

test('addresses: slashes and ports that go without saying make no difference', () => {
  expect(sameAddress('root://se.example.org:1094/snoplus//L1/f', 'root://se.example.org//snoplus/L1/f')).toBe(true);
  expect(sameAddress('file://localhost:0/a/f', 'file:///a/f')).toBe(true);
  expect(sameAddress('davs://se:8443/a', 'davs://se/a')).toBe(false);
  expect(withPort('davs://se.example.org/a')).toBe('davs://se.example.org:443/a');
  expect(withPort('root://se:1095//a')).toBe('root://se:1095//a');
  expect(withPort('file:///a')).toBe('file:///a');
  expect(plainAddress('plain//path')).toBe('plain/path');
});

test('a name of its own, a scope of a pattern, and since when it is away', () => {
  expect(withNewName({}, 'a', 'a.1')).toEqual({ names: { a: 'a.1' } });
  expect(scopeOf('{experiment}.{level}', 'snoplus', 'L1')).toBe('snoplus.L1');
  const away = afterTry(undefined, 'rucio', AT, 'no answer');
  expect(afterTry(away, 'rucio', '2026-07-14T07:00:00.000Z', 'still').away).toEqual({ since: AT, why: 'still' });
  expect(afterTry(away, 'rucio', AT)).not.toHaveProperty('away');
});

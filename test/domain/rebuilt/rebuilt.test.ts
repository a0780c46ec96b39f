// The decision of a rebuild: from listings and records to documents.
import { describe, expect, test } from 'vitest';
import { type FoundOutput, outputOf, type Recorded, rebuiltPass } from '../../../src/lib/domain/rebuilt/passes.ts';
import { type FoundFile, NEVER, placesOf, rebuiltFiles, withFound } from '../../../src/lib/domain/rebuilt/rawfiles.ts';
import { compilePattern } from '../../../src/lib/domain/runs/pattern.ts';
import { compileTemplate } from '../../../src/lib/domain/storage/template.ts';
import { job, module, T0 } from '../../support/docs.ts';

const LEVELS = [
  { level: 'L1', pattern: compilePattern('run{run}_{subrun}.dat'), keep: 1 },
  { level: 'L2', pattern: compilePattern('run{run}_{subrun}.dat'), keep: 1 },
];

test.each([
  ['{level}/{run/1000}/{name}', 'L1/12/run12345_7.dat', 'L1'],
  ['{level}/{run/1000}/{name}', 'L1/13/run12345_7.dat', ''],
  ['{level}/{run/1000}/{name}', 'L3/12/run12345_7.dat', ''],
  ['{level}/{name}', 'L1/.run12345_7.dat.dflow-1-abc', ''],
  ['all/{name}', 'all/run12345_7.dat', 'L1 L2'],
  ['a.b/{level}-{name}', 'a.b/L2-run12345_7.dat', 'L2'],
  ['a.b/{level}-{name}', 'axb/L2-run12345_7.dat', ''],
])('with the template %s the path %s is of level %j', (template, path, levels) => {
  const places = placesOf(path, compileTemplate(template), LEVELS);
  expect(places.map(({ level }) => level).join(' ')).toBe(levels);
  for (const place of places) expect(place).toMatchObject({ run: 12345, subrun: 7, name: 'run12345_7.dat' });
});

describe('raw files', () => {
  const name = 'run12_0.dat';
  const place = { level: 'L1', run: 12, subrun: 0, name, modified: T0 };
  const at = (storage: string | undefined, adler32?: string, size = 10): FoundFile => ({
    ...{ ...place, path: storage === undefined ? name : `L1/${name}`, size },
    ...(storage === undefined ? {} : { storage }),
    ...(adler32 === undefined ? {} : { adler32 }),
  });
  const made = (...found: FoundFile[]) => {
    const { files, left } = rebuiltFiles(found, 'demo', T0);
    const [file] = files;
    const replicas = Object.entries(file?.replicas ?? {}).map(([one, { state }]) => `${one} ${state}`);
    return { adler32: file?.adler32, original: file?.original.state, replicas, left: left.map(({ did }) => did) };
  };

  test.each([
    ['a copy alone: the original was purged', [at('a', '1')], '1', 'purged', ['a verified'], []],
    ['the original beside it', [at('a', '1'), at(undefined, '1')], '1', 'present', ['a verified'], []],
    [
      'two against one',
      [at('a', '2'), at('b', '1'), at('c', '1')],
      '1',
      'purged',
      ['a bad', 'b verified', 'c verified'],
      ['changed'],
    ],
    ['one against the original', [at('a', '2'), at(undefined, '1')], '1', 'present', ['a bad'], ['changed']],
    [
      'copies against the original',
      [at('a', '1'), at('b', '1'), at(undefined, '2')],
      '1',
      'changed',
      ['a verified', 'b verified'],
      ['changed'],
    ],
    ['a size tells as much', [at('a', '1', 9), at(undefined, '1')], '1', 'present', ['a bad'], ['changed']],
    ['no checksum of one', [at('a'), at('b', '1')], '1', 'purged', ['b verified'], ['unreadable']],
    ['no checksum of any', [at('a')], undefined, undefined, [], ['unreadable']],
    ['the buffer alone is left to register', [at(undefined, '1')], undefined, undefined, [], []],
  ])('%s', (_, found, adler32, original, replicas, left) => {
    expect(made(...found)).toEqual({ adler32, original, replicas, left });
  });

  test('a store that knows some of it gets the rest, and a second time nothing', () => {
    const by = { at: T0, by: 'ann', host: 'buffer1', keep: 1 };
    const first = withFound(undefined, place, rebuiltFiles([at('a', '1')], 'demo', T0).files, by);
    expect(first?.files[0]?.replicas).toMatchObject({ a: { state: 'verified', checkedAt: NEVER } });
    const more = rebuiltFiles([at('a', '1'), at('b', '1')], 'demo', T0).files;
    const second = withFound(first, place, more, by);
    expect(second?.done).toEqual(['a', 'b']);
    expect(withFound(second, place, more, by)).toBeUndefined();
    // Other content is no copy of what is registered.
    expect(withFound(second, place, rebuiltFiles([at('c', '2')], 'demo', T0).files, by)).toBeUndefined();
  });
});

describe('passes', () => {
  const found = (subrun: number, execution: string, more: Partial<FoundOutput> = {}): FoundOutput => {
    const path = `outputs/Count/0000000012/p001/${execution}/Count_r0000000012_s00${subrun}_p001.txt`;
    return { ...outputOf(path)!, storage: 'disk', size: 3, modified: T0, adler32: '00000001', ...more };
  };
  const given = {
    experiment: 'demo',
    site: 'here',
    at: T0,
    by: 'ann',
    known: false,
    records: new Map<string, Recorded>(),
  };
  const skeleton = job();
  const statesOf = (outputs: FoundOutput[], more: Partial<Parameters<typeof rebuiltPass>[0]> = {}) =>
    rebuiltPass({ ...given, skeleton, found: outputs, ...more })?.job.subjobs.map(({ state }) =>
      state.name === 'completed' ? state.execution : state.name,
    );

  test('names of outputs say run, module, pass and subrun; others are of nobody', () => {
    expect(found(1, 'x')).toMatchObject({
      run: 12,
      module: 'Count',
      pass: 1,
      subrun: 1,
      suffix: 'txt',
      execution: 'x',
    });
    expect(outputOf('outputs/Count/0000000012/p001/x/Count_r0000000012_s000_p002.txt')).toBeUndefined();
    expect(outputOf('outputs/Count/0000000012/p001/x/.Count_r0000000012_s000_p001.txt.dflow-1-a')).toBeUndefined();
  });

  test('whole outputs make a completed pass, and half of them one that ended in part', () => {
    expect(statesOf([found(0, 'a'), found(1, 'b')])).toEqual(['a', 'b']);
    const half = rebuiltPass({ ...given, skeleton, found: [found(0, 'a')] })!;
    expect(half.job).toMatchObject({ state: 'partFail', history: [{ to: 'partFail', by: 'ann' }] });
    expect(half.evidence).toBe('outputs at disk; 1 of 2 subjobs completed');
    const { adler32, ...unsummed } = found(0, 'z');
    expect(statesOf([unsummed, found(0, 'a')])).toEqual(['a', 'failed']);
    expect(statesOf([unsummed])).toEqual(['failed', 'failed']);
  });

  test('of two executions the one that a record names, else the later one', () => {
    const record = { lock: { site: 'far', epoch: 0, claim: 'n', index: 3 }, usage: { wall: 5 } };
    const sums = new Map([[found(0, 'a').path, 'adler32:00000001']]);
    const records = new Map([['a', { ...record, checksums: sums }]]);
    const later = found(0, 'b', { modified: '2027-01-01T00:00:00.000Z' });
    expect(statesOf([found(0, 'a'), later])).toEqual(['b', 'failed']);
    expect(statesOf([found(0, 'a'), later], { records })).toEqual(['a', 'failed']);
    // The record says other bytes than lie there: it is not whole.
    const damaged = found(0, 'a', { adler32: '00000002' });
    expect(statesOf([damaged], { records })).toEqual(['failed', 'failed']);
    // A record whose outputs are gone proves the pass all the same.
    const { size, adler32, ...gone } = found(0, 'a');
    const pass = rebuiltPass({ ...given, skeleton, found: [gone], records });
    expect(pass).toMatchObject({
      job: { state: 'failed' },
      evidence: expect.stringContaining('no output is left, 1 result'),
    });
  });

  test('the same output at two elements; the one with other bytes is bad', () => {
    const pass = rebuiltPass({
      ...given,
      skeleton,
      found: [found(0, 'a'), found(0, 'a', { storage: 'tape', size: 2 })],
    });
    const [state] = pass!.job.subjobs.map((subjob) => subjob.state);
    expect(state).toMatchObject({
      outputs: [{ storage: 'disk' }, { storage: 'tape', bad: expect.any(String), size: 3 }],
    });
  });

  test('subruns that the module would not make today', () => {
    expect(statesOf([found(0, 'a'), found(5, 'f')])).toEqual(['a', 'f']);
    const run = job({ module: module('Count', { level: 'run' }) });
    expect(statesOf([found(0, 'a')], { skeleton: run })).toEqual(['a']);
  });

  test('an old backup: what it does not know to have ended is completed, and the rest stays as it is', () => {
    expect(statesOf([found(0, 'a')], { known: true })).toEqual(['a', 'waiting']);
    const done = rebuiltPass({ ...given, skeleton, found: [found(0, 'a'), found(1, 'b')] })!.job;
    expect(statesOf([found(0, 'z'), found(1, 'b')], { known: true, skeleton: done })).toBeUndefined();
  });
});

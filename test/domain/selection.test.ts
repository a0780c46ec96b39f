// Selections: what words mean, which jobs match, and reading only what is selected from a real store.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { selectionOf } from '../../src/lib/cli/arguments/selection.ts';
import { SCHEMA } from '../../src/lib/domain/doc.ts';
import { runId } from '../../src/lib/domain/ids.ts';
import type { JobDoc } from '../../src/lib/domain/jobs/job.ts';
import type { PassState } from '../../src/lib/domain/jobs/states.ts';
import { hasRun, parseLine, parseRef, parseRuns, type Selection, unionRuns } from '../../src/lib/domain/selection.ts';
import { selectJobs } from '../../src/lib/flow/jobs/select.ts';
import type { Store } from '../../src/lib/store.ts';
import { open } from '../../src/lib/stores/sqlite/sqlite.ts';
import { UsageError } from '../../src/lib/util/errors.ts';
import { job, module, moduleFile } from '../support/docs.ts';
import { smallSettings } from '../support/settings.ts';

describe('words', () => {
  test('REFs', () => {
    expect(parseRef('109134')).toEqual({ text: '109134', run: 109134 });
    expect(parseRef('109134/Analysis40')).toMatchObject({ run: 109134, module: 'Analysis40' });
    expect(parseRef('109134/Analysis40/2')).toMatchObject({ pass: 2 });
    expect(parseRef('109134/Analysis40/2.007')).toMatchObject({ pass: 2, subjob: 7 });
    expect(parseRef('job:0000109134:Analysis40:002')).toMatchObject({ run: 109134, module: 'Analysis40', pass: 2 });
    expect(parseRef('run:0000109134')).toMatchObject({ run: 109134 });
    expect(parseRef('hold:calibration-0000000012')).toEqual({
      text: 'hold:calibration-0000000012',
      id: 'hold:calibration-0000000012',
    });
    for (const wrong of ['', 'x', '12/', '12/a b', '12/A/x', '12/A/1.', '-1', '12345678901']) {
      expect(parseRef(wrong), wrong).toBeUndefined();
    }
  });

  test('lines: REFs, exactly lines, JSON lines', () => {
    expect(parseLine(' 12/Count \n')).toMatchObject({ run: 12, module: 'Count' });
    expect(parseLine('Count 12 3')).toMatchObject({ run: 12, module: 'Count', pass: 3 });
    expect(parseLine('{"ref":"12/Count/3","state":"failed"}')).toMatchObject({ run: 12, pass: 3, expected: 'failed' });
    expect(parseLine('{"ref":"12/Count/3","state":"odd"}')?.expected).toBeUndefined();
    for (const wrong of ['{"ref":12}', '{broken', '{}', 'Count 12']) expect(parseLine(wrong), wrong).toBeUndefined();
  });

  test('run sets', () => {
    expect(parseRuns('12')).toEqual({ ranges: [[12, 12]], listed: [12] });
    expect(parseRuns('10-20')).toEqual({ ranges: [[10, 20]], listed: [] });
    expect(parseRuns('10-')?.ranges[0]?.[0]).toBe(10);
    for (const wrong of ['20-10', '-5', 'a', '1-2-3', '']) expect(parseRuns(wrong), wrong).toBeUndefined();
    const set = unionRuns([parseRuns('5-9')!, parseRuns('10')!, parseRuns('20-30')!, parseRuns('25')!]);
    expect(set).toEqual({
      ranges: [
        [5, 10],
        [20, 30],
      ],
      listed: [10, 25],
    });
    expect([4, 5, 10, 11, 30, 31].map((run) => hasRun(set, run))).toEqual([false, true, true, false, true, false]);
  });

  test('flags: a state that does not exist is named with the near miss; nothing said is refused where it must be', async () => {
    const now = async (): Promise<string> => '2026-07-14T12:00:00.000Z';
    const of = (flags: object, refs: string[] = [], needed = false) => {
      return selectionOf({ refs, flags, states: ['failed'], needed }, now);
    };
    await expect(of({ state: ['faild'] })).rejects.toMatchObject({
      message: expect.stringContaining('did you mean failed?'),
    });
    await expect(of({}, [], true)).rejects.toThrow('--all is required');
    await expect(of({ pass: 'first' })).rejects.toThrow('is not a pass');
    await expect(of({ since: 'tuesday' })).rejects.toThrow(/not a (time|date)/);
    expect(await of({ since: '12h' })).toMatchObject({ since: '2026-07-14T00:00:00.000Z', states: ['failed'] });
    expect(await of({ all: true }, [], true)).toEqual({ pass: 'last', states: ['failed'] });
    // A named pass is meant whatever its state is.
    expect(await of({}, ['12/Count/1'])).not.toHaveProperty('states');
  });
});

describe('from a store', () => {
  let folder: string;
  let store: Store;
  const modules = { '1.0': moduleFile([module('Count'), module('Plot')], {}) };
  const settings = smallSettings({}, { modules });
  const select = (more: Partial<Selection>) => selectJobs({ store, settings }, { pass: 'last', ...more });
  const refs = async (more: Partial<Selection>): Promise<string[]> => {
    return (await select(more)).jobs.map((one) => `${one.run}/${one.module}/${one.pass}`);
  };

  function at(doc: JobDoc, state: PassState, since: string): JobDoc {
    return { ...doc, state, since };
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'dflow-select-'));
    store = await open(`sqlite:${join(folder, 'x.db')}`, { write: 'setup' });
    await store.setup('test');
    const docs: JobDoc[] = [];
    for (let run = 1; run <= 30; run++) {
      const count = at(job({ run }), run % 3 === 0 ? 'failed' : 'completed', `2026-07-14T00:00:${run + 10}.000Z`);
      docs.push(count);
      docs.push(at(job({ run, module: module('Plot', { needs: ['Count'] }), needs: [count] }), 'waiting', count.since));
    }
    // Run 3 was processed again on request; run 6 twice, with a number in between that was never made.
    docs.push(at(job({ run: 3, pass: 2, request: 'again' }), 'completed', '2026-07-15T00:00:00.000Z'));
    docs.push(at(job({ run: 6, pass: 3, request: 'again' }), 'completed', '2026-07-15T00:00:00.000Z'));
    const runs = [...Array(31).keys()]
      .slice(1)
      .map((run) => ({ _id: runId(run), kind: 'run', v: SCHEMA, run, levels: {} }));
    const all = [...docs, ...runs, { _id: runId(99), kind: 'run', v: SCHEMA, run: 99, levels: {} }];
    await store.bulk(all.map((doc) => ({ id: doc._id, change: () => ({ write: doc }) })));
  });
  afterAll(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('only last passes unless asked: a retry of failed ones leaves superseded ones alone', async () => {
    const failed = await refs({ states: ['failed'] });
    expect(failed).toEqual([
      '9/Count/1',
      '12/Count/1',
      '15/Count/1',
      '18/Count/1',
      '21/Count/1',
      '24/Count/1',
      '27/Count/1',
      '30/Count/1',
    ]);
    expect(await refs({ states: ['failed'], pass: 'all' })).toHaveLength(10);
    expect(await refs({ pass: 1, runs: parseRuns('3')! })).toEqual(['3/Count/1', '3/Plot/1']);
    expect(await refs({ refs: [parseRef('3/Count/1')!] })).toEqual(['3/Count/1']);
    expect(await refs({ refs: [parseRef('3/Count')!] })).toEqual(['3/Count/2']);
  });

  test('flags narrow each other', async () => {
    expect(await refs({ runs: parseRuns('2-3')!, modules: ['Co*'] })).toEqual(['2/Count/1', '3/Count/2']);
    expect(await refs({ requests: ['again'] })).toEqual(['3/Count/2', '6/Count/3']);
    expect(await refs({ states: ['failed'], since: '2026-07-14T00:00:37.000Z' })).toEqual(['27/Count/1', '30/Count/1']);
    await expect(refs({ versions: ['2.*'] })).rejects.toThrow(/no version '2.\*'; known: 1.0/);
    expect(await refs({ versions: ['1.*'], runs: parseRuns('2')! })).toEqual(['2/Count/1', '2/Plot/1']);
    expect(await refs({ refs: [] })).toEqual([]);
    expect(await refs({ modules: [] })).toEqual([]);
  });

  test('a waiting pass whose prerequisite failed is unsatisfied, until a retry makes it ready', async () => {
    expect(await refs({ states: ['unsatisfied'], runs: parseRuns('1-9')! })).toEqual([
      '3/Plot/1',
      '6/Plot/1',
      '9/Plot/1',
    ]);
    expect(await refs({ states: ['waiting'], runs: parseRuns('1-4')! })).toEqual(['1/Plot/1', '2/Plot/1', '4/Plot/1']);
  });

  test('unknown runs and jobs are named; a run without jobs is not unknown', async () => {
    const { problems, jobs } = await select({
      runs: unionRuns([parseRuns('77')!, parseRuns('99')!, parseRuns('40-50')!]),
    });
    expect(jobs).toEqual([]);
    expect(problems).toEqual([expect.objectContaining({ ref: '77', did: 'unknown', failed: true })]);
    const named = await select({ refs: [parseRef('1/Cuont')!, parseRef('78')!, parseRef('1/Count')!] });
    expect(named.problems.map((problem) => problem.ref)).toEqual(['78', '1/Cuont']);
    expect(named.jobs).toHaveLength(1);
  });

  test('a piped line whose state has changed is refused and named', async () => {
    const was = parseLine('{"ref":"9/Count/1","state":"running"}')!;
    const is = parseLine('{"ref":"12/Count/1","state":"failed"}')!;
    const { jobs, problems } = await select({ refs: [was, is] });
    expect(jobs.map((one) => one.run)).toEqual([12]);
    expect(problems).toEqual([
      expect.objectContaining({ ref: '9/Count/1', did: 'refused', text: 'is failed now, no longer running' }),
    ]);
  });

  test('a module pattern without match is a usage error with the near miss', async () => {
    await expect(select({ modules: ['Cuont'] })).rejects.toBeInstanceOf(UsageError);
    await expect(select({ modules: ['Cuont'] })).rejects.toMatchObject({
      message: expect.stringContaining('did you mean Count?'),
    });
  });

  test('a subjob of a pass', async () => {
    const { subjobs, jobs } = await select({ refs: [parseRef('9/Count/1.001')!] });
    expect(subjobs.get(jobs[0]?._id ?? '')).toEqual([1]);
  });

  test('a subjob that the pass does not have is named, not passed over', async () => {
    const { jobs, problems } = await select({ refs: [parseRef('9/Count/1.007')!] });
    expect(jobs).toEqual([]);
    expect(problems).toMatchObject([{ ref: '9/Count/1.007', did: 'unknown', failed: true }]);
  });
});

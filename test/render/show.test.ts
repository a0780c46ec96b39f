// `show` and tables on a terminal: every line fits, whatever the width; what explains is never lost.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { transition } from '../../src/lib/domain/jobs/job.ts';
import type { RunDoc } from '../../src/lib/domain/runs/run.ts';
import { jobRow } from '../../src/lib/flow/reports/look/jobrows.ts';
import { rowTable } from '../../src/lib/render/rows.ts';
import { showText } from '../../src/lib/render/show/show.ts';
import { statusText } from '../../src/lib/render/status.ts';
import { dataDoc, job, rawFile, T0 } from '../support/docs.ts';

const plain = (text: string): string => stripVTControlCharacters(text);
const widest = (text: string): number =>
  Math.max(
    ...plain(text)
      .split('\n')
      .map((line) => line.length),
  );

const BAD = { state: 'bad', attempt: 1, path: 'x', since: T0, why: 'checksum 1 instead of 2' } as const;
const files = [rawFile(12, 0, ['sfu', 'ral']), { ...rawFile(12, 1, ['sfu']), replicas: { ral: BAD } }];
const data = dataDoc(12, files);

/** A pass of which the first subjob has failed for good at its second try. */
function failed() {
  const failure = { cause: 'exit-1', reason: `no /data/l1/${'long_'.repeat(16)}file.dat on this node`, site: 'cedar' };
  const lock = { site: 'cedar', epoch: 1, claim: 'c', index: 0 };
  const usage = { host: 'node7', wall: 3_600, cpu: 1_800, maxRss: 2_000_000 };
  return transition(
    job({ data, request: 'tl-july' }),
    [
      { index: 0, event: 'claim', to: { name: 'submitting', since: T0, lock }, with: { attempt: 2 } },
      { index: 0, event: 'record', to: { name: 'submitted', since: T0, lock, backendId: 'b' } },
      {
        ...{ index: 0, event: 'fail', to: { name: 'failed', since: T0, lock, failure }, usage },
        with: { lastFailure: { ...failure, at: T0 } },
      },
    ],
    T0,
    'test',
  );
}

const pass = { of: 'pass', job: failed(), state: 'waiting', data, needs: new Map(), notes: [], now: T0 } as const;

test.each([50, 60, 80, 120])('a pass in %s columns: every line fits', (width) => {
  expect(widest(showText(pass, width))).toBeLessThanOrEqual(width);
});

test('a pass: state, inputs with copies, and each try with cause, host, time and memory', () => {
  const text = plain(showText(pass, 160));
  expect(text).toMatch(/^12\/Count\/1 {2}1\.0 {2}tl-july {2}WAITING/);
  expect(text).toMatch(/run12_0\.dat +10 B +sfu ral verified/);
  expect(text).toMatch(/run12_1\.dat +10 B +ral bad: checksum 1 instead of 2/);
  expect(text).toMatch(/000 try 2 +14 Jul \d\d:\d\d +exit-1 +cedar +node7 +60m \(50 % CPU\) +2\.\d+ GB/);
  expect(text).toContain('Next: dflow why 12/Count/1\n      dflow log 12/Count/1\n      dflow retry 12/Count/1');
});

test.each([60, 80])('a run in %s columns: files and passes fit', (width) => {
  const levels = {
    L1: { lastFile: T0, late: [], files: 2, complete: { at: T0, subruns: [0, 1], evidence: '13 seen' } },
  };
  const run = { _id: 'run:0000000012', kind: 'run', v: 1, run: 12, levels, firstSeen: T0, history: [] } as RunDoc;
  const passes = [jobRow(failed(), 'waiting')];
  const text = showText({ of: 'run', run, types: ['Physics'], data: [data], passes, firstPass: [], notes: [] }, width);
  expect(widest(text)).toBeLessThanOrEqual(width);
  expect(plain(text)).toContain('12  Physics  COMPLETE');
  expect(plain(text)).toContain('L1  2 files, complete since 14 Jul');
  expect(plain(text)).toContain('12/Count/1');
});

test('any other document is a page of its fields', () => {
  const doc = { _id: 'hold:pause-x', kind: 'hold', v: 1, why: 'optics', since: T0, _rev: '3' } as never;
  expect(plain(showText({ of: 'document', doc }, 80))).toMatch(/^hold:pause-x {2}hold\nwhy {4}optics\nsince {2}14 Jul/);
});

const ROW = jobRow(failed(), 'waiting');

test('the least important columns go first, and the table says which; a REF and a state stay', () => {
  const rows = [{ ...ROW, request: 'a-request-with-a-long-name', site: 'cedar,graham' }];
  const wide = plain(rowTable('jobs', rows, 200));
  expect(wide).toContain('REQUEST');
  const narrow = plain(rowTable('jobs', rows, 60));
  expect(widest(narrow)).toBeLessThanOrEqual(60);
  expect(narrow).toMatch(/^REF +VERSION|^REF +STATE/);
  expect(narrow).toContain('12/Count/1');
  expect(narrow).toMatch(/not shown, for want of columns: REQUEST/);
});

test('a list of names is cut at a word', () => {
  const covers = 'runs 109121-109130 modules Processing,Analysis40 farms cedar graham niagara beluga';
  const hold = {
    kind: 'hold',
    ref: 'hold:pause-x7k2ab',
    what: 'pause',
    covers,
    why: 'x',
    by: 'anna@login1 (pause)',
    since: T0,
  };
  const text = plain(rowTable('holds', [hold] as never, 100));
  expect(widest(text)).toBeLessThanOrEqual(100);
  expect(text).toMatch(/runs 109121-109130 [\w ,]*\.\.\./);
});

test('a history at 60 columns: the time stays, what the state was before gives way', () => {
  const row = {
    kind: 'change',
    ref: 'data:L1:0000109134',
    at: '2026-07-14T06:00:00.000Z',
    from: 'submitting',
    to: '3 files registered',
    by: 'anna@login (x)',
  };
  const head = plain(rowTable('history', [row as never], 60)).split('\n')[0] ?? '';
  expect(head.split(/ {2,}/)).toEqual(['AT', 'REF', 'TO']);
});

test('the head of status has one line: the place of the store gives way', () => {
  const page = JSON.parse(readFileSync(resolve(import.meta.dirname, '../../bin/examples/status.json'), 'utf8'));
  const long = { ...page, store: `/data/${'x'.repeat(60)}/dflow.db` };
  const first = (columns: number, of = page): string => plain(statusText(of, columns)).split('\n')[0] ?? '';
  expect(first(80)).toContain('/data/snoplus/dflow.db  4 need you');
  expect(first(80, long)).toMatch(/^snoplus-demo {2}\S.* {2}4 need you$/);
  expect(first(60, long)).toMatch(/^snoplus-demo {2}\S.* {2}4 need you$/);
});
